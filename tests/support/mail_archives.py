"""Tiny archives in the form of Enron1, so that its source is tested without the real one and without a network."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from influencelab.data.download import FOLDER_VARIABLE
from influencelab.data.sources import enron1
from influencelab.data.sources._archives import files_in, manifest

# Mails whose words are known: every one says its number, ham talks of gas, spam of prizes.
HAM, SPAM = 40, 20


def mails(*, ham: int = HAM, spam: int = SPAM) -> dict[str, bytes]:
    """Files of an archive by name."""
    texts = {f"enron1/ham/{i:04d}.1999.farmer.ham.txt": f"Subject: gas\r\ngas gas deal m{i}\r\n" for i in range(ham)}
    texts |= {f"enron1/spam/{i:04d}.2004.GP.spam.txt": f"Subject: prize\r\nprize {i % 3}x £\r\n" for i in range(spam)}
    return {"enron1/Summary.txt": b"a summary", **{name: text.encode("latin-1") for name, text in texts.items()}}


def packed(files: Mapping[str, bytes]) -> bytes:
    """A gzipped tar of these files."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as archive:
        for name, content in files.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
    return held.getvalue()


def use_archive(content: bytes, folder: Path, patch: pytest.MonkeyPatch, *, known: str = "") -> Path:
    """Put an archive where Enron1's is looked for, and expect this content; by default its own."""
    path = folder / "enron1" / enron1.NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if not known:
        known = manifest(files_in(content, name=enron1.NAME))
    patch.setattr(enron1, "CONTENT", known)
    patch.setenv(FOLDER_VARIABLE, str(folder))
    return path
