"""Tables in JSON: an object for each photograph or sentence, on lines of their own or in a list."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from dvsa.data.dataset import DataError
from dvsa.data.layouts.columns import columns
from dvsa.data.layouts.delimited import HEAD
from dvsa.data.layouts.tables import Table, Values
from dvsa.data.text_files import parse_json, read_json, read_text


def open_lines(path: Path, inner: str) -> Table | None:
    """Open JSON Lines; None if the first line is not an object with a photograph and a sentence."""
    with path.open("rb") as file:
        head = file.read(HEAD).decode("utf-8-sig", errors="replace")
    line = next((line for line in head.split("\n") if line.strip()), "")
    try:
        first = json.loads(line)
    except (ValueError, RecursionError):
        return None
    found = columns(list(first), str(path)) if isinstance(first, dict) else None
    return None if found is None else Table(path, inner, found, lambda: _lines(path))


def open_list(path: Path, inner: str, *, wrapped: bool = True) -> Table | None:
    """Open a list of objects; if `wrapped`, also as the first value of an object, such as `{"data": [...]}`.

    None if the first is not an object with a photograph and a sentence.
    """
    with path.open("rb") as file:
        head = file.read(HEAD).decode("utf-8-sig", errors="replace")
    start = re.match(r'\s*(?:\{\s*"(\w+)"\s*:\s*)?\[\s*(?=\{)', head)
    if start is None or (start[1] is not None and not wrapped):
        return None
    try:
        first, _ = json.JSONDecoder().raw_decode(head, start.end())
    except (ValueError, RecursionError):
        return None
    found = columns(list(first), str(path)) if isinstance(first, dict) else None
    return None if found is None else Table(path, inner, found, lambda: _entries(path, start[1]), "entry")


def _lines(path: Path) -> Iterator[tuple[int, Values]]:
    # Only line feeds end a line of JSON Lines: strings may contain all other separators.
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if line.strip():
            where = f"{path}, line {number}"
            yield number, _record(parse_json(line, where), where)


def _entries(path: Path, key: str | None) -> Iterator[tuple[int, Values]]:
    content = read_json(path)
    if key is not None and isinstance(content, Mapping):
        content = content[key]
    for number, entry in enumerate(content if isinstance(content, list) else [], 1):
        yield number, _record(entry, f"{path}, entry {number}")


def _record(value: object, where: str) -> Values:
    if not isinstance(value, Mapping):
        raise DataError(f"{where} is not an object with a photograph and a sentence: {str(value)[:60]}")
    return value
