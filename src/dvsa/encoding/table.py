"""Encoded photographs as an Arrow table: a row for each photograph. Needs pyarrow."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dvsa.arrays import FloatArray, IntArray
from dvsa.encoding.values import Encoded, Settings


def schema(settings: Settings, embedding: int) -> pa.Schema:
    """The columns of the table.

    Args:
        settings: decide the type of vectors, and whether there are captions.
        embedding: D, the numbers in a vector.

    >>> schema(Settings(captions=False), 256).names
    ['path', 'width', 'height', 'error', 'boxes', 'scores', 'vectors']
    >>> schema(Settings(), 256).names[-3:]
    ['caption', 'caption_logprob', 'caption_supported']
    """
    number = pa.float16() if settings.vectors == "float16" else pa.float32()
    columns = [
        pa.field("path", pa.string(), nullable=False),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("error", pa.string()),
        pa.field("boxes", pa.list_(pa.list_(pa.float32(), 4))),
        pa.field("scores", pa.list_(pa.float32())),
        pa.field("vectors", pa.list_(pa.list_(number, embedding))),
    ]
    if settings.captions:
        columns += [
            pa.field("caption", pa.string()),
            pa.field("caption_logprob", pa.float32()),
            pa.field("caption_supported", pa.list_(pa.bool_())),
        ]
    return pa.schema(columns)


def table(encoded: Encoded, columns: pa.Schema) -> pa.Table:
    """The rows of some photographs; one that could not be read has only its path and the error.

    >>> from dvsa.encoding.encoder import nothing
    >>> from dvsa.encoding.values import Facts
    >>> broken = nothing((Facts("none.jpg", error="none.jpg: the file is empty"),), 256)
    >>> table(broken, schema(Settings(), 256)).to_pylist()[0]["vectors"] is None
    True
    """
    facts = encoded.facts
    # The row of the arrays for each photograph, or None.
    row_K: list[int | None] = [None] * len(facts)
    for row, k in enumerate(k for k, fact in enumerate(facts) if fact.error is None):
        row_K[k] = row

    vectors = encoded.v_GID.astype(columns.field("vectors").type.value_type.value_type.to_pandas_dtype())
    made = [
        pa.array([utf8(fact.path) for fact in facts], pa.string()),
        pa.array([fact.width for fact in facts], pa.int32()),
        pa.array([fact.height for fact in facts], pa.int32()),
        pa.array([fact.error and utf8(fact.error) for fact in facts], pa.string()),
        _lists(encoded.box_GI4, row_K),
        _lists(encoded.score_GI, row_K),
        _lists(vectors, row_K),
    ]
    if "caption" in columns.names:
        own = [None if row is None else encoded.captions[row] for row in row_K]
        made += [
            pa.array([said and said.caption.text for said in own], pa.string()),
            pa.array([said and said.caption.logprob for said in own], pa.float32()),
            pa.array([said and list(said.supported) for said in own], pa.list_(pa.bool_())),
        ]
    return pa.Table.from_arrays(made, schema=columns)


def utf8(text: str) -> str:
    r"""A text with a name of a file in it, where bytes that are not UTF-8 are written as escapes.

    >>> utf8(b"dog\xff.jpg".decode(errors="surrogateescape"))
    'dog\\xff.jpg'
    """
    return text.encode(errors="surrogateescape").decode(errors="backslashreplace")


def _lists(values_GIN: FloatArray, row_K: Sequence[int | None]) -> pa.ListArray:
    """For each photograph the list of what its regions have, or null if there is no row for it."""
    flat = pa.array(np.ascontiguousarray(values_GIN).reshape(-1))
    if values_GIN.ndim == 3:
        flat = pa.FixedSizeListArray.from_arrays(flat, values_GIN.shape[2])

    # Each list begins where the one before ends; a null has no length.
    real_K: NDArray[np.bool_] = np.array([row is not None for row in row_K], np.bool_)
    ends_K: IntArray = np.cumsum(real_K * values_GIN.shape[1])
    offsets = pa.array(np.concatenate([[0], ends_K]).astype(np.int32))
    return pa.ListArray.from_arrays(offsets, flat, mask=pa.array(~real_K))
