"""A user's own `captions.csv`: the columns photo, sentence and optionally split."""

import csv
import io
from pathlib import Path

from dvsa.data.dataset import DataError
from dvsa.data.layouts.listing import Listing
from dvsa.data.text_files import read_text


def read(root: Path, entities: Path) -> Listing | None:
    """Read the file; raises DataError if it is malformed."""
    path = root / "captions.csv"
    if not path.is_file():
        return None

    listing = Listing(path.resolve().parent.name)
    rows = csv.DictReader(io.StringIO(read_text(path)))
    entries: dict[tuple[str, str], None] = {}  # a photograph has a row for each sentence
    try:
        if not {"photo", "sentence"} <= set(rows.fieldnames or ()):
            raise DataError(f"{path}: the first line must be photo,sentence or photo,sentence,split")
        for row in rows:
            photo, sentence = row["photo"], row["sentence"]
            if not photo or sentence is None:
                raise DataError(f"{path}, line {rows.line_num}: a row needs a photo and a sentence")
            entries[photo, row.get("split") or ""] = None
            listing.sentences[photo].append(sentence)
    except csv.Error as error:
        raise DataError(f"{path}, line {rows.line_num} is not CSV ({error}): correct it") from error

    listing.entries.extend(entries)
    return listing
