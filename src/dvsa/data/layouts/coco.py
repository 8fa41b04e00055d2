"""The layout of MSCOCO: `annotations/captions_train2014.json` and the like, or one such file of any name."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from dvsa.data.dataset import DataError
from dvsa.data.layouts.columns import split_in
from dvsa.data.layouts.listing import Listing, Row
from dvsa.data.text_files import json_field, read_json


def read(root: Path, entities: Path) -> Listing | None:
    """Read the captions of train and val, of 2014 or else of 2017; raises DataError if they are malformed."""
    for year in ("2014", "2017"):
        for folder in (root / "annotations", root):
            paths = [folder / f"captions_{split}{year}.json" for split in ("train", "val")]
            paths = [path for path in paths if path.is_file()]
            if paths:
                return read_files(paths, "coco")
    return None


def read_files(paths: list[Path], name: str) -> Listing:
    """Read files of this form; the split is in the name of each. Raises DataError if one is malformed."""
    names = ", ".join(path.name for path in paths)
    listing = Listing(name, files=paths, layout="COCO", why=f"{names}: COCO captions")
    for path in paths:
        _read(path, listing)
    return listing


def _read(path: Path, listing: Listing) -> None:
    content = read_json(path)
    images: dict[int | str, tuple[Mapping[str, object], int]] = {}
    for position, image in enumerate(json_field(content, "images", list, path), 1):
        number = _number(image, "id", path)
        if number in images:
            raise DataError(f"{path}, image {position}: the id {number} is there twice: keep one of them")
        images[number] = image, position

    # Sentences of each image; an id may be a number in one list and a string in the other.
    sentences: dict[int | str, list[str]] = {number: [] for number in images}
    for position, annotation in enumerate(json_field(content, "annotations", list, path), 1):
        number = _number(annotation, "image_id", path)
        if number not in images:
            raise DataError(
                f"{path}, annotation {position}: a sentence is for image_id {number}, which it does not list"
            )
        sentences[number].append(json_field(annotation, "caption", str, path))

    split = split_in(path.name)
    for number, (image, position) in images.items():
        photo = json_field(image, "file_name", str, path)
        where, folder = f"{path}, image {position}", _folder(image, path)
        listing.rows.append(Row(photo, sentences[number], split, where, folder, whole=True))


def _number(record: object, key: str, path: Path) -> int | str:
    """An id: a number, also where it is written as a string."""
    value = record.get(key) if isinstance(record, dict) else None
    if isinstance(value, str):
        return int(value) if value.isdecimal() else value
    return json_field(record, key, int, path)


def _folder(image: Mapping[str, object], path: Path) -> str:
    """The folder of the photograph: that of its address, else `train2014` for `captions_train2014.json`."""
    url = image.get("coco_url")
    if isinstance(url, str) and "/" in url:
        return PurePosixPath(url).parent.name
    return path.stem.removeprefix("captions_")
