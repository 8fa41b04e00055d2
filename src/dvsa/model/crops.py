"""What the crops of regions show, for bundles whose regions are described by crops (paper, section 3.1.1)."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from dvsa.arrays import Floats
from dvsa.bundle import Bundle
from dvsa.manifest import Crops
from dvsa.photo import Photo, crops, squash


def shown(bundle: Bundle, how: Crops, photos: Sequence[Photo], box_BI4: Floats) -> Floats:
    """The output of the graph `crop` for each region of some photographs, (B, I, C).

    Args:
        bundle: has the graph.
        how: how it wants crops to be cut.
        photos: B photographs.
        box_BI4: their regions.

    Raises:
        ValueError: there are fewer or more photographs than rows of regions.
    """
    if len(photos) != len(box_BI4):
        raise ValueError(
            f"bundle {bundle.manifest.name} describes regions by crops: give the photographs too"
        )
    shown_BIC = []
    for photo, box_I4 in zip(photos, box_BI4, strict=True):
        picture = photo.image
        if not how.full_resolution:
            picture = Image.fromarray(squash(photo, bundle.manifest.size))
        shown_BIC += bundle.graphs.run("crop", {"crops": crops(picture, box_I4, how.size, how.context)})
    stacked_BIC: Floats = np.stack(shown_BIC)
    return stacked_BIC
