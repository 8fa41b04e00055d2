"""How far a photograph is from all that a model has learned from.

The features x of whole photographs lie near a plane: their mean m, and the K directions in which they differ
most. Probabilistic PCA (Tipping & Bishop, 1999) gives a photograph the squared distance

    |x - m|² - |A (x - m)|²,   row k of A is sqrt(1 - s² / l_k) u_k

in units of s²: u_k is a direction, l_k the variance along it, and s² the mean variance along all others. A
photograph is unfamiliar if it is farther than a limit, which few photographs of a validation split exceed.
runs/familiar.py measures how many photographs from outside do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from dvsa import half_file
from dvsa.arrays import FloatArray, Floats

FAMILIAR_FILE: Final = "familiar.npy"
DIRECTIONS: Final = 64
"""K, if there are enough photographs."""
BEYOND: Final = 0.025
"""The share of unseen photographs of the usual kind that the limit calls unfamiliar."""


@dataclass(frozen=True, eq=False)
class Familiar:
    """The plane (K directions) near which the features (F) of familiar photographs lie."""

    mean_F: Floats
    axis_KF: Floats
    """A."""

    @classmethod
    def of(cls, x_NF: FloatArray, directions: int = DIRECTIONS) -> "Familiar":
        """The plane of N photographs, in the precision in which it is stored.

        Raises:
            ValueError: there are fewer than two photographs.

        >>> familiar = Familiar.of(np.array([[-2.0, 0.1, 0.0], [2.0, 0.1, 0.0], [0.0, -0.2, 0.0]]), 1)
        >>> [round(float(x), 2) for x in familiar.distances(np.array([[3.0, 0.0, 0.0], [0.0, 0.0, 3.0]]))]
        [0.04, 9.0]
        """
        if len(x_NF) < 2:
            raise ValueError("one photograph says nothing about others: give two or more")
        mean_F = x_NF.mean(axis=0)
        _, size_M, direction_MF = np.linalg.svd(x_NF - mean_F, full_matrices=False)
        variance_M = size_M**2 / len(x_NF)
        K = min(directions, len(x_NF) - 1, x_NF.shape[1] - 1)
        rest = variance_M[K:].sum() / (x_NF.shape[1] - K)
        weight_K = np.sqrt(1 - np.minimum(rest / np.maximum(variance_M[:K], 1e-12), 1))
        rows = np.vstack([mean_F, weight_K[:, None] * direction_MF[:K]]).astype("<f2").astype(np.float32)
        return cls(rows[0], rows[1:])

    def distances(self, x_NF: FloatArray) -> FloatArray:
        """The squared distance of each photograph; ValueError if there are other features.

        >>> Familiar(np.zeros(2), np.array([[1.0, 0.0]])).distances(np.array([[5.0, 2.0]])).tolist()
        [4.0]
        """
        if x_NF.shape[1] != len(self.mean_F):
            raise ValueError(
                f"{FAMILIAR_FILE} is for features of width {len(self.mean_F)}, not {x_NF.shape[1]}: "
                "export the bundle again"
            )
        off_NF = x_NF.astype(np.float64) - self.mean_F
        far_N: FloatArray = (off_NF**2).sum(axis=1) - ((off_NF @ self.axis_KF.T) ** 2).sum(axis=1)
        return np.maximum(far_N, 0.0)

    def to_bytes(self) -> bytes:
        """The content of a file: the mean and the rows of A, in half precision.

        >>> len(Familiar(np.zeros(3), np.eye(3)[:1]).to_bytes())
        140
        """
        return half_file.to_bytes(np.vstack([self.mean_F, self.axis_KF]))

    @classmethod
    def parse(cls, content: bytes, source: str) -> "Familiar":
        """Read what `to_bytes` gives.

        Raises:
            ValueError: the content is invalid; the message begins with `source`.

        >>> Familiar.parse(Familiar(np.zeros(3), np.eye(3)[:1]).to_bytes(), "here").axis_KF.tolist()
        [[1.0, 0.0, 0.0]]
        """
        fault = "has no mean and directions"
        rows = half_file.parse(content, source, lambda shape: len(shape) == 2 and shape[0] > 1, fault)
        return cls(rows[0], rows[1:])


class Known(NamedTuple):
    """What familiar photographs look like, and how far others may be."""

    familiar: Familiar
    limit: float
    """The distance that few unseen photographs of the same kind exceed."""


def known(training_NF: FloatArray, val_NF: FloatArray) -> Known:
    """What the photographs of a training split look like; the limit is that of a validation split.

    Raises:
        ValueError: there are fewer than two photographs of the training split, or none of the other.

    >>> known(np.eye(3), np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])).limit > 0
    True
    """
    if not len(val_NF):
        raise ValueError("there is no photograph for validation: give one or more")
    found = Familiar.of(training_NF)
    return Known(found, limit(found.distances(val_NF)))


def limit(distance_N: Sequence[float] | FloatArray, beyond: float = BEYOND) -> float:
    """The distance that at most the share `beyond` of photographs exceeds.

    >>> limit([3.0, 1.0, 2.0, 9.0], beyond=0.25)
    3.0
    """
    sorted_N = np.sort(distance_N)
    return float(sorted_N[len(sorted_N) - 1 - int(beyond * len(sorted_N))])


def frame_features(feature_BIF: FloatArray) -> FloatArray:
    """What tells familiar photographs from others: roots of the features (B, F) of whole photographs.

    The root keeps a few strong features from outweighing the many weak ones. Negative ones keep their sign.

    >>> frame_features(np.array([[[1.0, 2.0], [4.0, -9.0]]])).tolist()
    [[2.0, -3.0]]
    """
    frame_BF: FloatArray = feature_BIF[:, -1]
    return np.sign(frame_BF) * np.sqrt(np.abs(frame_BF))
