"""What ordinary regions look like to a run, so that its bundle can be taught names."""

import numpy as np

from dvsa.background import Background
from dvsa.data import Dataset
from dvsa.learn.loop.progress import progress
from dvsa.learn.runs.run import Run
from dvsa.learn.ship.torch_bundle import torch_model
from dvsa.photo import read

COUNT = 300
"""Photographs that are looked at."""


def background(
    run: Run, data: Dataset, *, count: int = COUNT, device: str | None = None, quiet: bool = False
) -> Background:
    """The background of `count` photographs of the training split, evenly spaced.

    Args:
        run: a finished run on photographs.
        data: the data set.
        count: how many photographs.
        device: such as `cpu` or `cuda`; by default a GPU if there is one.
        quiet: whether to hide the progress bar.

    Raises:
        ValueError: the run takes features of regions, not photographs.
    """
    model, examples = torch_model(run, device), data.split("train", restval=True)
    model.bundle.require_eye()
    found = []
    chosen = np.linspace(0, len(examples) - 1, min(count, len(examples))).astype(int)
    with progress("looking at ordinary photographs", len(chosen), quiet=quiet) as advance:
        for k in chosen:
            found.append(model.open(read(examples[k].read(), name=examples[k].name)).v_ID)
            advance(1)
    return Background.of(np.concatenate(found))
