"""Rows of numbers in half precision, as a file of NumPy."""

import io
from collections.abc import Callable

import numpy as np

from dvsa.arrays import FloatArray, Floats


def to_bytes(rows: FloatArray | Floats) -> bytes:
    """The content of a file.

    >>> len(to_bytes(np.eye(4)))
    160
    """
    stream = io.BytesIO()
    np.save(stream, rows.astype("<f2"), allow_pickle=False)
    return stream.getvalue()


def parse(content: bytes, source: str, fits: Callable[[tuple[int, ...]], bool], fault: str) -> Floats:
    """Read what `to_bytes` gives.

    Args:
        content: of the file.
        source: the file, for messages.
        fits: whether rows of a shape are right.
        fault: what is said of the file if they are not.

    Raises:
        ValueError: the content is invalid; the message begins with `source`.

    >>> parse(to_bytes(np.eye(2)), "here", lambda shape: shape == (2, 2), "is no square").tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    try:
        rows = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(f"{source} cannot be read ({error}): export the bundle again") from error
    if not isinstance(rows, np.ndarray) or rows.dtype.str != "<f2" or not fits(rows.shape):
        raise ValueError(f"{source} {fault}: export the bundle again")
    if not np.isfinite(rows).all():
        raise ValueError(f"{source} has numbers that are not finite: export the bundle again")
    single: Floats = rows.astype(np.float32)
    return single
