"""Enron1: mails are counted as their words say, and an archive that is another, or not whole, is refused by name."""

import os
import re
from dataclasses import replace
from pathlib import Path

import numpy
import pooch
import pytest
from idx_files import cut_network
from mail_archives import HAM, SPAM, mails, packed, use_archive

from influencelab.data.download import FOLDER_VARIABLE
from influencelab.data.sources import enron1
from influencelab.data.sources.enron1 import Enron1
from influencelab.errors import InvalidData, InvalidParameter, MissingData

MIRROR = Path(os.environ.get(FOLDER_VARIABLE, "nowhere")) / "enron1" / enron1.NAME
SMALL = Enron1(held_out=15)


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """No network; what was asked for."""
    return cut_network(monkeypatch)


def test_every_mail_is_one_point_with_the_counts_of_its_words(tmp_path, monkeypatch):
    files = mails()
    use_archive(packed(files), tmp_path, monkeypatch)
    data, words = SMALL.load(), SMALL.words()
    assert (data.n, data.m, data.classes) == (HAM + SPAM - 15, 15, 2)
    order = sorted(name for name in files if "/ham/" in name) + sorted(name for name in files if "/spam/" in name)
    texts = [re.findall(r"\w\w+", files[order[place]].decode("latin-1").lower()) for place in data.train_ids.tolist()]
    # By hand: words of two letters or more that five training mails have.
    wanted = sorted(word for word in {w for text in texts for w in text} if sum(word in text for text in texts) >= 5)
    assert list(words) == wanted
    assert data.x_train.tolist() == [[text.count(word) for word in wanted] for text in texts]
    labels = numpy.array(["/spam/" in name for name in order]).astype(int)
    assert data.y_train.tolist() == labels[data.train_ids].tolist()
    assert data.y_test.tolist() == labels[data.test_ids].tolist()
    assert len({*data.train_ids.tolist(), *data.test_ids.tolist()}) == HAM + SPAM


def test_the_seed_deals_the_mails_and_rare_words_come_in_when_asked(tmp_path, monkeypatch):
    use_archive(packed(mails()), tmp_path, monkeypatch)
    first, other = (replace(SMALL, seed=seed).load() for seed in (0, 1))
    assert first.test_ids.tolist() != other.test_ids.tolist()
    assert len(replace(SMALL, fewest=1).words()) > len(SMALL.words())
    with pytest.raises(InvalidParameter, match="fewest is 0, expected 1 … 45 training mails"):
        replace(SMALL, fewest=0).load()
    alike = {name: f"own{place}".encode() for place, name in enumerate(mails())}
    use_archive(packed(alike), tmp_path, monkeypatch)
    with pytest.raises(InvalidData, match="No word occurs in 5 training mails"):
        SMALL.load()


def test_an_archive_packed_in_another_order_is_the_same_and_one_changed_letter_is_not(tmp_path, monkeypatch):
    files = mails()
    use_archive(packed(files), tmp_path, monkeypatch)
    wanted = SMALL.load().content_hash()
    path = use_archive(packed(dict(reversed(files.items()))), tmp_path, monkeypatch, known=enron1.CONTENT)
    assert SMALL.load().content_hash() == wanted
    changed = packed(files | {"enron1/ham/0003.1999.farmer.ham.txt": b"Subject: gaz\r\n"})
    path.write_bytes(changed)
    with pytest.raises(MissingData, match=r"is damaged or another file: its content has the SHA-256 .*Delete it"):
        SMALL.load()
    assert path.read_bytes() == changed


def without(part: str) -> dict[str, bytes]:
    """The files but those of one folder."""
    return {name: content for name, content in mails().items() if f"/{part}/" not in name}


BROKEN = {
    "no archive": (b"<!DOCTYPE html>", r"enron1\.tar\.gz is no whole archive"),
    "cut off": (packed(mails())[:-200], "is no whole archive"),
    "no spam": (packed(without("spam")), "no mails in a folder 'spam', expected one folder for each class: ham, spam"),
    "no mails": (packed({"enron1/Summary.txt": b"a summary"}), "no mails in a folder 'ham'"),
    "no labels": (packed({"enron1/0001.txt": b"Subject: x"}), "no mails in a folder 'ham'"),
    "an empty mail": (packed(mails() | {"enron1/spam/0000.txt": b"\r\n"}), "Mail enron1/spam/0000.txt is empty"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_an_archive_that_holds_no_labelled_mails_is_refused_by_name(tmp_path, monkeypatch, case):
    content, message = BROKEN[case]
    known = "" if content.startswith(b"\x1f\x8b") and case != "cut off" else "unknown"
    use_archive(content, tmp_path, monkeypatch, known=known)
    with pytest.raises(InvalidData, match=message):
        SMALL.load()


def test_another_page_in_place_of_the_archive_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    pages = [b"<!DOCTYPE html>", packed(mails())]

    def write(_downloader, _url, target, *_others):
        Path(target).write_bytes(pages.pop(0))

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", write)
    for refusal in (InvalidData, MissingData):
        with pytest.raises(refusal, match=r"is no whole archive|is damaged or another file"):
            SMALL.load()
        assert list((tmp_path / "enron1").iterdir()) == []


def test_without_network_the_error_says_what_to_do(tmp_path, monkeypatch, offline):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(MissingData) as caught:
        Enron1().load()
    for part in (enron1.NAME, enron1.HOME, FOLDER_VARIABLE, "enron1/enron1.tar.gz", "ConnectionError"):
        assert part in str(caught.value)
    assert offline == [f"{mirror}{enron1.NAME}" for mirror in enron1.MIRRORS]


@pytest.mark.slow
@pytest.mark.skipif(not MIRROR.is_file(), reason="the mails are not at hand")
def test_the_published_mails_hold_what_is_known_of_them():
    arrays = Enron1().arrays()
    labels = numpy.concatenate([arrays.y_train, arrays.y_test])
    assert (len(arrays.y_train), len(arrays.y_test)) == (4137, 1035)
    assert numpy.bincount(labels).tolist() == [3672, 1500]
    words = Enron1().words()
    assert {"enron", "meter", "viagra"} <= set(words)
    assert arrays.x_train.shape == (4137, len(words))
    assert (numpy.minimum(arrays.x_train, 1).sum(0) >= 5).all()
