"""Files of extra sentences: what is read, and how faults are named."""

import gzip
import hashlib
from pathlib import Path

import pytest

from dvsa.data import DataError, exposure
from dvsa.data.extra_sentences import read

LINES = "1000092795\tTwo young guys .\n10002456\tSeveral men in hats .\n1000092795\t A caf\u00e9 .\n"


CUT = gzip.compress(LINES.encode(), mtime=0)[:-9]
PIERCED = gzip.compress(LINES.encode(), mtime=0)[:10] + b"\xff" * 40


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_sentences_stand_by_photograph_in_their_order(tmp_path: Path, pack: type[bytes]) -> None:
    path = tmp_path / "told.txt"
    path.write_bytes(pack(LINES.encode()))
    found = read(path)
    assert found.sentences == {
        "1000092795": ("Two young guys .", "A caf\u00e9 ."),
        "10002456": ("Several men in hats .",),
    }
    assert (found.file, found.sha256) == ("told.txt", hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x0b", "\x0c", "\x85", "\x1c"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_names_are_told_from_marks_and_separators(tmp_path: Path, mark: str, end: str, bom: str) -> None:
    """Evaluation refuses the photographs by these names."""
    path = tmp_path / "told.txt"
    text = f"{bom}1000268201.jpg\ta dog{mark}1000268202.jpg\truns{end}1000268203_0123456789.jpg#4\ta cat{end}"
    path.write_bytes(text.encode())
    found = read(path)
    assert list(found.sentences) == ["1000268201.jpg", "1000268203_0123456789.jpg"]

    exposure.write_text(tmp_path / "read.tsv", found.sentences, [])
    known = exposure.TextExposure.read(tmp_path / "read.tsv")
    assert exposure.name_digest("1000268201_693b08cb0e.jpg") in known.names
    assert exposure.name_digest("images/1000268203.jpg") in known.names
    assert exposure.name_digest("1000268202.jpg") not in known.names


@pytest.mark.parametrize("line", ["no tab", "\tno photograph", "no sentence\t ", ""])
def test_other_lines_are_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "told.txt"
    path.write_text(f"1\ta dog\n{line}\n2\ta cat\n")
    with pytest.raises(DataError, match=r"told\.txt, line 2 is not PHOTOGRAPH, a tab and a sentence"):
        read(path)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"\x1f\x8bno gzip", CUT, PIERCED])
def test_a_file_that_is_not_text_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "told.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"told\.txt is not UTF-8 text, plain or compressed by gzip"):
        read(path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "told.txt").write_bytes(b"")
    with pytest.raises(DataError, match=r"told\.txt has no sentences"):
        read(tmp_path / "told.txt")


def test_a_sentences_number_after_the_photographs_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "told.txt"
    path.write_text("1000268201#0\ta dog\n1000268201#4\ttwo dogs\ntrain#000123\ta cat\n")
    assert dict(read(path).sentences) == {"1000268201": ("a dog", "two dogs"), "train#000123": ("a cat",)}


def test_lines_that_end_by_carriage_returns_alone_are_refused(tmp_path: Path) -> None:
    """Otherwise the second photograph would not be known as seen."""
    path = tmp_path / "told.txt"
    path.write_bytes(b"1000268201\ta dog\r1000268202\ta cat\r")
    with pytest.raises(DataError, match=r"told\.txt, line 1 goes on after a carriage return"):
        read(path)
