"""Sentences on their own photographs: the vectors of their words, and their products with the regions."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dvsa.data import Example
from dvsa.evaluation.encoding import SENTENCES, Progress, chunks
from dvsa.model import Floats, Model
from dvsa.text import words


class Line(NamedTuple):
    """A sentence on its photograph."""

    photo: int
    sentence: int
    tokens: list[str]
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
        sentences = [words(examples[k].sentences[n]) for k, n in chunk]
        s_LTD, real_LT = model.word_vectors(sentences)
        for (k, n), tokens, padded_TD, real_T in zip(chunk, sentences, s_LTD, real_LT, strict=True):
            known_T = np.array([token in model.bundle.vocabulary for token in tokens])
            s_TD = np.zeros((len(tokens), v_KID.shape[2]), np.float32)
            s_TD[known_T] = padded_TD[real_T]
            yield Line(k, n, tokens, known_T, s_TD, s_TD @ v_KID[k].T)
