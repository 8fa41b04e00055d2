"""Files of word vectors: every format, and damaged files."""

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from dvsa.data import DataError
from dvsa.data.word_vectors import WordVectors, read
from dvsa.text import FIRST_WORD, Vocabulary

VOCABULARY = Vocabulary(("a", "dog", "runs", "on", "été"), (9, 8, 7, 6, 5), 10)
FILE_WORDS = ["the", "dog", "été", "a", "dog"]


def vectors(size: int = 6) -> NDArray[np.float32]:
    """The vectors of `FILE_WORDS`; their bytes include line breaks and spaces."""
    return np.random.default_rng(3).normal(size=(len(FILE_WORDS), size)).astype(np.float32)


def text_rows(words: list[str], end: str = "\n") -> str:
    rows = zip(words, vectors(), strict=True)
    return "".join(f"{word} {' '.join(map(repr, map(float, row)))}{end}" for word, row in rows)


def write(path: Path, kind: str) -> Path:
    header = f"{len(FILE_WORDS)} 6\n"
    if kind == "glove":
        path.write_text(text_rows(FILE_WORDS), encoding="utf-8")
    elif kind == "glove with header":
        path.write_text(header + text_rows(FILE_WORDS), encoding="utf-8")
    elif kind == "word2vec text":
        path.write_text(header + text_rows(FILE_WORDS, " \n"), encoding="utf-8")
    elif kind == "fasttext.gz":
        path.write_bytes(gzip.compress((header + text_rows(FILE_WORDS, " \r\n")).encode()))
    else:
        end = b"\n" if "line breaks" in kind else b""
        rows = zip(FILE_WORDS, vectors(), strict=True)
        content = header.encode() + b"".join(w.encode() + b" " + v.tobytes() + end for w, v in rows)
        path.write_bytes(gzip.compress(content) if kind.endswith(".gz") else content)
    return path


KINDS = [
    *("glove", "glove with header", "word2vec text", "fasttext.gz"),
    *("word2vec binary", "word2vec binary with line breaks", "word2vec binary.gz"),
]


def by_word(read: WordVectors) -> dict[str, list[float]]:
    return {VOCABULARY.words[n - FIRST_WORD]: vector_D.tolist() for n, vector_D in read.found.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_gives_the_vectors_of_the_vocabulary(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / "v", kind)
    found = read(path, VOCABULARY)
    _, dog, summer, a, _ = vectors().tolist()  # the second "dog" is ignored
    assert by_word(found) == {"dog": dog, "été": summer, "a": a}
    assert (found.file, found.size, found.words) == ("v", 6, 5)
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert str(found) == "v has 3 of the vocabulary's 5 words, 6 numbers each; the others get random vectors"


def test_words_that_are_not_in_the_file_get_random_vectors_of_the_same_spread(tmp_path: Path) -> None:
    path = tmp_path / "v"
    known_ND = np.random.default_rng(0).normal(scale=0.3, size=(50, 20))
    words = [f"w{n:03}" for n in range(500)]
    path.write_text(
        "".join(f"{w} {' '.join(map(str, v))}\n" for w, v in zip(words[:50], known_ND, strict=True))
    )
    vocabulary = Vocabulary(tuple(words), (5,) * 500, 9)
    found = read(path, vocabulary)
    word_VD = found.word_VD(vocabulary, seed=1)
    np.testing.assert_allclose(word_VD[FIRST_WORD : FIRST_WORD + 50], known_ND, rtol=1e-6)

    others_ND = word_VD[FIRST_WORD + 50 :]
    assert others_ND.std() == pytest.approx(known_ND.std(), rel=0.1)
    np.testing.assert_array_equal(word_VD, found.word_VD(vocabulary, seed=1))
    assert not np.array_equal(others_ND, found.word_VD(vocabulary, seed=2)[FIRST_WORD + 50 :])


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        # GloVe's file of 840 billion tokens has words with spaces.
        (b"dog 1 2 3\n. . . 4 5 6\nat name@domain.com 7 8 9\na 1 2 4\n", {"dog": [1, 2, 3], "a": [1, 2, 4]}),
        (b". . . 4 5 6\na 1 2 4\n", {"a": [1, 2, 4]}),
        # fastText's have spaces of other scripts, control characters, and the empty word.
        ("5 2\n\xa0 1 2 \n\u3000 3 4 \n\x85 5 6 \n 7 8 \na 9 1 \n".encode(), {"a": [9, 1]}),
        # Words may be numbers, or not UTF-8.
        (b"7 1 2\na 3 4\n", {"a": [3, 4]}),
        (b"2 2\n\xe9t\xe9 1 2\na 3 4\n", {"a": [3, 4]}),
        (b"a 1 -2.5e-3\n\n\n", {"a": [1, np.float32(-2.5e-3)]}),
        # A byte-order mark is no part of the first word, but may be a word.
        (b"\xef\xbb\xbfdog 1 2 3\na 1 2 4\n", {"dog": [1, 2, 3], "a": [1, 2, 4]}),
        (b"\xef\xbb\xbf2 3\ndog 1 2 3\na 1 2 4\n", {"dog": [1, 2, 3], "a": [1, 2, 4]}),
        (b"\xef\xbb\xbf 1 2 3\na 1 2 4\n", {"a": [1, 2, 4]}),
        # Doubled spaces.
        (b"dog 1  2 3\na  1 2 4\n", {"dog": [1, 2, 3], "a": [1, 2, 4]}),
        (b"2 3\ndog  1 2  3\n a 1 2 4  \n", {"dog": [1, 2, 3], "a": [1, 2, 4]}),
        (b"7  1 2\n  3 4\na 3   4\n", {"a": [3, 4]}),
    ],
)
def test_odd_words_are_passed_over(tmp_path: Path, content: bytes, wanted: dict[str, list[float]]) -> None:
    (tmp_path / "v").write_bytes(content)
    assert by_word(read(tmp_path / "v", VOCABULARY)) == wanted


ONES = struct.pack("<3f", 1, 1, 1)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"zebra 1 2 3\n", "has no word of the vocabulary"),
        # Not a file of word vectors.
        (b"", "is not a word2vec, GloVe or fastText file"),
        (b"\n\n", "is not a word2vec, GloVe or fastText file"),
        (b"this is a text about a dog\nand not word vectors\n", "is not a word2vec, GloVe or fastText file"),
        (b"no numbers\ndog 1 2 3\n", "is not a word2vec, GloVe or fastText file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "is not a word2vec, GloVe or fastText file"),
        (bytes(5_000_000), "is not a word2vec, GloVe or fastText file"),
        (b"1 " * 20_000 + b"\n", "is not a word2vec, GloVe or fastText file"),
        # Numbers that are missing, too many, or none.
        (b"dog 1 2 3\na 1 2\n", r"row 1 \(from 0\) has 2 numbers instead of 3"),
        (b"dog 1 2 3\nzebra 1 2\n", r"row 1 \(from 0\) has 2 numbers instead of 3"),
        (b"dog 1 2 3\nzebra 1 2 3 4\n", r"row 1 \(from 0\) has 4 numbers instead of 3"),
        (b"2 3\ndog 1 2 3\na 1  2 3 4\n", r"row 1 \(from 0\) has 4 numbers instead of 3"),
        (b"dog 1 2 3\na 1    3\n", r"row 1 \(from 0\) has 2 numbers instead of 3"),
        (b"dog 1 2 3\na 1 2 3 x\n", r"row 1 \(from 0\) has 0 numbers instead of 3"),
        (b"dog 1e38 2 -1e38\n", "its numbers are too large for single precision: rescale the vectors"),
        (b"dog 1 2 3e20\n", "its numbers are too large for single precision: rescale the vectors"),
        (b"dog 1 2 3\na 1 2 x\n", "the vector of 'a' has invalid numbers"),
        (b"dog 1 2 3\na 1 2 nan\n", "the vector of 'a' has invalid numbers"),
        (b"dog 1 2 3\na 1  3\n", "the vector of 'a' has invalid numbers"),
        (b"dog 1 2 3\na 1 2 1e39\n", "the vector of 'a' has invalid numbers"),
        (b"2 3\ndog " + struct.pack("<3f", np.nan, 1, 1) + b"a " + ONES, "the vector of 'dog'"),
        # Other counts than the header's.
        (b"3 3\ndog 1 2 3\na 1 2 3\n", "promises 3 words, and it has 2"),
        (b"1 3\ndog 1 2 3\na 1 2 3\n", "promises 1 words, and it has 2"),
        (b"9000000000 3\ndog 1 2 3\n", "promises 9,000,000,000 words, and it has 1"),
        (b"2 9000000000\ndog 1 2 3\n", "is not a word2vec, GloVe or fastText file"),
        (b"0 0\n", "is not a word2vec, GloVe or fastText file"),
        (b"2 3\ndog 1 2 3\na 1 2", r"row 1 \(from 0\) has 2 numbers"),
        (b"2 3\ndog " + ONES[:8], "ends in the middle of a vector"),
        (b"9000000000 3\ndog " + ONES, "ends in the middle of a vector"),
        (b"1 3\n" + b"\xff" * 20_000, "ends in the middle of a vector"),
        (b"1 3\ndog " + ONES + b"a " + ONES, "goes on after the 1 words"),
        (b"-1 3\ndog " + ONES, "goes on after the -1 words"),
        # Damaged compression.
        (gzip.compress(b"dog 1 2 3\n" * 99)[:-9], "is damaged .*: fetch it again"),
        (gzip.compress(b"dog 1 2 3\n")[:-8] + bytes(8), "is damaged .*: fetch it again"),
        (b"\x1f\x8b nothing", "is damaged .*: fetch it again"),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "damaged.bin"
    path.write_bytes(content)
    with pytest.raises(DataError, match=reason) as caught:
        read(path, VOCABULARY)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"none\.txt"):
        read(tmp_path / "none.txt", VOCABULARY)


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_file_is_refused_unless_nothing_shows_the_cut(tmp_path: Path, kind: str) -> None:
    """A text looks complete if it is cut within its last number; without a header, also after any row."""
    whole = write(tmp_path / "whole", kind).read_bytes()
    for cut in range(12, len(whole) - 1, 3):
        (tmp_path / "cut").write_bytes(whole[:cut])
        try:
            found = read(tmp_path / "cut", VOCABULARY)
        except DataError as error:
            assert str(tmp_path / "cut") in str(error)  # noqa: PT017
        else:
            rows = whole[:cut].count(b" ") // 6
            assert kind == "glove" or (rows == len(FILE_WORDS) and not kind.endswith(("y", "breaks", ".gz")))
            assert found.size == 6
