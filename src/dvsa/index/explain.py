"""Why a photograph was found: which region each word of the query went to."""

from dataclasses import replace

from dvsa.aligning import align
from dvsa.boxes import to_pixels
from dvsa.index.query import Query
from dvsa.index.records import Hit, Photograph
from dvsa.model import Floats, Model
from dvsa.photo import Photo, read
from dvsa.records import Description, Region


def hit(query: Query, score: float, photograph: Photograph, box_I4: Floats, v_ID: Floats) -> Hit:
    """A photograph, with its boxes and vectors, as the answer to a query.

    Every word is left to itself (beta 0), so that the words' scores add up to the photograph's.
    """
    alignment = replace(align(query.sentence, v_ID, beta=0.0, support=query.support), score=score)
    boxes = tuple(tuple(map(float, box_4)) for box_4 in box_I4)
    return Hit(photograph, score, boxes, alignment)  # type: ignore[arg-type]


def describe(model: Model, hit: Hit) -> tuple[Photo, Description]:
    """A hit as a picture and what there is to draw on it: its caption, and the query's words on its regions.

    Raises:
        ValueError: the photograph has changed since it was indexed, or is broken.
        OSError: it is gone.
    """
    known = hit.photograph
    photo = read(known.read(), name=known.path)
    regions = tuple(
        Region(i, box, to_pixels(box, photo.width, photo.height), 1.0) for i, box in enumerate(hit.boxes)
    )
    description = Description(
        photo=known.path, width=photo.width, height=photo.height, proposer="given",
        caption=model.open(photo).caption(), regions=regions, phrases=(), alignment=hit.alignment,
    )  # fmt: skip
    return photo, description
