"""Files of word vectors: every format, and damaged files."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from dvsa.learn.nets.word_vectors import read
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
    elif kind == "word2vec text":
        path.write_text(header + text_rows(FILE_WORDS, " \n"), encoding="utf-8")
    else:
        end = b"\n" if kind == "word2vec binary with line breaks" else b""
        rows = zip(FILE_WORDS, vectors(), strict=True)
        path.write_bytes(header.encode() + b"".join(w.encode() + b" " + v.tobytes() + end for w, v in rows))
    return path


KINDS = ["glove", "word2vec text", "word2vec binary", "word2vec binary with line breaks"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_gives_the_vectors_of_the_vocabulary(tmp_path: Path, kind: str) -> None:
    word_VD = read(write(tmp_path / "v", kind), VOCABULARY).numpy()
    assert word_VD.shape == (len(VOCABULARY), 6)
    for place, word in enumerate(["the", "dog", "été", "a"]):  # the second "dog" is ignored
        n = VOCABULARY.id(word)
        if n is not None:
            np.testing.assert_allclose(word_VD[n], vectors()[place], rtol=1e-6)


def test_words_that_are_not_in_the_file_get_random_vectors_of_the_same_spread(tmp_path: Path) -> None:
    path = tmp_path / "v"
    known_ND = np.random.default_rng(0).normal(scale=0.3, size=(50, 20))
    words = [f"w{n:03}" for n in range(500)]
    path.write_text(
        "".join(f"{w} {' '.join(map(str, v))}\n" for w, v in zip(words[:50], known_ND, strict=True))
    )
    vocabulary = Vocabulary(tuple(words), (5,) * 500, 9)
    word_VD = read(path, vocabulary, seed=1).numpy()
    others_ND = word_VD[FIRST_WORD + 50 :]
    assert others_ND.std() == pytest.approx(known_ND.std(), rel=0.1)
    np.testing.assert_array_equal(word_VD, read(path, vocabulary, seed=1).numpy())
    assert not np.array_equal(others_ND, read(path, vocabulary, seed=2).numpy()[FIRST_WORD + 50 :])


def test_words_with_spaces_are_skipped(tmp_path: Path) -> None:
    """GloVe's file of 840 billion tokens contains some."""
    path = tmp_path / "v"
    path.write_text("dog 1 2 3\n. . . 4 5 6\nat name@domain.com 7 8 9\na 1.5 2.5 3.5\n")
    word_VD = read(path, VOCABULARY)
    assert word_VD[VOCABULARY.id("a")].tolist() == [1.5, 2.5, 3.5]
    assert word_VD[VOCABULARY.id("dog")].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "has no word of the vocabulary"),
        (b"zebra 1 2 3\n", "has no word of the vocabulary"),
        (b"dog 1 2 3\na 1 2\n", r"row 1 \(from 0\) has 2 numbers instead of 3"),
        (b"dog 1 2 3\na 1 2 x\n", "the vector of 'a' has invalid numbers"),
        (b"dog 1 2 3\na 1 2 nan\n", "the vector of 'a' has invalid numbers"),
        (b"2 3\ndog 1 2 3\na 1 2", r"row 1 \(from 0\) has 2 numbers"),
        (b"this is a text about a dog\nand not word vectors\n", "row 1"),
        (b"no numbers\ndog 1 2 3\n", "is not a word2vec or GloVe file"),
        (b"2 3\ndog \x00\x00\x80\x3f\x00\x00\x80\x3f", "ends in the middle of a vector"),
        (b"2 3\ndog " + b"\x00\x00\xc0\x7f" * 3 + b"a " + b"\0" * 12, "the vector of 'dog'"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "is not a word2vec or GloVe file|has no word of the vocabulary"),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "damaged.bin"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=reason) as caught:
        read(path, VOCABULARY)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"none\.txt"):
        read(tmp_path / "none.txt", VOCABULARY)


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_file_is_refused_or_gives_complete_vectors(tmp_path: Path, kind: str) -> None:
    """A text file that is cut within its last number looks like a complete one."""
    whole = write(tmp_path / "whole", kind).read_bytes()
    for cut in range(12, len(whole) - 1):
        (tmp_path / "cut").write_bytes(whole[:cut])
        try:
            word_VD = read(tmp_path / "cut", VOCABULARY)
        except ValueError as error:
            assert str(tmp_path / "cut") in str(error)  # noqa: PT017
        else:
            assert word_VD.shape == (len(VOCABULARY), 6)
            assert kind in ("glove", "word2vec text")
