"""The layout of SCAN and VSE++ as a data set: captions and features, without photographs."""

from pathlib import Path

from dvsa.data.given_regions.precomp import read_splits
from dvsa.data.layouts.listing import Listing

_NAMES = {"f8k_precomp": "flickr8k", "f30k_precomp": "flickr30k", "coco_precomp": "coco"}
"""Data sets by the usual names of their folders."""


def read(root: Path, entities: Path) -> Listing | None:
    """Read the captions; raises DataError if they do not belong to the features."""
    splits = read_splits(root)
    if not splits:
        return None

    folder = root.resolve().name
    listing = Listing(_NAMES.get(folder, folder), featured=True)
    for split in splits:
        listing.entries.extend((name, split.name) for name in split.names)
        listing.sentences.update(zip(split.names, map(list, split.sentences), strict=True))
    return listing
