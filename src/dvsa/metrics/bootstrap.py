"""Percentile bootstrap over photographs (Efron and Tibshirani 1993, chapter 13).

The photograph is the sampling unit: its sentences and phrases go with it. A resample is an array of n
indices of photographs, drawn with replacement; a figure is computed from such an array.
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

Figures = Callable[[IntArray], Mapping[str, float]]
"""The named figures of the photographs with these indices, a repeated one counted as often as it stands."""


def interval(
    statistic: Callable[[IntArray], float],
    n: int,
    *,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float]:
    """The low and the high end of the interval that covers the statistic of n photographs with `level`."""
    values_N = np.array([statistic(index_N) for index_N in _draws(n, resamples, seed)])
    low, high = np.quantile(values_N, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def estimate(figures: Figures, n: int, *, resamples: int = 1000, seed: int = 0) -> dict[str, object]:
    """The figures of all n photographs by name, and under `ci95` the `[low, high]` of each."""
    values = figures(np.arange(n))
    drawn_NF = np.array([list(figures(index_N).values()) for index_N in _draws(n, resamples, seed)])
    low_F, high_F = np.quantile(drawn_NF, [0.025, 0.975], axis=0)
    ends = {name: [float(low), float(high)] for name, low, high in zip(values, low_F, high_F, strict=True)}
    return {**values, "ci95": ends}


def difference(a: Figures, b: Figures, n: int, *, resamples: int = 1000, seed: int = 0) -> dict[str, object]:
    """The figures of system `a` minus those of `b` on the same n photographs, in the form of `estimate`.

    Each resample takes the same photographs for both systems, so what makes a photograph hard for both
    cancels. Only figures that both systems have are compared.
    """

    def minus(index_N: IntArray) -> dict[str, float]:
        ours, theirs = a(index_N), b(index_N)
        return {name: ours[name] - theirs[name] for name in ours if name in theirs}

    return estimate(minus, n, resamples=resamples, seed=seed)


def _draws(n: int, resamples: int, seed: int) -> Iterator[IntArray]:
    if n < 1 or resamples < 1:
        raise ValueError(f"a bootstrap needs photographs and resamples; got {n} and {resamples}")
    generator = np.random.default_rng(seed)
    for _ in range(resamples):
        yield generator.integers(n, size=n)
