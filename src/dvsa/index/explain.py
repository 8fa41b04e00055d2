"""Why a photograph was found: the region that matched each word of the query."""

from dataclasses import replace

from dvsa.aligning import align
from dvsa.arrays import Floats
from dvsa.boxes import to_pixels
from dvsa.index.query import Query
from dvsa.index.values import Hit, Photograph
from dvsa.model import Model
from dvsa.photo import Photo
from dvsa.records import Description, Region


def hit(query: Query, score: float, photograph: Photograph, box_I4: Floats, v_ID: Floats) -> Hit:
    """A search result: a photograph whose boxes and vectors are aligned with the query.

    Each word takes its best region (beta 0), so that the scores of the words add up to the photograph's.
    """
    alignment = replace(align(query.sentence, v_ID, beta=0.0, support=query.support), score=score)
    boxes = tuple(tuple(map(float, box_4)) for box_4 in box_I4)
    return Hit(photograph, score, boxes, alignment, query.fits(v_ID))  # type: ignore[arg-type]


def describe(model: Model, hit: Hit, photo: Photo) -> Description:
    """What to draw on the photograph of a hit: its caption, and the query's words on its regions."""
    regions = tuple(
        Region(i, box, to_pixels(box, photo.width, photo.height), 1.0) for i, box in enumerate(hit.boxes)
    )

    view = model.open(photo)
    return Description(
        photo=hit.photograph.path,
        width=photo.width,
        height=photo.height,
        proposer="given",
        caption=view.caption(),
        regions=regions,
        phrases=(),
        alignment=hit.alignment,
        distance=view.distance,
        familiar=view.familiar,
    )
