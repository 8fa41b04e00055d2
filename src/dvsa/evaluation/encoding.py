"""The photographs of a split, each encoded once; and what all evaluations share."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from dvsa.arrays import Floats
from dvsa.data import Example, GivenRegions, padded
from dvsa.metrics.figures import Setting
from dvsa.model import Model
from dvsa.photo import Photo, read, squash

PHOTOGRAPHS = 4
"""Photographs in a batch of the network: on two cores 4 are as fast as 8, and a quarter faster than 1."""
SENTENCES = 250
"""Sentences in a batch of the network."""

Progress = Callable[[str, int, int], object]
"""Is called with what is being done, how many are done, and the total."""

Item = TypeVar("Item")


@dataclass(frozen=True, eq=False, slots=True)
class Encoded:
    """The photographs of a split as a model sees them, in the order of the examples."""

    box_KI4: Floats
    """In fractions of width and height; the last region is the frame, the whole photograph."""
    score_KI: Floats
    feature_KIF: Floats
    v_KID: Floats
    proposer: str = ""
    """What chose the regions: `given` for those from files; empty for the bundle's own proposer."""


def encode(
    model: Model,
    examples: Sequence[Example],
    progress: Progress | None = None,
    given: GivenRegions | None = None,
) -> Encoded:
    """Encode the regions that the bundle's own proposer chooses in every photograph, or those from files.

    The arrays are in single precision, as in `Model.open`; 1,000 photographs take about 130 MB.

    Args:
        model: describes the regions.
        examples: the split.
        progress: is called with what is done, how many are done, and the total.
        given: boxes that the model describes, or features of regions for a bundle that takes them. A
            photograph with fewer regions than another is filled up with its frame.

    Raises:
        ValueError: there are no photographs, one or its regions cannot be read, or the bundle does not take
            what is given.
    """
    require_photographs(examples)
    if given is not None:
        return _encode_given(model, examples, progress, given)
    parts = []
    for photos, fine, coarse, score_BN, box_BN4 in look(model, examples, progress):
        proposed = [model.propose(score_BN[b], box_BN4[b]) for b in range(len(photos))]
        box_BI4, score_BI = (np.stack(arrays) for arrays in zip(*proposed, strict=True))
        parts.append((box_BI4, score_BI, *model.encode(fine, coarse, box_BI4, photos)))
    return _joined(parts)


def _joined(parts: Sequence[tuple[Floats, Floats, Floats, Floats]], proposer: str = "") -> Encoded:
    """The photographs of several batches: their boxes, scores, features and vectors."""
    box_KI4, score_KI, feature_KIF, v_KID = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Encoded(box_KI4, score_KI, feature_KIF, v_KID, proposer)


def _encode_given(
    model: Model, examples: Sequence[Example], progress: Progress | None, given: GivenRegions
) -> Encoded:
    count = given.check(examples).most + 1

    parts = []
    remaining = iter(examples)
    if given.features:
        for chunk in batches(examples, PHOTOGRAPHS, "reading features", progress):
            box_BI4, score_BI, feature_BIF = _padded(given, chunk, count)
            assert feature_BIF is not None
            parts.append((box_BI4, score_BI, *model.encode_features(feature_BIF, box_BI4)))
    else:
        for photos, fine, coarse, _, _ in look(model, examples, progress):
            box_BI4, score_BI, _ = _padded(given, [next(remaining) for _ in photos], count)
            parts.append((box_BI4, score_BI, *model.encode(fine, coarse, box_BI4, photos)))
    return _joined(parts, "given")


def _padded(
    given: GivenRegions, examples: Sequence[Example], count: int
) -> tuple[Floats, Floats, Floats | None]:
    """Boxes (B, I, 4), scores (B, I) and features (B, I, F) of the given regions, the frame last."""
    box_BI4, score_BI, feature_BIF = zip(*(padded(given.of(e), count) for e in examples), strict=True)
    described = [feature_IF for feature_IF in feature_BIF if feature_IF is not None]
    return np.stack(box_BI4), np.stack(score_BI), np.stack(described) if described else None


def look(
    model: Model, examples: Sequence[Example], progress: Progress | None
) -> Iterator[tuple[Sequence[Photo], Floats, Floats, Floats, Floats]]:
    """The photographs of the examples in batches, with the results of `Model.look`."""
    size = model.bundle.side
    for chunk in batches(examples, PHOTOGRAPHS, "looking at photographs", progress):
        photos = [read(example.read(), name=example.name) for example in chunk]
        yield photos, *model.look(np.stack([squash(photo, size) for photo in photos]))


def batches(
    items: Sequence[Item], size: int, what: str, progress: Progress | None
) -> Iterator[Sequence[Item]]:
    """Consecutive batches of `size` items; the last may be shorter. Reports progress after each batch."""
    for first in range(0, len(items), size):
        yield items[first : first + size]
        if progress is not None:
            progress(what, min(first + size, len(items)), len(items))


def beta_setting(beta: float | None) -> Setting:
    """The beta of the MRF for a report's settings; JSON has no infinity, so that is the string `inf`.

    >>> beta_setting(0.5), beta_setting(math.inf), beta_setting(None)
    (0.5, 'inf', None)
    """
    return "inf" if beta == math.inf else beta


def require_photographs(examples: Sequence[Example]) -> None:
    """Raise ValueError if the split is empty."""
    if not examples:
        raise ValueError("there are no photographs to evaluate: choose another split")


def require_sentences(examples: Sequence[Example]) -> None:
    """Raise ValueError if the split is empty or a photograph has no sentences."""
    require_photographs(examples)
    mute = next((example.name for example in examples if not example.sentences), None)
    if mute is not None:
        raise ValueError(f"{mute} has no sentences: ranking and captions need a data set with sentences")


def require_boxes(examples: Sequence[Example]) -> None:
    """Raise ValueError if the split is empty or no phrase has a box."""
    require_photographs(examples)
    if not any(phrase.boxes for example in examples for phrase in example.phrases):
        raise ValueError(
            f"none of the {len(examples)} photographs has phrases with boxes: "
            "put Flickr30k Entities into DIR/entities, or name its folder with --entities"
        )
