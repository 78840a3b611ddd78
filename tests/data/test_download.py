"""A download is whole or not at all, and what cannot be had is named with its cure."""

import functools
import hashlib
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pooch
import pytest

from influencelab.data import download
from influencelab.data.download import FOLDER_VARIABLE, RemoteFile
from influencelab.errors import MissingData


class Quiet(SimpleHTTPRequestHandler):
    """A file server that does not report to the terminal."""

    def log_message(self, *_message):
        """Say nothing."""


@pytest.fixture
def server(tmp_path, monkeypatch):
    """The address and the folder of a file server on this machine."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    served = tmp_path / "served"
    served.mkdir()
    handler = functools.partial(Quiet, directory=str(served))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", served
        server.shutdown()
        thread.join()


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """The folder that INFLUENCELAB_DATA names, not yet made."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "kept"))
    return tmp_path / "kept"


RIGHT = b"the published bytes" * 1000
MD5 = hashlib.md5(RIGHT).hexdigest()


def remote(*mirrors: str) -> RemoteFile:
    """A file to be had from these mirrors."""
    return RemoteFile("tiny", "points.gz", MD5, "https://example.org/home", mirrors)


def test_the_first_mirror_with_the_right_bytes_is_used(server, kept):
    address, served = server
    for folder, content in (("wrong", RIGHT[:-5]), ("right", RIGHT)):
        (served / folder).mkdir()
        (served / folder / "points.gz").write_bytes(content)
    file = remote("http://127.0.0.1:1/", f"{address}absent/", f"{address}wrong/", f"{address}right/")
    path = file.fetch()
    assert path == kept / "tiny" / "points.gz"
    assert path.read_bytes() == RIGHT
    assert list(path.parent.iterdir()) == [path]
    shutil.rmtree(served)
    assert file.fetch() == path


def test_a_file_without_a_checksum_is_taken_as_it_is_from_the_first_mirror_that_has_it(server, kept, capfd):
    address, served = server
    (served / "points.gz").write_bytes(RIGHT[:-5])
    file = RemoteFile("tiny", "points.gz", "", "https://example.org/home", (f"{address}absent/", address))
    assert file.fetch() == kept / "tiny" / "points.gz"
    assert file.fetch().read_bytes() == RIGHT[:-5]
    assert capfd.readouterr() == ("", "")


def test_a_download_says_nothing(server, kept, capfd, caplog):
    address, served = server
    (served / "points.gz").write_bytes(RIGHT)
    logger = pooch.get_logger()
    level = logger.level
    logger.addHandler(caplog.handler)
    remote(address).fetch()
    logger.removeHandler(caplog.handler)
    assert (kept / "tiny" / "points.gz").exists()
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []
    assert logger.level == level


def test_no_mirror_with_the_right_bytes_leaves_no_file(server, kept):
    address, served = server
    (served / "points.gz").write_bytes(RIGHT[:-5])
    with pytest.raises(MissingData) as caught:
        remote("http://127.0.0.1:1/", f"{address}absent/", address).fetch()
    for reason in ("ConnectionError", "HTTPError", "wrong checksum", "https://example.org/home", "tiny/points.gz"):
        assert reason in str(caught.value)
    assert list((kept / "tiny").iterdir()) == []


def test_an_interrupted_download_leaves_no_file(kept, monkeypatch):
    def interrupted(_downloader, _url, target, *_others):
        Path(target).write_bytes(RIGHT[:100])
        raise KeyboardInterrupt

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        remote("https://example.org/").fetch()
    assert list((kept / "tiny").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "file"))
    with pytest.raises(MissingData, match=r"file/tiny cannot be made.*https://example.org/home.*INFLUENCELAB_DATA"):
        remote("https://example.org/").fetch()


def test_a_file_that_cannot_be_read_is_named(kept):
    (kept / "tiny" / "points.gz").mkdir(parents=True)
    with pytest.raises(MissingData, match=r"points.gz cannot be read \(Is a directory\).*INFLUENCELAB_DATA"):
        remote("https://example.org/").fetch()


@pytest.mark.parametrize("value", [None, ""])
def test_without_the_variable_files_go_to_the_users_cache(monkeypatch, tmp_path, value):
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / project)
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(FOLDER_VARIABLE, value)
    assert download.data_folder() == tmp_path / "influencelab"
