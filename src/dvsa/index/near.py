"""Near duplicates: bursts, and resized or edited copies of one photograph.

Two photographs are near duplicates if both their pictures and what the model sees in them are alike. Pictures
are compared by a perceptual hash of 64 bits (package imagehash, extra `duplicates`), and what the model sees
by the vectors of the frames. The more the hashes differ, the more alike the vectors must be:

    cosine  >=  LEAST + SLOPE distance,   and   distance <= FARTHEST

runs/duplicates.py chooses the constants.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dvsa.arrays import BoolArray, FloatArray, Floats
from dvsa.index.values import Photograph

LEAST: Final = 0.6
SLOPE: Final = 0.015
FARTHEST: Final = 18
"""Bits of 64."""

PHOTOS_PER_BLOCK: Final = 1024
"""Photographs that are compared with all others at once."""

Report = Callable[[int], object]
"""Called with how many photographs have been compared."""


def perceptual_hash(image: Image.Image) -> str:
    """The hash of a picture: 16 hexadecimal digits.

    Raises:
        ModuleNotFoundError: the extra `duplicates` is not installed.
    """
    import imagehash

    small = image.copy()
    small.thumbnail((256, 256))
    return str(imagehash.phash(small))


def are_alike(distance_N: NDArray[np.integer], cosine_N: FloatArray) -> BoolArray:
    """Which pairs of photographs are near duplicates.

    >>> are_alike(np.array([0, 10, 30]), np.array([0.7, 0.7, 0.99])).tolist()
    [True, False, False]
    """
    alike_N: BoolArray = (distance_N <= FARTHEST) & (cosine_N >= LEAST + SLOPE * distance_N)
    return alike_N


def as_number(digits: str) -> np.uint64:
    """A hash as a number.

    >>> int(as_number("00000000000000ff"))
    255
    """
    return np.uint64(int(digits, 16))


def pairs(
    hash_K: NDArray[np.uint64], u_KD: Floats, report: Report = lambda done: None
) -> Iterator[tuple[int, int]]:
    """All pairs of near duplicates, the lower number first.

    Args:
        hash_K: perceptual hashes.
        u_KD: vectors of the frames, of length 1.
        report: is called with the number of photographs that have been compared.

    >>> list(pairs(np.array([1, 3, 2**40 - 1], np.uint64), np.ones((3, 1), np.float32)))
    [(0, 1)]
    """
    for start in range(0, len(hash_K), PHOTOS_PER_BLOCK):
        block = hash_K[start : start + PHOTOS_PER_BLOCK, None]
        distance_BK = np.bitwise_count(block ^ hash_K[None, start:])
        at_N, other_N = np.nonzero(distance_BK <= FARTHEST)
        later = other_N > at_N
        at_N, other_N = at_N[later], other_N[later]
        cosine_N = np.einsum("nd,nd->n", u_KD[start + at_N], u_KD[start + other_N])
        alike_N = are_alike(distance_BK[at_N, other_N].astype(np.int64), cosine_N)
        yield from zip((start + at_N[alike_N]).tolist(), (start + other_N[alike_N]).tolist(), strict=True)
        report(min(start + PHOTOS_PER_BLOCK, len(hash_K)))


def groups(
    photographs: Sequence[Photograph], u_KD: Floats, report: Report = lambda done: None
) -> list[list[int]]:
    """Groups of two or more files: photographs that are near duplicates of another in their group.

    A photograph with copies is a group, too. All must have hashes. The best of a group comes first: that with
    the most pixels; then the earliest, then the first by path. Groups are in the order of their best.
    """
    parent = list(range(len(photographs)))

    def root(k: int) -> int:
        while parent[k] != k:
            parent[k] = parent[parent[k]]
            k = parent[k]
        return k

    hash_K = np.array([as_number(p.phash or "0") for p in photographs], np.uint64)
    for one, other in pairs(hash_K, u_KD, report):
        parent[root(other)] = root(one)

    members: dict[int, list[int]] = {}
    for k in range(len(photographs)):
        members.setdefault(root(k), []).append(k)

    def rank(k: int) -> tuple[int, str, str]:
        known = photographs[k]
        return -known.width * known.height, known.taken or "9999", known.path

    found = [sorted(group, key=rank) for group in members.values()]
    found = [group for group in found if len(group) > 1 or photographs[group[0]].copies]
    return sorted(found, key=lambda group: photographs[group[0]].path)


def frames(v_KD: FloatArray) -> Floats:
    """Vectors of frames, scaled to length 1."""
    length_K = np.linalg.norm(v_KD, axis=1, keepdims=True)
    unit_KD: Floats = (v_KD / np.maximum(length_K, 1e-9)).astype(np.float32)
    return unit_KD


class Kept:
    """The photographs that a search has found so far, among which a later one may have a near duplicate."""

    def __init__(self) -> None:
        """Nothing was found yet."""
        self._hash_N = np.zeros(64, np.uint64)
        self._frames: list[Floats] = []
        self._places: list[int] = []

    def find(self, photograph: Photograph, v_D: FloatArray) -> int | None:
        """The place of the first photograph that is a near duplicate; None if there is none."""
        if photograph.phash is None:
            return None
        distance_N = np.bitwise_count(self._hash_N[: len(self._frames)] ^ as_number(photograph.phash))
        for n in np.flatnonzero(distance_N <= FARTHEST).tolist():
            cosine = self._frames[n] @ frames(v_D[None])[0]
            if are_alike(distance_N[n : n + 1].astype(np.int64), np.array([cosine]))[0]:
                return self._places[n]
        return None

    def keep(self, photograph: Photograph, v_D: FloatArray, place: int) -> None:
        """Keep a photograph at its place among the results."""
        if photograph.phash is None:
            return
        if len(self._frames) == len(self._hash_N):
            self._hash_N = np.concatenate([self._hash_N, np.zeros_like(self._hash_N)])
        self._hash_N[len(self._frames)] = as_number(photograph.phash)
        self._frames.append(frames(v_D[None])[0])
        self._places.append(place)
