"""Sentences on their own photographs: the vectors of their words, and their products with the regions."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dvsa.data import Example
from dvsa.evaluation.encoding import SENTENCES, Progress, chunks
from dvsa.model import Floats, Model


class Line(NamedTuple):
    """A sentence on its photograph."""

    photo: int
    sentence: int
    tokens: tuple[str, ...]
    known_T: NDArray[np.bool_]
    s_TD: Floats
    """Zeros for unknown words."""
    dot_TI: Floats
    """`v_i . s_t`; zeros for unknown words."""


def aligned(
    model: Model,
    examples: Sequence[Example],
    places: Sequence[tuple[int, int]],
    v_KID: Floats,
    progress: Progress | None,
) -> Iterator[Line]:
    """The sentences at `places`, (photograph, sentence), in that order."""
    for chunk in chunks(places, SENTENCES, "aligning sentences", progress):
        sentences = model.read_many([examples[k].sentences[n] for k, n in chunk])
        for (k, n), sentence in zip(chunk, sentences, strict=True):
            s_TD = sentence.s_TD
            yield Line(k, n, sentence.words, sentence.known_T, s_TD, s_TD @ v_KID[k].T)
