"""A sentence on regions: which speaks for each word, and whether one does; and where a whole phrase is."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dvsa.boxes import FloatArray, central
from dvsa.records import Alignment, Word
from dvsa.segments import spans
from dvsa.text import FUNCTION_WORDS


def evident(
    tokens: Sequence[str],
    known_T: NDArray[np.bool_],
    s_ND: FloatArray,
    dot_TI: NDArray[np.floating],
    least: float,
) -> tuple[Word, ...]:
    """The words of a sentence, each with its best region by the products v_i . s_t.

    A word is supported where its best region's score is above `least` times the length of its vector. Scores
    themselves tell little: some words have long vectors. A function word, such as "the", needs no region; an
    unknown word has none.

    Args:
        tokens: the words.
        known_T: which of them the model knows.
        s_ND: the vectors of those that it knows.
        dot_TI: v_i . s_t; of unknown words anything.
        least: where regions have vectors of length 1, a cosine in [-1, 1].
    """
    least_T = np.zeros(len(tokens))
    least_T[known_T] = least * np.linalg.norm(s_ND, axis=1)
    return tuple(
        Word(
            text=token,
            known=bool(known),
            region=int(dot_I.argmax()) if known else None,
            score=float(dot_I.max()),
            supported=token in FUNCTION_WORDS or bool(known and dot_I.max() > floor),
        )
        for token, known, dot_I, floor in zip(tokens, known_T, dot_TI, least_T, strict=True)
    )


def lay(
    sentence: str,
    tokens: Sequence[str],
    known_T: NDArray[np.bool_],
    s_ND: FloatArray,
    v_ID: FloatArray,
    *,
    beta: float,
    support: float,
) -> Alignment:
    """A sentence on the regions of a photograph: words by `evident`, segments by the MRF with `beta`."""
    dot_TI = np.zeros((len(tokens), len(v_ID)), np.float32)
    dot_TI[known_T] = s_ND @ v_ID.T
    return Alignment(
        sentence=sentence, beta=beta, score=float(dot_TI.max(1).sum()),
        words=evident(tokens, known_T, s_ND, dot_TI, support),
        segments=spans(tokens, known_T, dot_TI, beta),
        scores=tuple(tuple(map(float, dot_I)) for dot_I in dot_TI),
    )  # fmt: skip


def located(s_ND: FloatArray, v_ID: FloatArray, box_I4: FloatArray, sharpness: float) -> int:
    """The region where a phrase is, from the vectors of its known words and those of the regions.

    Its words speak together: s is the sum of theirs. At a sharpness of 0 the phrase goes to its best region,
    the argmax of v_i . s. Else, for v_i of length 1, region i is the right one with the probability
    softmax_i(sharpness cos(v_i, s)), and the answer is the region with the highest expected IoU with it.
    """
    s_D = s_ND.sum(axis=0)
    dot_I: FloatArray = v_ID @ s_D
    if not sharpness:
        return int(dot_I.argmax())
    logit_I = sharpness * dot_I / max(float(np.linalg.norm(s_D)), 1e-9)
    weight_I = np.exp(logit_I - logit_I.max())
    return central(box_I4, weight_I / weight_I.sum())
