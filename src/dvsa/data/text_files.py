"""Reading the text and JSON files of data sets, with errors that name the file."""

import gzip
import json
import re
import zlib
from pathlib import Path
from typing import TypeVar

from dvsa.data.dataset import DataError
from dvsa.typed_json import TwiceError, parse

T = TypeVar("T")


def read_text(path: Path) -> str:
    """A text file's content; raises DataError if it is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text ({error}): save it as UTF-8") from error


def read_json(path: Path) -> object:
    """The content of a JSON file, plain or compressed (`.gz`).

    Raises:
        DataError: it is malformed, or an object in it has a key twice.
    """
    try:
        data = path.read_bytes()
        if path.suffix.lower() == ".gz":
            data = gzip.decompress(data)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is not JSON ({error}): correct it or fetch it again") from error
    return parse_json(data, str(path))


def parse_json(data: bytes | str, where: str) -> object:
    """The value of JSON text; `where` says for errors where it stands.

    Raises:
        DataError: it is malformed, or an object in it has a key twice.
    """
    try:
        return parse(data, finite=False)
    except TwiceError as error:
        place = f"{where}{_line_of_second(error.key, data)}"
        raise DataError(f"{place}: {error}: keep one of them") from error
    except ValueError as error:
        raise DataError(f"{where} is not JSON ({error}): correct it or fetch it again") from error


def json_field(record: object, key: str, kind: type[T], path: Path) -> T:
    """A field of a JSON object; raises DataError unless it is there and of the given type.

    `true` and `false` are no numbers, although Python takes them for whole numbers.
    """
    value = record.get(key) if isinstance(record, dict) else None
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise DataError(f"{path}: an entry has no {key!r} of type {kind.__name__}: {str(record)[:60]}")
    return value


def _line_of_second(key: str, data: bytes | str) -> str:
    """The line of a key's second place, for errors; empty if the key stands in other objects as well."""
    text = data.decode("utf-8-sig", errors="replace") if isinstance(data, bytes) else data
    places = [match.start() for match in re.finditer(re.escape(json.dumps(key, ensure_ascii=False)), text)]
    return f", line {text.count(chr(10), 0, places[1]) + 1}" if len(places) == 2 and "\n" in text else ""
