"""ONNX graphs must not read other files: external data can name any file, and no digest covers it.

A graph is a message in the format of Protocol Buffers. This module walks only the parts in which a tensor can
be, as onnx.proto of ONNX names them, so it needs no other package and takes about a millisecond.
"""

from collections.abc import Iterator
from typing import Final

from dvsa.manifest import BundleError

FIELDS: Final[dict[str, dict[int, str]]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
"""The fields of each kind of message that lead to tensors, and the kinds of messages that they hold."""

EXTERNAL_DATA, DATA_LOCATION = 13, 14
"""The fields of a tensor that say that its numbers are in another file."""


def refuse_external_data(content: bytes, source: str) -> None:
    r"""Raise BundleError if a graph has external data, or is no graph; `source` names it.

    >>> refuse_external_data(b"\x3a\x04\x2a\x02\x70\x01", "look.onnx")
    Traceback (most recent call last):
    dvsa.manifest.BundleError: look.onnx has weights in other files, which no digest covers: export it again
    """
    parts = [("model", 0, len(content))]
    try:
        while parts:
            kind, start, end = parts.pop()
            for field, first, last in _fields(content, start, end):
                if kind == "tensor" and field in (EXTERNAL_DATA, DATA_LOCATION):
                    if field == EXTERNAL_DATA or first != 0:
                        raise BundleError(
                            f"{source} has weights in other files, which no digest covers: export it again"
                        )
                elif field in FIELDS.get(kind, ()) and last >= 0:
                    parts.append((FIELDS[kind][field], first, last))
    except IndexError:
        raise BundleError(f"{source} is not an ONNX graph: export the bundle again") from None


def _fields(content: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The fields of a message: number, start and end. Of a whole number: field, its value, -1.

    Raises:
        IndexError: the message is malformed.
    """
    while at < end:
        key, at = _varint(content, at, end)
        if key >= 2**32:  # readers drop the upper bits, so it would be another field for them
            raise IndexError
        field, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(content, at, end)
            yield field, value, -1
        elif wire == 2:
            length, at = _varint(content, at, end)
            if length > end - at:
                raise IndexError
            yield field, at, at + length
            at += length
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        else:
            raise IndexError
    if at != end:
        raise IndexError


def _varint(content: bytes, at: int, end: int) -> tuple[int, int]:
    """A whole number of at most 64 bits and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            raise IndexError
        byte = content[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise IndexError
