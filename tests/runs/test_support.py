"""How words are judged by their support."""

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Script = Callable[[str], ModuleType]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(4, 30), st.integers(0, 999))
def test_the_area_counts_pairs(script: Script, N: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    right_N = np.arange(N) % 3 > 0
    score_N = rng.integers(0, 6, N) / 2 + right_N
    pairs = [(a > b) + (a == b) / 2 for a in score_N[right_N] for b in score_N[~right_N]]
    assert script("support").area(score_N, right_N) == pytest.approx(np.mean(pairs))


def test_what_a_threshold_marks(script: Script) -> None:
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
