"""Sentences of photographs that are not there: a model may read them before it sees anything."""

import gzip
import hashlib
import zlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dvsa.data.dataset import DataError


@dataclass(frozen=True, slots=True)
class Reading:
    """A file of sentences."""

    file: str
    """Its name, without folders."""
    sha256: str
    """Of its content, in hexadecimal."""
    sentences: Mapping[str, tuple[str, ...]]
    """By the photograph that they were written for."""


def read(path: Path) -> Reading:
    """Read lines of `PHOTOGRAPH<TAB>sentence` in UTF-8, plain or compressed by gzip.

    Raises:
        OSError: the file cannot be read.
        DataError: a line is another, or there is none.
    """
    content = path.read_bytes()
    found = defaultdict(list)
    try:
        text = (gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content).decode()
    except (EOFError, gzip.BadGzipFile, zlib.error, UnicodeDecodeError) as error:
        raise DataError(f"{path} is no text in UTF-8, plain or by gzip ({error})") from error
    for number, line in enumerate(text.splitlines(), 1):
        photograph, tab, sentence = line.partition("\t")
        if not (tab and photograph and sentence.strip()):
            raise DataError(f"{path}, line {number} is not PHOTOGRAPH, a tab and a sentence: {line[:60]!r}")
        found[photograph].append(sentence.strip())
    if not found:
        raise DataError(f"{path} holds no sentence")
    return Reading(path.name, hashlib.sha256(content).hexdigest(), {k: tuple(v) for k, v in found.items()})
