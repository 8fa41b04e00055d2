"""Whether a file that nothing reads has sentences of photographs, so that it is not ignored in silence."""

import codecs
import gzip
import re
import zlib
from collections.abc import Set
from pathlib import Path

from dvsa.data.layouts.delimited import HEAD
from dvsa.data.names import without_number
from dvsa.data.photographs import is_photograph

UNKNOWN = "no columns of photographs and sentences in its beginning"

_LINES = 50
"""How many lines are looked at."""

_BOXES = ('"bbox"', '"bounding_box"', '"segmentation"', '"licenses"')
"""Keys of JSON with boxes, which names photographs and may have texts, but no sentences."""

_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


def mentions(path: Path, stems: Set[str]) -> str | None:
    """Why a file is not read that names photographs and has words in its beginning; None for any other.

    Args:
        path: a text or JSON file, plain or compressed by gzip.
        stems: names of photographs without folders, with and without suffixes.
    """
    try:
        with gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb") as file:
            data = file.read(HEAD)
    except (OSError, EOFError, zlib.error):
        return None
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    head = data.decode("utf-16" if wide else "utf-8-sig", errors="replace")

    if not (_in_json if head.lstrip()[:1] in ("{", "[") else _in_lines)(head, stems):
        return None
    if wide:
        return "it has photographs and sentences, but is not UTF-8 text: save it as UTF-8"
    if path.suffix.lower() == ".gz":
        return "it has photographs and sentences, but is compressed: decompress it"
    return UNKNOWN


def _in_lines(head: str, stems: Set[str]) -> bool:
    """Whether half of the lines name a photograph and have two words more."""
    lines = [line for line in re.split(r"\r\n|\n|\r", head) if line.strip()][:_LINES]
    return 0 < len(lines) <= 2 * sum(_in_line(line, stems) for line in lines)


def _in_line(line: str, stems: Set[str]) -> bool:
    # In prose, a space follows a comma.
    fields = [field.strip(' "') for field in re.split(r"[\t|]|[;,](?! )", line)]
    parts = line.split()
    if any(_names(field, stems) for field in fields):
        return any(_has_words(field) for field in fields)
    return _names(parts[0].strip('",;:'), stems) and _has_words(" ".join(parts[1:]))


def _in_json(head: str, stems: Set[str]) -> bool:
    if any(key in head for key in _BOXES):
        return False
    strings = {match[1] for match in _STRING.finditer(head)}
    # Whatever has the name of a picture file: other strings may be the name of one by chance.
    return any(_is_picture(text) for text in strings) and any(_has_words(text) for text in strings)


def _names(field: str, stems: Set[str]) -> bool:
    base = re.split(r"[/\\]", without_number(field))[-1]
    return base in stems or _is_picture(field)


def _is_picture(field: str) -> bool:
    return is_photograph(without_number(field).replace("\\", "/"))


def _has_words(text: str) -> bool:
    """Whether a text has two words; names of files and numbers are none."""
    return sum(word.strip("'\".,:;!?()[]").isalpha() for word in text.split()) > 1
