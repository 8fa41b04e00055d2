"""The official layout of MSCOCO: `annotations/captions_train2014.json` and the like."""

from pathlib import Path

from dvsa.data.dataset import DataError
from dvsa.data.layouts.listing import Listing
from dvsa.data.text_files import json_field, read_json


def read(root: Path, entities: Path) -> Listing | None:
    """Read the captions of train and val, of 2014 or else of 2017; raises DataError if they are malformed."""
    for year in ("2014", "2017"):
        paths = {split: root / "annotations" / f"captions_{split}{year}.json" for split in ("train", "val")}
        paths = {split: path for split, path in paths.items() if path.is_file()}
        if paths:
            return _read(paths)
    return None


def _read(paths: dict[str, Path]) -> Listing:
    listing = Listing("coco")
    for split, path in paths.items():
        content = read_json(path)

        photos = {}
        for image in json_field(content, "images", list, path):
            photo = photos[json_field(image, "id", int, path)] = json_field(image, "file_name", str, path)
            listing.entries.append((photo, split))

        for annotation in json_field(content, "annotations", list, path):
            number = json_field(annotation, "image_id", int, path)
            if number not in photos:
                raise DataError(f"{path}: a sentence is for image_id {number}, which it does not list")
            listing.sentences[photos[number]].append(json_field(annotation, "caption", str, path))
    return listing
