"""A JSON object with a list of sentences for each photograph, such as a user's own `captions.json`."""

from pathlib import Path

from dvsa.data.dataset import DataError
from dvsa.data.layouts.columns import split_in
from dvsa.data.layouts.listing import Listing, Row
from dvsa.data.text_files import json_field, read_json


def read_file(path: Path, inner: str, listing: Listing) -> None:
    """Add what a file says to a listing; raises DataError if it is malformed."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise DataError(f"{path}: expected an object with a list of sentences for each photograph")
    folder = inner.rpartition("/")[0]
    for number, photo in enumerate(content, 1):
        sentences = json_field(content, photo, list, path)
        if not all(isinstance(sentence, str) for sentence in sentences):
            raise DataError(f"{path}: {photo!r} needs a list of sentences")
        where = f"{path}, entry {number}"
        listing.rows.append(Row(photo, sentences, split_in(inner), where, folder))
