"""Which region speaks for each word of a sentence, and whether one does."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dvsa.records import Word
from dvsa.text import FUNCTION_WORDS


def evident(
    tokens: Sequence[str], known_T: NDArray[np.bool_], dot_TI: NDArray[np.floating], least: float
) -> tuple[Word, ...]:
    """The words of a sentence, each with its best region by the products v_i . s_t.

    A word is supported where its best region scores above `least`; a function word, such as "the", needs no
    region; an unknown word has none.
    """
    return tuple(
        Word(
            text=token,
            known=bool(known),
            region=int(dot_I.argmax()) if known else None,
            score=float(dot_I.max()),
            supported=token in FUNCTION_WORDS or bool(known and dot_I.max() > least),
        )
        for token, known, dot_I in zip(tokens, known_T, dot_TI, strict=True)
    )
