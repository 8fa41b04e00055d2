"""Karpathy's JSON for any data set: `dataset_<name>.json` or `dataset_<name>.json.gz`."""

import re
from pathlib import Path

from dvsa.data.dataset import DataError
from dvsa.data.layouts.listing import Listing
from dvsa.data.text_files import json_field, read_json

_FILE_NAME = re.compile(r"dataset_(\w+)\.json(\.gz)?")


def read(root: Path, entities: Path) -> Listing | None:
    """Read the one JSON in the folder; raises DataError if it is malformed or there are several."""
    found = files(root)
    if not found:
        return None
    if len(found) > 1:
        names = ", ".join(path.name for path in found.values())
        raise DataError(f"{root} contains {names}: leave there only the one that lists its photographs")

    name, path = found.popitem()
    listing = Listing(name)
    for image in json_field(read_json(path), "images", list, path):
        photo = json_field(image, "filename", str, path)
        listing.entries.append((photo, json_field(image, "split", str, path)))
        sentences = json_field(image, "sentences", list, path)
        listing.sentences[photo] = [json_field(sentence, "raw", str, path) for sentence in sentences]
    return listing


def files(root: Path) -> dict[str, Path]:
    """The JSON files in a folder, by the name of their data set; `x.json` is preferred to `x.json.gz`."""
    return {
        match[1]: path
        for path in sorted(root.iterdir(), reverse=True)  # the last file of a name is kept
        if (match := _FILE_NAME.fullmatch(path.name))
    }
