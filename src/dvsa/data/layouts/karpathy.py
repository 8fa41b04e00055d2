"""Karpathy's JSON for any data set: `dataset_<name>.json`, `dataset.json`, or any name; also `.json.gz`."""

import re
from pathlib import Path

from dvsa.data.dataset import DataError
from dvsa.data.layouts.columns import split_of
from dvsa.data.layouts.listing import Listing, Row
from dvsa.data.layouts.shapes import shape
from dvsa.data.text_files import json_field, read_json

# The library `datasets` calls its own files dataset_dict.json, dataset_info.json and dataset_infos.json.
_FILE_NAME = re.compile(r"dataset(?:_(?!(?:dict|infos?)\.)(\w+))?\.json(\.gz)?")


def read(root: Path, entities: Path) -> Listing | None:
    """Read the one JSON in the folder; raises DataError if it is malformed or there are several."""
    found = files(root)
    if not found:
        return None
    if len(found) > 1:
        names = ", ".join(path.name for path in found.values())
        raise DataError(f"{root} contains {names}: leave there only the one that lists its photographs")
    ((name, path),) = found.items()
    return read_file(path, name or root.resolve().name)


def read_file(path: Path, name: str) -> Listing:
    """Read a file of this form; raises DataError if it is malformed."""
    listing = Listing(
        name, files=[path], layout="Karpathy's JSON", why=f"{path.name} has images with sentences"
    )
    for number, image in enumerate(json_field(read_json(path), "images", list, path), 1):
        where = f"{path}, image {number}"
        photo = json_field(image, "filename", str, path)
        split = split_of(json_field(image, "split", str, path)) if "split" in image else ""
        if split is None:
            raise DataError(f"{where}: unknown split {image['split']!r}: use train, restval, val or test")
        sentences = json_field(image, "sentences", list, path)
        raw = [json_field(sentence, "raw", str, path) for sentence in sentences]
        folder = image.get("filepath")
        listing.rows.append(
            Row(photo, raw, split, where, folder if isinstance(folder, str) else "", whole=True)
        )
    return listing


def files(root: Path) -> dict[str, Path]:
    """The JSON files in a folder, by the name of their data set; `x.json` is preferred to `x.json.gz`.

    A `dataset.json` counts only if nothing names the data set.
    """
    found = {
        match[1] or "": path
        for path in sorted(root.iterdir(), reverse=True)  # the last file of a name is kept
        if (match := _FILE_NAME.fullmatch(path.name)) and (match[1] or _has_sentences(path))
    }
    named = {name: path for name, path in found.items() if name}
    return named or found


def _has_sentences(path: Path) -> bool:
    return shape(path) == "karpathy"
