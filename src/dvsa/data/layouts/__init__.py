"""The layouts of data sets: how a folder lists its photographs, splits and sentences.

To add a layout, write a module with a `read` function like those below, and add the function to `LAYOUTS`.
"""

from collections.abc import Callable
from pathlib import Path

from dvsa.data.layouts import captions, coco, flickr, karpathy, precomp, sidecars
from dvsa.data.layouts.listing import Listing

Layout = Callable[[Path, Path], Listing | None]
"""Reads the listing of a folder that has the layout; returns None for any other folder.

The arguments are the data set's folder, and the folder of Flickr30k Entities (or again the first one).
Raises DataError if the listing is incomplete or malformed.
"""

LAYOUTS: tuple[Layout, ...] = (
    flickr.read,
    karpathy.read,
    coco.read,  # after Karpathy's JSON, because it has no sentences for its test split
    captions.read,
    precomp.read,
    sidecars.read_tars,
    sidecars.read_folder,
)
"""The first layout that a folder has is used."""


def find(root: Path, entities: Path) -> Listing | None:
    """Read the listing of a folder; None if the folder has none of the layouts.

    Files that look like lists as well, but are not read, are among the listing's problems.

    Args:
        root: the data set's folder.
        entities: another folder for the split lists of Flickr30k Entities.

    Raises:
        DataError: the listing is incomplete or malformed.
    """
    listings = (read(root, entities) for read in LAYOUTS)
    return next((listing for listing in listings if listing is not None), None)
