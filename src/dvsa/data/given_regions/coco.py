"""Boxes in the forms of COCO: results of a detector, and annotations as of COCO or MDETR.

Results: `[{"image_id": 42, "bbox": [x, y, width, height], "score": 0.9}]`. Annotations: `{"images": [{"id":
42, "file_name": "a.jpg", "width": 640, "height": 480}], "annotations": [{"image_id": 42, "bbox": [...]}]}`.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from dvsa.data.dataset import DataError
from dvsa.data.given_regions.record import Record, Size
from dvsa.data.given_regions.rows import numbers, record, size_in
from dvsa.data.text_files import json_field

Image = tuple[str, Size | None]
"""A photograph's name, and its size if the file says it."""


def images(contents: Mapping[Path, object]) -> dict[object, Image]:
    """The photographs that some files list, by id.

    Raises:
        DataError: a list is malformed, or an id is of two photographs.
    """
    found: dict[object, Image] = {}
    for path, content in contents.items():
        for entry in json_field(content, "images", list, path):
            name, number = json_field(entry, "file_name", str, path), _id(entry, "id", path)
            image = name, size_in(entry, f"{path}: {name}")
            if found.setdefault(number, image) != image:
                raise DataError(f"{path}: the id {number} is of {name}, and elsewhere of {found[number]}")
    return found


def records(
    entries: Sequence[object], listed: Mapping[object, Image], path: Path, *, distinct: bool
) -> dict[str, Record]:
    """The boxes of each photograph, by its name; without a list of photographs, the name is the `image_id`.

    Args:
        entries: objects with `image_id`, `bbox` and perhaps `score`.
        listed: the photographs by id, or nothing.
        path: the file, for error messages.
        distinct: whether to keep only one of equal boxes: MDETR repeats a box for each phrase and sentence.

    Raises:
        DataError: an entry is malformed, or of a photograph that is not listed.
    """
    rows: defaultdict[str, list[tuple[float, ...]]] = defaultdict(list)
    sizes: dict[str, Size | None] = {}
    ids: dict[str, object] = {}
    for n, entry in enumerate(entries):
        place = f"{path}: entry {n} (from 0)"
        number, box = _id(entry, "image_id", path), json_field(entry, "bbox", list, path)
        if listed and number not in listed:
            raise DataError(f"{place} is of image_id {number}, which is not among the images")
        name, sizes[name] = listed.get(number, (str(number), None))
        if ids.setdefault(name, number) != number and not distinct:
            raise DataError(f"{path}: image_id {ids[name]} and {number} are both {name}: keep one of them")

        x, y, width, height = numbers(box, (4,), f"{place}: bbox")
        value = entry.get("score") if isinstance(entry, dict) else None
        score = () if value is None else numbers([value], (1,), f"{place}: score")
        rows[name].append((x, y, x + width, y + height, *score))
    return {
        name: record(f"{path}: {name}", list(dict.fromkeys(own)) if distinct else own, sizes[name])
        for name, own in rows.items()
    }


def _id(entry: object, key: str, path: Path) -> int | str:
    """A number or a name."""
    value = entry.get(key) if isinstance(entry, dict) else None
    return value if isinstance(value, str) else json_field(entry, key, int, path)
