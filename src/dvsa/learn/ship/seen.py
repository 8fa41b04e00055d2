"""What a model has seen: what ordinary regions look like, and what familiar photographs look like.

A bundle that records it can be taught names, and can tell when a photograph is unlike all others.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from dvsa.arrays import Floats
from dvsa.background import Background
from dvsa.data import Dataset, Example
from dvsa.familiar import Known, frame_features, known
from dvsa.learn.loop.progress import progress
from dvsa.model import Model
from dvsa.model.view import View
from dvsa.photo import read

ORDINARY: Final = 300
"""Photographs of the training split whose regions are looked at."""
FAMILIAR: Final = 2000
"""Photographs of the training split, and of the validation split, that are looked at as wholes."""


class Seen(NamedTuple):
    """What a bundle records of the data that it has learned from."""

    background: Background
    known: Known


def seen(
    model: Model, data: Dataset, *, ordinary: int = ORDINARY, familiar: int = FAMILIAR, quiet: bool = False
) -> Seen:
    """Look at photographs of both splits, evenly spaced.

    Args:
        model: a model of photographs.
        data: what it has learned from.
        ordinary: how many photographs have ordinary regions.
        familiar: how many photographs of each split are familiar.
        quiet: whether to hide the progress bars.

    Raises:
        ValueError: the model takes features of regions, not photographs; or the data has too few photographs.
    """
    model.bundle.require_eye()
    training, val = data.split("train", restval=True), data.split("val")
    background = Background.of(
        np.concatenate([view.v_ID for view in views(model, training, ordinary, quiet)])
    )
    wholes = (features(model, examples, familiar, quiet=quiet) for examples in (training, val))
    return Seen(background, known(*wholes))


def features(
    model: Model, examples: Sequence[Example], count: int = FAMILIAR, *, quiet: bool = False
) -> Floats:
    """The features (N, F) of at most `count` whole photographs."""
    return np.concatenate(
        [frame_features(view.feature_IF[None]) for view in views(model, examples, count, quiet)]
    )


def views(model: Model, examples: Sequence[Example], count: int, quiet: bool) -> Iterator[View]:
    """At most `count` photographs, evenly spaced, one after the other."""
    chosen = np.linspace(0, len(examples) - 1, min(count, len(examples))).astype(int)
    with progress("looking at photographs", len(chosen), quiet=quiet) as advance:
        for k in chosen:
            yield model.open(read(examples[k].read(), name=examples[k].name))
            advance(1)
