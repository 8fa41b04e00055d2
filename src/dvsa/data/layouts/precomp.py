"""The layout of SCAN and VSE++ as a data set: captions and features, without photographs."""

from pathlib import Path

from dvsa.data.given_regions.precomp import read_splits
from dvsa.data.layouts.listing import Listing, Row

_NAMES = {"f8k_precomp": "flickr8k", "f30k_precomp": "flickr30k", "coco_precomp": "coco"}
"""Data sets by the usual names of their folders."""


def read(root: Path, entities: Path) -> Listing | None:
    """Read the captions; raises DataError if they do not belong to the features."""
    splits = read_splits(root)
    if not splits:
        return None

    folder = root.resolve().name
    files = [path for split in splits for path in split.files]
    listing = Listing(
        _NAMES.get(folder, folder), files=files, layout="SCAN", why=f"{files[0].name}", featured=True
    )
    for split in splits:
        for name, sentences in zip(split.names, split.sentences, strict=True):
            where = f"{split.files[1]}, {name}"
            listing.rows.append(Row(name, sentences, split.name, where, whole=True))
    return listing
