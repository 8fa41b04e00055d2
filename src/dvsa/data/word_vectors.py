"""Word vectors from a file: the formats of word2vec (text and binary), GloVe and fastText.

The content decides the format, not the name. Files of word2vec and fastText begin with a line of two numbers:
how many words, and how many numbers each. Files of GloVe have no such line. All may be compressed by gzip.
"""

import gzip
import hashlib
import zlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from dvsa.arrays import Floats
from dvsa.data.dataset import DataError
from dvsa.text import FIRST_WORD, Vocabulary

MAX_SIZE = 10_000
"""The most numbers that a vector may have."""
MAX_LINE = 1 << 20
"""The longest line of text, in bytes."""
MAX_WORD = 10_000
"""The longest word of a binary file, in bytes."""

Row = tuple[bytes, bytes]
"""A word and its numbers, not yet parsed: files have millions of rows, and few are needed."""
Rows = tuple[int, Callable[[bytes], Floats], Iterator[Row]]
"""The numbers in a vector, how to parse them, and the rows of a file."""


@dataclass(frozen=True, slots=True, eq=False)
class WordVectors:
    """The vectors that a file has for the words of a vocabulary."""

    file: str
    """The file's name, without folders."""
    sha256: str
    """Of the file, in hexadecimal."""
    size: int
    """How many numbers a vector has."""
    found: Mapping[int, Floats]
    """The vectors (size,) of the words that the file has, by their ids."""
    words: int
    """How many words the vocabulary has."""

    def word_VD(self, vocabulary: Vocabulary, seed: int = 0) -> Floats:
        """Vectors (V, size) for all ids; those that the file lacks are random, with the same spread."""
        shape = (len(vocabulary), self.size)
        word_VD = np.random.default_rng(seed).normal(0, self.spread, shape).astype(np.float32)
        for n, vector_D in self.found.items():
            word_VD[n] = vector_D
        return word_VD

    @property
    def spread(self) -> float:
        """The standard deviation of all numbers of the words that were found."""
        with np.errstate(over="ignore", invalid="ignore"):  # `read` refuses what is not finite
            return float(np.std(list(self.found.values())))

    @property
    def facts(self) -> Mapping[str, str | int]:
        """The file, its digest, and how many words it has."""
        return {"file": self.file, "sha256": self.sha256, "found": len(self.found), "words": self.words}

    def __str__(self) -> str:
        found = f"{self.file} has {len(self.found):,} of the vocabulary's {self.words:,} words"
        return f"{found}, {self.size} numbers each; the others get random vectors"


def read(path: Path, vocabulary: Vocabulary) -> WordVectors:
    """The vectors of a vocabulary's words; if a word appears twice, its first vector is used.

    A word is found if the file has it letter for letter. The words of a vocabulary are in lower case.

    Raises:
        OSError: the file cannot be read.
        DataError: the file is damaged, is of another format, or has none of the words.
    """
    ids = {word.encode(): n for n, word in enumerate(vocabulary.words, FIRST_WORD)}
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()

    found: dict[int, Floats] = {}
    try:
        with _opened(path) as file:
            size, parse, rows = _rows(file)
            for word, numbers in rows:
                n = ids.get(word)
                if n is not None and n not in found:
                    found[n] = _vector(word, parse, numbers, size)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is damaged ({error}): fetch it again") from error
    except DataError as error:
        raise DataError(f"{path}: {error}") from None

    if not found:
        raise DataError(f"{path} has no word of the vocabulary: are its words of the same language?")
    vectors = WordVectors(path.name, sha256, size, found, len(ids))
    if not np.isfinite(vectors.spread):
        raise DataError(f"{path}: its numbers are too large for single precision: rescale the vectors")
    return vectors


def _opened(path: Path) -> BinaryIO:
    """The file, decompressed if it is compressed."""
    with path.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    return cast(BinaryIO, gzip.open(path)) if compressed else path.open("rb")


def _rows(file: BinaryIO) -> Rows:
    """What the first line, and the row after a header, say about the file."""
    first = file.readline(MAX_LINE)
    start = len(BOM_UTF8) if first.startswith(BOM_UTF8) and not first.startswith(BOM_UTF8 + b" ") else 0
    first = first[start:]  # a byte-order mark is not a part of the first word, but may be a word
    header = first.split()
    if len(header) != 2:
        file.seek(start)
        size = _checked(first, min(_trailing_numbers(first), len(header) - 1))
        return size, _from_text, _text_rows(file, None, size)
    try:
        count, size = int(header[0]), _checked(first, int(header[1]))
    except ValueError:
        raise _unknown(first) from None

    # Text or binary? The first row tells.
    body = file.tell()
    text = _trailing_numbers(file.readline(MAX_LINE)) >= size
    file.seek(body)
    if text:
        return size, _from_text, _text_rows(file, count, size)
    return size, _from_bytes, _binary_rows(file, count, size)


def _trailing_numbers(line: bytes) -> int:
    """How many numbers a line ends with."""
    parts = line.split()
    for count, part in enumerate(reversed(parts)):
        try:
            float(part)
        except ValueError:
            return count
    return len(parts)


def _checked(first: bytes, size: int) -> int:
    if not 1 <= size <= MAX_SIZE:
        raise _unknown(first)
    return size


def _unknown(first: bytes) -> DataError:
    return DataError(f"it is not a word2vec, GloVe or fastText file: it begins with {first[:40]!r}")


def _text_rows(file: BinaryIO, count: int | None, size: int) -> Iterator[Row]:
    """The rows of a text; words with spaces, which GloVe's large files contain, are left out."""
    place = 0
    while line := file.readline(MAX_LINE):
        line = line.rstrip()
        if not line:
            continue
        spaces = line.count(b" ")
        if spaces < size:
            raise DataError(f"row {place} (from 0) has {spaces} numbers instead of {size}")
        if spaces > size:
            line = _single_spaced(line, size, place)
        word, _, numbers = line.partition(b" ")
        if line.count(b" ") == size:
            yield word, numbers
        place += 1
    if count is not None and place != count:
        raise DataError(f"its first line promises {count:,} words, and it has {place:,}: fetch it again")


def _single_spaced(line: bytes, size: int, place: int) -> bytes:
    """A row with more spaces than numbers, without doubled spaces; DataError for a number too many or few."""
    fields = line.split()
    numbers = _trailing_numbers(line)
    # Of a word that is empty or has spaces, `size` numbers are left.
    if numbers < size or (numbers > size and len(fields) > size + 1):
        raise DataError(f"row {place} (from 0) has {numbers} numbers instead of {size}")
    return b" ".join(fields)


def _binary_rows(file: BinaryIO, count: int, size: int) -> Iterator[Row]:
    for _ in range(count):
        letters = bytearray()
        while (letter := file.read(1)) not in (b" ", b"") and len(letters) < MAX_WORD:
            letters += letter
        numbers = file.read(4 * size)
        if len(letters) == MAX_WORD or len(numbers) < 4 * size:
            raise DataError("it ends in the middle of a vector, or is not a binary file: fetch it again")
        # Some programs end a vector with a line break, which then precedes the next word.
        yield bytes(letters.lstrip(b"\n")), numbers
    if file.read(2).strip(b"\n"):
        raise DataError(f"it goes on after the {count:,} words that its first line promises: fetch it again")


def _from_text(numbers: bytes) -> Floats:
    with np.errstate(over="ignore"):  # what is too large becomes infinite, which is refused
        return np.array(numbers.split(), np.float32)


def _from_bytes(numbers: bytes) -> Floats:
    return np.frombuffer(numbers, "<f4").astype(np.float32)


def _vector(word: bytes, parse: Callable[[bytes], Floats], numbers: bytes, size: int) -> Floats:
    """The numbers of one word; raises DataError unless there are `size` finite ones."""
    try:
        vector_D = parse(numbers)
    except ValueError:
        vector_D = np.array([np.nan], np.float32)
    if len(vector_D) != size or not np.isfinite(vector_D).all():
        raise DataError(f"the vector of {word.decode()!r} has invalid numbers")
    return vector_D
