"""The threshold of support, and what it marks."""

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

Script = Callable[[str], ModuleType]


def drawn(N: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Scores with many ties, and which of them are right."""
    rng = np.random.default_rng(seed)
    right_N = np.arange(N) % 3 > 0
    return rng.integers(0, 6, N) / 2 + right_N, right_N


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(4, 200), st.integers(0, 999))
def test_no_higher_threshold_marks_few_enough(script: Script, N: int, seed: int) -> None:
    support = script("support")
    score_N, right_N = drawn(N, seed)
    cut = support.threshold(score_N, right_N)
    assert (score_N[right_N] <= cut).mean() <= support.MARKED
    higher = min(score_N[right_N & (score_N > cut)])
    assert (score_N[right_N] <= higher).mean() > support.MARKED
    pairs = [(a > b) + (a == b) / 2 for a in score_N[right_N] for b in score_N[~right_N]]
    assert support.area(score_N, right_N) == pytest.approx(np.mean(pairs))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(20, 200), st.integers(0, 999))
def test_the_logistic_curve_has_the_highest_likelihood(script: Script, N: int, seed: int) -> None:
    support = script("support")
    score_N, right_N = drawn(N, seed)
    score_N = score_N + np.random.default_rng(seed).normal(0, 1.5, N)
    weight_N = np.where(right_N, 1 / right_N.sum(), 1 / (~right_N).sum())

    def likelihood(slope: float, centre: float) -> float:
        p_N = 1 / (1 + np.exp(-slope * (score_N - centre)))
        return float((weight_N * np.log(np.where(right_N, p_N, 1 - p_N))).sum())

    slope, centre = support.logistic(score_N, right_N)
    best = likelihood(slope, centre)
    for a, b in ((1.01, 0), (0.99, 0), (1, 0.01), (1, -0.01)):
        assert likelihood(a * slope, centre + b) <= best + 1e-12


def test_bins_compare_probabilities_with_shares(script: Script) -> None:
    found = script("support").bins(np.array([-5.0, -5.0, 5.0]), np.array([False, True, True]), 1.0, 0.0)
    assert [(row["words"], row["right"]) for row in found] == [(2, 0.5), (1, 1.0)]


def test_a_threshold_marks_weak_words(script: Script) -> None:
    found = script("support").marked(
        np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, True, False, True]), 0.5
    )
    assert found == {
        "content words": 4,
        "wrong": 50,
        "marked": 50,
        "wrong of the marked": 50,
        "wrong of the others": 50,
        "area under the curve": 0.75,
    }
