"""The file with the rules of `dvsa.fluency`, as one row of whole numbers in numpy's format.

It has four parts: how many pairs begin with each token (V), the second tokens of the pairs (N), how many
triples begin with each pair (N), and the last tokens of the triples (R).
"""

import io
from typing import Final

import numpy as np

from dvsa.arrays import IntArray
from dvsa.fluency import Fluency, content_words
from dvsa.text import FIRST_WORD, Vocabulary

FLUENCY_FILE: Final = "fluency.npy"


def to_bytes(fluency: Fluency) -> bytes:
    """The content of the file.

    >>> vocabulary = Vocabulary(("a", "dog"), (1, 1), sentences=1)
    >>> to_bytes(Fluency.learn([["a", "dog"]], vocabulary))[:6] == np.lib.format.MAGIC_PREFIX
    True
    """
    V = len(fluency.content_V)
    row = np.concatenate(
        [
            np.diff(fluency.start_V1),
            fluency.code_N % V,
            np.diff(fluency.start_N1),
            fluency.triple_R % V,
        ]
    )
    stream = io.BytesIO()
    np.save(stream, row.astype("<u2" if V < 2**16 else "<u4"), allow_pickle=False)
    return stream.getvalue()


def parse(content: bytes, vocabulary: Vocabulary, source: str) -> Fluency:
    """Read the content of the file.

    Raises:
        ValueError: the content is invalid, or of another vocabulary; the message begins with `source`.

    >>> vocabulary = Vocabulary(("a", "dog"), (1, 1), sentences=1)
    >>> fluency = Fluency.learn([["a", "dog"]], vocabulary)
    >>> parse(to_bytes(fluency), vocabulary, "here").code_N.tolist() == fluency.code_N.tolist()
    True
    """
    try:
        row = np.load(io.BytesIO(content), allow_pickle=False)
        fluency = _fluency(row, vocabulary)
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(
            f"{source} has no rules for captions in the bundle's words ({error}): export the bundle again"
        ) from error
    return fluency


def _fluency(row: object, vocabulary: Vocabulary) -> Fluency:
    """The rules in a row; raises ValueError."""
    if not isinstance(row, np.ndarray) or row.ndim != 1 or row.dtype.str not in ("<u2", "<u4"):
        raise ValueError("it is no row of whole numbers")
    V = len(vocabulary)
    code_N, row_X = _codes(row.astype(np.int64), V, V)
    triple_R, row_X = _codes(row_X, len(code_N), V)

    fluency = Fluency(code_N, triple_R, content_words(vocabulary))
    if len(row_X) or (code_N % V < FIRST_WORD).any() or not fluency.usable:
        raise ValueError("its numbers do not fit each other")
    return fluency


def _codes(row_X: IntArray, groups: int, V: int) -> tuple[IntArray, IntArray]:
    """Codes `group * V + token`, from the size of each group and all tokens; and what follows these."""
    size_G, rest_X = row_X[:groups], row_X[groups:]
    total = int(size_G.sum())
    if len(size_G) < groups or len(rest_X) < total:
        raise ValueError("it is too short")
    code_R = np.repeat(np.arange(groups), size_G) * V + rest_X[:total]
    if (rest_X[:total] >= V).any() or (np.diff(code_R) <= 0).any():
        raise ValueError("its numbers are not in order")
    return code_R, rest_X[total:]
