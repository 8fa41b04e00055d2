"""Extra sentences: text of photographs that are not in the data set, to learn language from."""

import gzip
import hashlib
import re
import zlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dvsa.data.dataset import DataError
from dvsa.data.names import without_number

_NUMBER = re.compile(r"(?<=\d)#\d$")
"""The number of a sentence, after the number of its photograph."""


@dataclass(frozen=True, slots=True)
class ExtraSentences:
    """The content of a file of extra sentences."""

    file: str
    """The file's name, without folders."""
    sha256: str
    """Of the file's content, in hexadecimal."""
    sentences: Mapping[str, tuple[str, ...]]
    """The sentences of each photograph, by its name."""


def read(path: Path) -> ExtraSentences:
    """Read lines of `PHOTOGRAPH<TAB>sentence` in UTF-8, plain or compressed by gzip.

    A byte-order mark is no part of a name, and only a line feed ends a line: evaluation refuses the
    photographs by their names. A number of the sentence, as in `1.jpg#0` or `1#0`, is left out.

    Raises:
        OSError: the file cannot be read.
        DataError: a line has another form, or there is no line.
    """
    content = path.read_bytes()
    try:
        text = (gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content).decode("utf-8-sig")
    except (EOFError, gzip.BadGzipFile, zlib.error, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not UTF-8 text, plain or compressed by gzip ({error})") from error

    if not text.strip():
        raise DataError(f"{path} has no sentences")
    found = defaultdict(list)
    for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
        photograph, tab, sentence = line.partition("\t")
        photograph = _NUMBER.sub("", without_number(photograph.strip()))
        if not (tab and photograph and sentence.strip()):
            raise DataError(f"{path}, line {number} is not PHOTOGRAPH, a tab and a sentence: {line[:60]!r}")
        if re.search(r"\r[^\t]*\t", sentence):
            raise DataError(f"{path}, line {number} goes on after a carriage return: end lines by line feeds")
        found[photograph].append(sentence.strip())
    sentences = {photograph: tuple(lines) for photograph, lines in found.items()}
    return ExtraSentences(path.name, hashlib.sha256(content).hexdigest(), sentences)
