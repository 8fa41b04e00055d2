"""Percentile bootstrap over photographs (Efron and Tibshirani 1993, chapter 13).

The photograph is the sampling unit: its sentences and phrases go with it. A resample is an array of n
indices of photographs, drawn with replacement; figures are computed from such an array.
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from dvsa.arrays import Doubles, IntArray
from dvsa.metrics.figures import Figure

Measure = Callable[[IntArray], Mapping[str, float]]
"""Computes named figures of the photographs with these indices; a repeated photograph counts repeatedly."""


def interval(
    statistic: Callable[[IntArray], float],
    n: int,
    *,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float]:
    """The low and the high end of the interval that covers the statistic of n photographs with `level`.

    >>> x_N = np.arange(50.0)
    >>> low, high = interval(lambda index_N: float(x_N[index_N].mean()), 50)
    >>> print(f"{low:.1f} to {high:.1f}")
    20.4 to 28.4
    """
    values_N = np.array([statistic(index_N) for index_N in _draws(n, resamples, seed)])
    low, high = np.quantile(values_N, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def estimate(measure: Measure, n: int, *, resamples: int = 1000, seed: int = 0) -> dict[str, Figure]:
    """The figures of all n photographs, each with its 95% interval.

    A figure that some photographs do not have, such as that of a rare category, is NaN for them; its interval
    is over the other resamples.

    >>> x_N = np.arange(50.0)
    >>> print(estimate(lambda index_N: {"mean": float(x_N[index_N].mean())}, 50)["mean"])
    24.5 [20.4, 28.4]
    """
    values = measure(np.arange(n))
    drawn_NF = np.array([list(measure(index_N).values()) for index_N in _draws(n, resamples, seed)])
    return {
        name: _figure(value, drawn_N)
        for (name, value), drawn_N in zip(values.items(), drawn_NF.T, strict=True)
    }


def difference(a: Measure, b: Measure, n: int, *, resamples: int = 1000, seed: int = 0) -> dict[str, Figure]:
    """The figures of system `a` minus those of `b` on the same n photographs.

    Each resample takes the same photographs for both systems, so what makes a photograph hard for both
    cancels. Only figures that both systems have are compared.

    >>> x_N = np.arange(50.0)
    >>> def measure(index_N): return {"mean": float(x_N[index_N].mean())}
    >>> print(difference(measure, measure, 50)["mean"])
    0.0 [0.0, 0.0]
    """

    def minus(index_N: IntArray) -> dict[str, float]:
        ours, theirs = a(index_N), b(index_N)
        return {name: ours[name] - theirs[name] for name in ours if name in theirs}

    return estimate(minus, n, resamples=resamples, seed=seed)


def _figure(value: float, drawn_N: Doubles) -> Figure:
    """A figure with the interval of its values for the resamples; those that are NaN are left out."""
    known_N = drawn_N[~np.isnan(drawn_N)]
    if np.isnan(value) or not len(known_N):
        return Figure(None if np.isnan(value) else value)
    low, high = np.quantile(known_N, [0.025, 0.975])
    return Figure(value, float(low), float(high))


def _draws(n: int, resamples: int, seed: int) -> Iterator[IntArray]:
    if n < 1 or resamples < 1:
        raise ValueError(f"a bootstrap needs photographs and resamples; got {n} and {resamples}")
    generator = np.random.default_rng(seed)
    for _ in range(resamples):
        yield generator.integers(n, size=n)
