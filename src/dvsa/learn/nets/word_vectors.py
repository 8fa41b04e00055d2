"""Word vectors from a file in the word2vec (text or binary) or GloVe format."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor

from dvsa.arrays import Floats
from dvsa.text import Vocabulary


def read(path: Path, vocabulary: Vocabulary, seed: int = 0) -> Tensor:
    """Vectors (V, size) for a vocabulary; words that are not in the file get random ones of the same spread.

    The content decides the format: word2vec files begin with a line of two numbers, and after it a binary
    file is not valid text. If a word appears twice, the first vector is used.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file is damaged, or has none of the words.
    """
    found: dict[int, Floats] = {}
    for word, numbers in _rows(path):
        n = vocabulary.id(word.decode("utf-8", "replace"))
        if n is not None and n not in found:
            found[n] = _vector(path, word, numbers)
    if not found:
        raise ValueError(f"{path} has no word of the vocabulary: is it a word2vec or GloVe file in English?")

    # Random vectors for all words, then those of the file.
    size = len(next(iter(found.values())))
    spread = float(np.std(list(found.values())))
    word_VD = np.random.default_rng(seed).normal(0, spread, (len(vocabulary), size)).astype(np.float32)
    for n, vector_D in found.items():
        word_VD[n] = vector_D
    return torch.from_numpy(word_VD)


def _vector(path: Path, word: bytes, numbers: bytes | list[bytes]) -> Floats:
    """The numbers of one word, from text or from the bytes of a binary file."""
    try:
        vector_D = np.array(numbers, "<f4") if isinstance(numbers, list) else np.frombuffer(numbers, "<f4")
    except ValueError:
        vector_D = np.array([np.nan], "<f4")
    if not np.isfinite(vector_D).all():
        raise ValueError(f"{path}: the vector of {word.decode('utf-8', 'replace')!r} has invalid numbers")
    return vector_D.astype(np.float32)


def _rows(path: Path) -> Iterator[tuple[bytes, bytes | list[bytes]]]:
    """Every word with its numbers, not yet parsed: there are millions, and few are needed."""
    with path.open("rb") as file:
        header = file.readline().split()
        if len(header) != 2:  # GloVe has no header, so its first line is a row
            file.seek(0)
            yield from _text_rows(path, file, len(header) - 1)
            return
        try:
            count, size = int(header[0]), int(header[1])
        except ValueError:
            raise ValueError(
                f"{path} is not a word2vec or GloVe file: it begins with {header!r:.60}"
            ) from None

        # Text or binary? The first row tells.
        body = file.tell()
        text = _is_text_row(file.readline(), size)
        file.seek(body)
        yield from _text_rows(path, file, size) if text else _binary_rows(path, file, count, size)


def _is_text_row(line: bytes, size: int) -> bool:
    try:
        return len([float(number) for number in line.rsplit(maxsplit=size)[1:]]) == size
    except ValueError:
        return False


def _text_rows(path: Path, file: BinaryIO, size: int) -> Iterator[tuple[bytes, list[bytes]]]:
    for place, line in enumerate(file):
        word, *numbers = line.rstrip().rsplit(
            b" ", size
        )  # from the right: some words of GloVe contain spaces
        if len(numbers) < size:
            raise ValueError(f"{path}: row {place} (from 0) has {len(numbers)} numbers instead of {size}")
        yield word, numbers


def _binary_rows(path: Path, file: BinaryIO, count: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    for _ in range(count):
        letters = bytearray()
        while (letter := file.read(1)) not in (b" ", b""):
            letters += letter
        numbers = file.read(4 * size)
        if len(numbers) < 4 * size:
            raise ValueError(f"{path} ends in the middle of a vector: fetch the file again")
        # some programs end a vector with a line break, which then precedes the next word
        yield bytes(letters.lstrip(b"\n")), numbers
