"""The threshold of support, and what it marks."""

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Script = Callable[[str], ModuleType]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(4, 30), st.integers(0, 999))
def test_no_threshold_is_better(script: Script, N: int, seed: int) -> None:
    support = script("support")
    rng = np.random.default_rng(seed)
    right_N = np.arange(N) % 3 > 0
    score_N = rng.integers(0, 6, N) / 2 + right_N

    def balanced(cut: float) -> float:
        return float((score_N[right_N] > cut).mean() + (score_N[~right_N] <= cut).mean()) / 2

    cut = support.threshold(score_N, right_N)
    assert balanced(cut) == pytest.approx(max(balanced(c) for c in np.arange(-1, 6, 0.25)))
    pairs = [(a > b) + (a == b) / 2 for a in score_N[right_N] for b in score_N[~right_N]]
    assert support.area(score_N, right_N) == pytest.approx(np.mean(pairs))


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
