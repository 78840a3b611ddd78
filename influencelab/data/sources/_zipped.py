"""Tables that their publishers keep inside an archive: known by their content, whatever it is packed in."""

import tempfile
import zipfile
from pathlib import Path

from influencelab.data.download import RemoteFile, data_folder, lookalikes, retrieved

LINE_END = b"\r\n"


def member_of(archive: str, file: RemoteFile) -> Path:
    """The path of a file that its publisher packs into a zip archive, taken out of it if it lies nowhere.

    Unpacked or packed anew it is used in place, wherever its content is right. What is taken out has the line ends of
    its checksum, so that an archive whose lines end otherwise gives the same file.

    Raises:
        MissingData: the archive cannot be had or holds another table, the folder cannot be written to, or the file
            that lies there is another one.
    """
    path = data_folder() / file.source / file.name
    if path.exists() or any(file.holds(other.read_bytes()) for other in lookalikes(file.name, data_folder())):
        return file.fetch()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            found = Path(folder) / file.name
            found.write_bytes(content_in(archive, file, Path(folder)))
            found.replace(path)  # whole or not at all
    except (OSError, zipfile.BadZipFile) as error:  # requests' errors are of the first kind
        raise file.missing(f"{file.name} could not be taken from {archive} ({type(error).__name__}).") from error
    except ValueError as error:
        raise file.missing(str(error)) from error
    return path


def content_in(archive: str, file: RemoteFile, folder: Path) -> bytes:
    """The file's bytes from the downloaded archive; a ValueError where it holds none with the right checksum."""
    packed = retrieved(archive, name="archive.zip", folder=folder)
    with zipfile.ZipFile(packed) as opened:
        members = [name for name in opened.namelist() if Path(name).name == file.name]
        contents = [LINE_END.join(opened.read(name).splitlines()) + LINE_END for name in members]
    right = [content for content in contents if file.holds(content)]
    if not right:
        raise ValueError(f"{archive} holds {len(members)} files {file.name}, none of them with MD5 {file.md5}.")
    return right[0]
