"""Regions from files: boxes of any detector, or features that somebody computed, by photograph.

To add a layout, write a module with a `read` function like those below, and add the function to `LAYOUTS`.
"""

from collections.abc import Callable
from pathlib import Path

from dvsa.data.dataset import DataError
from dvsa.data.given_regions import hdf5, json_boxes, npz, precomp, tsv
from dvsa.data.given_regions.given import GivenRegions, RegionCounts, RegionsOfPhotograph
from dvsa.data.given_regions.record import Records

__all__ = ["GivenRegions", "RegionCounts", "RegionsOfPhotograph", "load_regions"]

Layout = Callable[[Path], Records | None]
"""Reads the index of a file or a folder that has the layout; returns None for any other.

Raises DataError if the files are malformed.
"""

LAYOUTS: tuple[Layout, ...] = (
    precomp.read,
    npz.read,
    tsv.read,
    hdf5.read,
    json_boxes.read,  # the last, because a folder of features may have JSON beside them
)
"""The first layout that a file or a folder has is used."""


def load_regions(path: Path) -> GivenRegions:
    """Find the regions of photographs in a file or a folder, in any of the layouts that docs/data.md lists.

    Only an index is read, and the first record. `GivenRegions.of` reads the regions of one photograph.

    Raises:
        DataError: there is no such file or folder, it has none of the layouts, or is malformed.
        OSError: a file cannot be read.
    """
    if not path.exists():
        raise DataError(f"{path} is missing: name a file or a folder with regions")
    records = next((found for layout in LAYOUTS if (found := layout(path)) is not None), None)
    if records is None:
        raise DataError(
            f"{path} has no regions in a layout of docs/data.md: *_ims.npy, .npz, .tsv, .h5 or .json"
        )
    return GivenRegions(path, records)
