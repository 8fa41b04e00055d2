"""Boxes of a detector in JSON: by photograph, in a file for each photograph, or in the forms of COCO.

By photograph: `{"photo.jpg": boxes}`. A file for each photograph: `photo.jpg.json` or `photo.json`. Boxes are
`[[x0, y0, x1, y1], ...]` or `[[x0, y0, x1, y1, score], ...]` in pixels, or an object with these as `boxes`,
and perhaps `scores`, `width` and `height`. The module `coco` describes its forms.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from dvsa.data.dataset import DataError
from dvsa.data.given_regions import coco
from dvsa.data.given_regions.record import Record, Records
from dvsa.data.given_regions.rows import numbers, record, size_in
from dvsa.data.photographs import files_below
from dvsa.data.text_files import json_field, read_json


@dataclass(frozen=True)
class JsonFiles:
    """A file for each photograph."""

    folder: Path
    inner: Sequence[str]
    """The paths of the files from the folder, with `/`."""

    @cached_property
    def names(self) -> Sequence[str]:
        """The paths without `.json`: `1.jpg.json` and `1.json` are of the photograph `1.jpg`."""
        return [path.removesuffix(".json") for path in self.inner]

    @property
    def files(self) -> Sequence[Path]:
        """The files."""
        return [self.folder / path for path in self.inner]

    def read(self, position: int) -> Record:
        """Read one file."""
        path = self.folder / self.inner[position]
        return _record(str(path), read_json(path))


@dataclass(frozen=True)
class JsonBoxes:
    """The boxes of many photographs, all in memory: a few numbers each."""

    files: Sequence[Path]
    records: Mapping[str, Record]

    @cached_property
    def names(self) -> Sequence[str]:
        """The photographs as the files name them."""
        return list(self.records)

    def read(self, position: int) -> Record:
        """The record of one photograph."""
        return self.records[self.names[position]]


def read(path: Path) -> Records | None:
    """The layout of a file or a folder; None if there is no `.json` file.

    Raises:
        DataError: a file is malformed, or two of them have boxes of one photograph.
    """
    found = sorted(files_below(path)) if path.is_dir() else [(PurePosixPath(path.name), path)]
    files = {str(inner): file for inner, file in found if file.suffix == ".json"}
    if not files:
        return None
    first, *others = files.values()
    content = read_json(first)
    if _is_boxes(content):
        return JsonFiles(path if path.is_dir() else path.parent, list(files))
    contents = {first: content, **{file: read_json(file) for file in others}}
    return JsonBoxes(list(contents), _records(contents))


def _is_boxes(content: object) -> bool:
    """Whether a file is of one photograph: a list of rows or of nothing, or an object with boxes."""
    if isinstance(content, dict):
        return isinstance(content.get("boxes"), list)
    return isinstance(content, list) and (not content or isinstance(content[0], list))


def _records(contents: Mapping[Path, object]) -> dict[str, Record]:
    """The boxes of all photographs in some files, by name. If there are results of a detector, the files with
    images only give names and sizes; otherwise their own boxes are used.
    """
    results = {path: content for path, content in contents.items() if isinstance(content, list)}
    tables = {p: c for p, c in contents.items() if isinstance(c, dict) and isinstance(c.get("images"), list)}
    parts = []

    # The forms of COCO.
    if results:
        listed = coco.images(tables)
        parts += [coco.records(own, listed, path, distinct=False) for path, own in results.items()]
    else:
        for path, table in tables.items():
            entries = json_field(table, "annotations", list, path)
            parts.append(coco.records(entries, coco.images({path: table}), path, distinct=True))

    # By photograph.
    for path, content in contents.items():
        if path not in results and path not in tables:
            if not isinstance(content, dict):
                raise DataError(f"{path} has no boxes: give a list or an object")
            parts.append({name: _record(f"{path}: {name}", boxes) for name, boxes in content.items()})
    return _joined(parts)


def _joined(parts: Sequence[Mapping[str, Record]]) -> dict[str, Record]:
    """All records; raises DataError if two are of one photograph."""
    joined: dict[str, Record] = {}
    for part in parts:
        for name, own in part.items():
            if name in joined:
                raise DataError(f"{own.place} is also in {joined[name].place}: keep one of them")
            joined[name] = own
    return joined


def _record(place: str, content: object) -> Record:
    """The record of one photograph's boxes."""
    fields: dict[str, object] = content if isinstance(content, dict) else {"boxes": content}
    rows, scores = fields.get("boxes"), fields.get("scores")
    if not isinstance(rows, list):
        raise DataError(f"{place} is {content!r:.60}; give a list of [x0, y0, x1, y1] in pixels")
    corners = [numbers(row, (4, 5), f"{place}: row {n} (from 0)") for n, row in enumerate(rows)]
    if scores is not None:
        score_I = numbers(scores, (len(corners),), f"{place}: scores")
        corners = [(*row[:4], score) for row, score in zip(corners, score_I, strict=True)]
    return record(place, corners, size_in(fields, place))
