"""What the photographs that a run knows look like, so that its bundle can tell when one is unlike them."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from dvsa.arrays import Floats
from dvsa.data import Dataset, Example
from dvsa.familiar import Known, frame_features, known
from dvsa.learn.loop.progress import progress
from dvsa.learn.runs.run import Run
from dvsa.learn.ship.torch_bundle import torch_model
from dvsa.model import Model
from dvsa.photo import read

COUNT: Final = 2000
"""Photographs of the training split, and of the validation split, that are looked at."""


def familiar(
    run: Run, data: Dataset, *, count: int = COUNT, device: str | None = None, quiet: bool = False
) -> Known:
    """What the photographs of the training split look like; the limit is that of the validation split.

    Args:
        run: a finished run on photographs.
        data: what it has learned from.
        count: how many photographs of each split are looked at.
        device: such as `cpu` or `cuda`; by default a GPU if there is one.
        quiet: whether to hide the progress bar.

    Raises:
        ValueError: the run takes features of regions, not photographs; or the data has too few photographs.
    """
    model = torch_model(run, device)
    model.bundle.require_eye()
    training, val = data.split("train", restval=True), data.split("val")
    return known(*(looked(model, examples, count=count, quiet=quiet) for examples in (training, val)))


def looked(model: Model, examples: Sequence[Example], *, count: int = COUNT, quiet: bool = False) -> Floats:
    """The features (N, F) of at most `count` photographs, evenly spaced."""
    chosen = np.linspace(0, len(examples) - 1, min(count, len(examples))).astype(int)
    feature_1IF = []
    with progress("looking at familiar photographs", len(chosen), quiet=quiet) as advance:
        for k in chosen:
            photo = read(examples[k].read(), name=examples[k].name)
            feature_1IF.append(frame_features(model.open(photo).feature_IF[None]))
            advance(1)
    return np.concatenate(feature_1IF)
