"""A user's own `captions.json`: an object with a list of sentences for each photograph."""

from pathlib import Path

from dvsa.data.dataset import DataError
from dvsa.data.layouts.listing import Listing
from dvsa.data.text_files import json_field, read_json


def read(root: Path, entities: Path) -> Listing | None:
    """Read the file; raises DataError if it is malformed."""
    path = root / "captions.json"
    if not path.is_file():
        return None

    listing = Listing(path.resolve().parent.name)
    content = read_json(path)
    if not isinstance(content, dict):
        raise DataError(f"{path}: expected an object with a list of sentences for each photograph")
    for photo in content:
        sentences = json_field(content, photo, list, path)
        if not all(isinstance(sentence, str) for sentence in sentences):
            raise DataError(f"{path}: {photo!r} needs a list of sentences")
        listing.entries.append((photo, ""))
        listing.sentences[photo] = sentences
    return listing
