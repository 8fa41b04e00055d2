"""The shipped model, and photographs with random features, so that no network has to run on pixels."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

import dvsa
from dvsa.data import Example, Source
from dvsa.evaluation import Encoded
from dvsa.model import Model

FEATURES = 1405
"""Features of a region in the shipped bundle."""

Photographs = Callable[[Sequence[Sequence[str]]], tuple[list[Example], Encoded]]


@pytest.fixture(scope="session")
def model() -> Model:
    """The shipped model."""
    return dvsa.load(threads=1)


@pytest.fixture(scope="session")
def photographs(model: Model) -> Photographs:
    """Makes photographs with given sentences and four random regions each."""

    def make(sentences: Sequence[Sequence[str]]) -> tuple[list[Example], Encoded]:
        examples = [
            Example(f"{k}.jpg", "test", tuple(own), Source(Path(f"{k}.jpg")))
            for k, own in enumerate(sentences)
        ]
        rng = np.random.default_rng(0)
        shape = len(examples), 4
        low_KI2, size_KI2 = rng.random((2, *shape, 2), np.float32) / 2
        feature_KIF = rng.random((*shape, FEATURES), np.float32)
        v_KID = rng.normal(size=(*shape, model.bundle.manifest.embedding)).astype(np.float32)
        v_KID /= np.linalg.norm(v_KID, axis=2, keepdims=True)
        box_KI4 = np.concatenate([low_KI2, low_KI2 + size_KI2], axis=2)
        return examples, Encoded(box_KI4, np.ones(shape, np.float32), feature_KIF, v_KID)

    return make
