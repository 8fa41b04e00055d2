"""Word vectors from a file in the word2vec (text or binary) or GloVe format."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dvsa.text import Vocabulary

FloatArray = npt.NDArray[np.float32]


def read(path: Path, vocabulary: Vocabulary, seed: int = 0) -> Tensor:
    """Vectors (V, size) for a vocabulary; words that the file lacks get small random ones.

    The format is told by the content: word2vec files begin with a line of two numbers, and a binary one is
    no valid text after it.

    Raises:
        ValueError: a damaged file, or one that holds none of the words.
    """
    found = {}
    size = 0
    for word, vector_D in _rows(path):
        size = size or len(vector_D)
        if len(vector_D) != size:
            raise ValueError(
                f"{path}: the vector of {word!r} has {len(vector_D)} numbers, the first one {size}"
            )
        n = vocabulary.id(word)
        if n is not None:
            found.setdefault(n, vector_D)
    if not found:
        raise ValueError(
            f"{path} holds no word of the vocabulary: is it a word2vec or GloVe file in English?"
        )
    spread = float(np.std(list(found.values())))
    word_VD = np.random.default_rng(seed).normal(0, spread, (len(vocabulary), size)).astype(np.float32)
    for n, vector_D in found.items():
        word_VD[n] = vector_D
    return torch.from_numpy(word_VD)


def _rows(path: Path) -> Iterator[tuple[str, FloatArray]]:
    with path.open("rb") as file:
        head = file.readline()
        body = file.tell()
        header = head.split()
        if len(header) != 2:  # GloVe has no header: its first line is a row
            yield _row(path, head)
        elif not _is_text_row(file.readline(), int(header[1])):
            file.seek(body)
            yield from _binary_rows(path, file, int(header[0]), int(header[1]))
            return
        else:
            file.seek(body)
        for line in file:
            yield _row(path, line)


def _is_text_row(line: bytes, size: int) -> bool:
    try:
        return len([float(number) for number in line.split()[1:]]) == size
    except ValueError:
        return False


def _row(path: Path, line: bytes) -> tuple[str, FloatArray]:
    word, *numbers = line.rstrip().split(b" ")
    try:
        return word.decode("utf-8", "replace"), np.array(numbers, np.float32)
    except ValueError as error:
        raise ValueError(
            f"{path}: the line of {word.decode('utf-8', 'replace')!r} is no row of numbers"
        ) from error


def _binary_rows(path: Path, file: BinaryIO, count: int, size: int) -> Iterator[tuple[str, FloatArray]]:
    for _ in range(count):
        letters = bytearray()
        while (letter := file.read(1)) not in (b" ", b""):
            letters += letter
        numbers = file.read(4 * size)
        if len(numbers) < 4 * size:
            raise ValueError(f"{path} ends in the middle of a vector: fetch the file again")
        # some writers end a vector with a line break, which then leads the next word
        yield letters.lstrip(b"\n").decode("utf-8", "replace"), np.frombuffer(numbers, np.float32)
