"""Tables as text: CSV, and fields between tabs, semicolons or bars.

With commas and semicolons, fields are quoted as in RFC 4180. Between tabs and bars, a quote is an ordinary
character unless it surrounds the whole field.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from dvsa.data.dataset import DataError, Problem
from dvsa.data.layouts.columns import Columns, columns
from dvsa.data.layouts.tables import Table, Values
from dvsa.data.names import without_number, without_suffix
from dvsa.data.text_files import read_text

HEAD = 1 << 16
"""Bytes that are looked at to recognise a file."""

_DELIMITERS = "\t|;,"
_QUOTING = ";,"
_BARE = ("photo", "sentence")
"""The columns of a file without a header."""

# A row of the real results.csv of Flickr30K lacks its second bar.
_NUMBER_AND_SENTENCE = re.compile(r"(\d+)\s*(?:(\|)|\s|$)\s*(.*)")


def open_table(path: Path, inner: str) -> Table | None:
    """Open a file that is a table of photographs with sentences; None if it is not.

    A file without a header counts if its first line is the name of a picture file and one more field.

    Raises:
        DataError: the header is ambiguous.
    """
    with path.open("rb") as file:
        head = file.read(HEAD).decode("utf-8-sig", errors="replace")
    line = next((line for line in re.split(r"\r\n|\n|\r", head) if line.strip()), "")

    for delimiter in _DELIMITERS:
        names = _fields(line, delimiter)
        found = columns(names, str(path))
        if found is not None:
            return _table(path, inner, delimiter, found, names)
    for delimiter in _DELIMITERS:
        fields = _fields(line, delimiter)
        if len(fields) == len(_BARE) and _is_picture(fields[0]):
            return _table(path, inner, delimiter, Columns("photo", ("sentence",), None), None)
    return None


def _table(path: Path, inner: str, delimiter: str, found: Columns, names: Sequence[str] | None) -> Table:
    problems: list[Problem] = []
    return Table(
        path, inner, found, lambda: _rows(path, delimiter, found, names, problems), problems=problems
    )


def _rows(
    path: Path, delimiter: str, found: Columns, header: Sequence[str] | None, problems: list[Problem]
) -> Iterator[tuple[int, Values]]:
    """The rows after the header, each with the number of its line."""
    names = list(header or _BARE)
    photo = names.index(found.photo)
    skip, odd = header is not None, _is_flickr30k(names, delimiter)

    for number, fields in _lines(path, delimiter, len(names), photo):
        if skip:
            skip = False
            continue
        if odd or len(fields) != len(names):
            fields = _fit(fields, names, delimiter, f"{path}, line {number}", problems)
        fields[photo] = without_number(fields[photo])  # `1.jpg#0` is the first sentence of 1.jpg
        yield number, dict(zip(names, fields, strict=False))  # `_fit` has made them as many


def _fit(
    fields: list[str], names: Sequence[str], delimiter: str, where: str, problems: list[Problem]
) -> list[str]:
    """As many fields as columns; what is no fault of the content is forgiven and counted.

    Raises:
        DataError: there are too few or too many fields.
    """
    width = len(names)
    if _is_flickr30k(names, delimiter):
        return _flickr30k(fields, where, problems)
    while len(fields) > width and not fields[-1].strip():
        fields = fields[:-1]
        if len(fields) == width:
            problems.append(Problem("surplus field", fields[0], f"{where}: empty, left out"))

    if len(fields) > width:
        raise DataError(
            f"{where} has {len(fields)} fields for {width} columns: put quotes around a sentence that "
            f"contains {_called(delimiter)}, or leave out what is too much"
        )
    if len(fields) < width:
        raise DataError(
            f"{where}: a row needs a photo and a sentence, and a field for every other column: it has "
            f"{len(fields)} fields for {width} columns"
        )
    return fields


def _is_flickr30k(names: Sequence[str], delimiter: str) -> bool:
    """Whether these are the columns of Flickr30K's `results.csv`."""
    return delimiter == "|" and len(names) == 3 and names[1].casefold().endswith("number")


def _flickr30k(fields: list[str], where: str, problems: list[Problem]) -> list[str]:
    """Photograph, number and sentence of `results.csv`: the number tells where a missing bar belongs."""
    photo, rest = fields[0], " | ".join(fields[1:])
    match = _NUMBER_AND_SENTENCE.fullmatch(rest)
    if match is None:
        raise DataError(f"{where}: a row needs a photo, a number and a sentence: {' | '.join(fields)[:60]!r}")
    if match[2] is None:
        problems.append(Problem("missing delimiter", photo, f"{where}: after the sentence's number"))
    return [photo, match[1], match[3]]


def _lines(path: Path, delimiter: str, width: int, photo: int) -> Iterator[tuple[int, list[str]]]:
    """The fields of each line that is not empty, and the number of the line in which it begins."""
    text = read_text(path)
    if delimiter not in _QUOTING:
        for number, line in enumerate(re.split(r"\r\n|\n|\r", text), 1):
            if line.strip():
                yield number, _fields(line, delimiter)
        return

    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    start = 1
    try:
        for fields in reader:
            line = "".join(fields)
            if "\n" in line or "\r" in line:
                _refuse_swallowed(fields, delimiter, width, photo, f"{path}, line {start}")
            if line.strip():
                yield start, fields
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{path}, line {start} is not CSV ({error}): close every quote, and write one inside quotes twice"
        ) from error


def _refuse_swallowed(fields: list[str], delimiter: str, width: int, photo: int, where: str) -> None:
    """Refuse a field of several lines that contains a row: a quote that is not closed swallows rows."""
    for column, field in enumerate(fields):
        first, *more = re.split(r"\r\n|\n|\r", field)
        # The field is the last one of its own line, unless that line goes on to the photograph's column.
        ahead = [*fields[:column], *first.split(delimiter)] if more and column < photo else []
        for inner in (ahead, *(line.split(delimiter) for line in more)):
            pictures = any(_is_picture(part.strip()) for part in (*inner, *first.split(delimiter)))
            if more and (pictures or _is_row(inner, width, photo)):
                raise DataError(
                    f"{where}: a quote is not closed, and the field goes on over {more[0][:60]!r}: close the "
                    "quote, or write the sentence in one line"
                )


def _is_row(fields: list[str], width: int, photo: int) -> bool:
    """Whether the fields of a line may be a row: in prose, a space follows a comma, and a name has none."""
    name = fields[photo].strip() if photo < len(fields) else ""
    prose = any(field[:1].isspace() for field in fields) and not any(map(str.isdigit, name))
    return len(fields) >= width and name != "" and not re.search(r"\s", name) and not prose


def _fields(line: str, delimiter: str) -> list[str]:
    """The fields of one line; names and sentences do not begin or end with spaces."""
    if delimiter in _QUOTING:
        return [field.strip() for field in next(csv.reader([line], delimiter=delimiter), [])]
    return [_unquoted(field.strip()) for field in line.split(delimiter)]


def _unquoted(field: str) -> str:
    """A field without the quotes around all of it, which programs write where a field contains a quote."""
    inner = field[1:-1]
    if len(field) > 1 and field[0] == field[-1] == '"' and '"' not in inner.replace('""', ""):
        return inner.replace('""', '"')
    return field


def _is_picture(name: str) -> bool:
    name = without_number(name)
    return without_suffix(name) != name


def _called(delimiter: str) -> str:
    return {"\t": "a tab", "|": "a bar", ";": "a semicolon", ",": "a comma"}[delimiter]
