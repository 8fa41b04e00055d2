"""Tables of photographs with sentences, in any format: what they have in common, and their rows."""

import ast
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dvsa.data.dataset import DataError, Problem, Source
from dvsa.data.layouts.columns import Columns, split_in, split_of
from dvsa.data.layouts.listing import Row

Values = Mapping[str, object]
"""The values of a row, by the name of their column."""


@dataclass(frozen=True)
class Table:
    """An open table: its columns are known, its rows are read when they are asked for."""

    path: Path
    inner: str
    """The path from the data set's folder, with `/`."""
    columns: Columns
    read: Callable[[], Iterable[tuple[int, Values]]]
    """Each row with its number, counted from 1. Raises DataError if the file is malformed."""
    unit: str = "line"
    """What the numbers count: `line`, `row` or `entry`."""
    embedded: Callable[[int], Source] | None = None
    """The photograph that a row itself contains, by the row's number; None if rows only name photographs."""
    problems: list[Problem] = field(default_factory=list)
    """What was forgiven, known after reading."""

    def rows(self) -> Iterator[Row]:
        """The rows of the table.

        A split is that of the row, else the one that the path names.

        Raises:
            DataError: a row has no photograph or no sentence, or an unknown split; or only some have splits.
        """
        folder = self.inner.rpartition("/")[0]
        named, split_ahead = split_in(self.inner), None

        for number, values in self.read():
            where = f"{self.path}, {self.unit} {number}"
            source = None if self.embedded is None else self.embedded(number)
            photo = values.get(self.columns.photo)
            if not isinstance(photo, str) or not photo.strip():
                photo = _photo(photo, where, source, f"{self.inner}/{number}")
            sentences: list[str] = []
            for name in self.columns.sentences:
                sentences += sentences_in(values.get(name), where)

            split = named
            if self.columns.split is not None:
                split = _split(values.get(self.columns.split), where)
                if split_ahead is not None and bool(split) != bool(split_ahead):
                    raise DataError(f"{where}: only some rows have a split: give every row one")
                split_ahead = split
            yield Row(photo, sentences, split, where, folder, source)


def _photo(value: object, where: str, source: Source | None, otherwise: str) -> str:
    """A photograph's name; an unnamed photograph inside a table is called by its place."""
    if isinstance(value, Mapping):
        value = value.get("path")
    if isinstance(value, bytes):
        value = None
    if source is not None and not value:
        return otherwise
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
        raise DataError(f"{where}: a row needs a photo and a sentence; it has no photo: {str(value)[:60]}")
    return str(value)


def sentences_in(value: object, where: str) -> list[str]:
    """The sentences in a value: a string, a list of strings, a list in JSON, or objects with the text."""
    if isinstance(value, str):
        return _listed(value, where) if value.startswith("[") else [value]
    if isinstance(value, Mapping):
        value = next((value[key] for key in ("raw", "caption", "text", "sentence") if key in value), None)
        return sentences_in(value, where)
    if isinstance(value, list):
        # A text in a list is a sentence, whatever it looks like.
        own = ([item] if isinstance(item, str) else sentences_in(item, where) for item in value)
        return [sentence for sentences in own for sentence in sentences]
    raise DataError(f"{where}: a row needs a photo and a sentence; it has no sentence: {str(value)[:60]}")


def _listed(value: str, where: str) -> list[str]:
    """The sentences of a list in the cell of a table: as JSON, or as Python writes it; else the text itself.

    Raises:
        DataError: it is a list of numpy's, which does not show where a sentence ends.
    """
    if re.match(r"""\[\s*["']""", value) is None:
        return [value]
    try:
        return sentences_in(json.loads(value), where)
    except ValueError:
        pass
    try:
        tree = ast.parse(value.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return [value]
    texts = [item.value for item in getattr(tree, "elts", ()) if isinstance(item, ast.Constant)]
    if not isinstance(tree, ast.List) or not texts or len(texts) < len(tree.elts):
        return [value]
    if re.search(r"""(?<=["'])\s+(?=["'])""", value):  # Python would join the two strings
        raise DataError(f"{where}: write commas between the sentences of a list: {value[:60]}")
    return [text for text in texts if isinstance(text, str)]


def _split(value: object, where: str) -> str:
    """A known split; empty for none."""
    split = split_of("" if value is None else str(value))
    if split is None:
        raise DataError(f"{where}: unknown split {str(value)[:60]!r}: use train, val or test")
    return split
