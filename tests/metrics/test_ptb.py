"""Compared with tokens of Stanford's Java tokeniser (make_ptb_golden.py)."""

import gzip
import hashlib
import json
import string
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvsa.metrics.ptb import tokenise

GOLDEN = json.loads(Path(__file__).with_name("ptb_golden.json").read_text(encoding="utf-8"))


def digest(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@pytest.mark.parametrize("text", GOLDEN["strings"])
def test_special_strings(text: str) -> None:
    assert " ".join(tokenise(text)) == GOLDEN["strings"][text]


@pytest.mark.parametrize(
    ("kind", "line"), [("word", "xa{}bx qq"), ("token", "xa {} bx qq"), ("dropped", "xa bx qq")]
)
def test_every_character_of_the_first_plane(kind: str, line: str) -> None:
    ends = [[int(end, 16) for end in each.split("-")] for each in GOLDEN["characters"][kind].split()]
    codes = [code for first, last in ends for code in range(first, last + 1)]
    assert len(codes) > 2000
    other = [c for c in map(chr, codes) if " ".join(tokenise(f"xa{c}bx qq")) != line.format(c.lower())]
    assert other == []


def test_all_sentences_of_flickr8k(flickr8k_dir: Path) -> None:
    with open(flickr8k_dir / "Flickr8k.token.txt", encoding="utf-8") as file:
        lines = [" ".join(tokenise(line.split("\t")[1])) for line in file if "\t" in line]
    assert len(lines) == 40_000
    thousands = [digest(lines[n : n + 1000]) for n in range(0, len(lines), 1000)]
    assert thousands == GOLDEN["flickr8k_thousands"]
    assert digest(lines) == GOLDEN["flickr8k"]


def test_all_sentences_of_flickr30k(flickr8k_dir: Path) -> None:
    path = flickr8k_dir.parent / "flickr30k_captions_without_flickr8k.txt.gz"
    if not path.is_file():
        pytest.skip(f"no Flickr30K sentences at {path}")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        lines = [" ".join(tokenise(line.split("\t")[1])) for line in file]
    assert digest(lines) == GOLDEN["flickr30k"]


@given(st.text(st.sampled_from(string.printable + "’“”…–£€½é日")))
def test_tokens_are_clean_and_keep_all_letters(text: str) -> None:
    tokens = tokenise(text)
    assert all(token and not any(mark.isspace() for mark in token) for token in tokens)
    assert not set(tokens) & set(".,?!:;'\"`-")
    if not set(text) & set("&()[]{}"):  # these are spelt out
        written = [mark.lower() for mark in text if mark in string.ascii_letters]
        assert [mark for mark in "".join(tokens) if mark in string.ascii_letters] == written


UNITS = (
    *("a", ".", "a-", "a.", "a'", "a/", "1.", "a_", "(a-", "x.-", "a.a-", "ab.", "#"),
    *("a’", "ae’", "l’", "’", "‘", "“’", "-", "..", ". ", "an", "https://"),
)


@pytest.mark.parametrize("unit", UNITS)
def test_long_strings_take_no_time(unit: str) -> None:
    start = time.perf_counter()
    tokenise(unit * 10_000)
    assert time.perf_counter() - start < 2
