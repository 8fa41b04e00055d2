"""Where search results end: what a factor finds, and which factor is chosen."""

from collections.abc import Callable
from itertools import combinations
from types import ModuleType

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Script = Callable[[str], ModuleType]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 999), st.floats(0, 3))
def test_albums_are_judged_as_if_all_were_drawn(script: Script, seed: int, least: float) -> None:
    relevance = script("relevance")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(relevance, "ALBUM", 4)
        match_LK = np.random.default_rng(seed).integers(0, 4, (7, 7)).astype(np.float64)
        found_L, empty_L, other_L = relevance.judged(match_LK, least)
    for n, match_K in enumerate(match_LK):
        albums = [*combinations(np.delete(match_K, n) >= least, 3)]
        assert found_L[n] == (match_K[n] >= least)
        assert empty_L[n] == pytest.approx(np.mean([not any(album) for album in albums]))
        assert other_L[n] == pytest.approx(np.mean([sum(album) for album in albums]))


def test_the_smallest_of_the_good_factors_is_chosen(script: Script) -> None:
    relevance = script("relevance")
    match_LK = np.where(np.eye(40, dtype=bool), 0.5, 0.2)
    assert relevance.chosen(match_LK, support=0.2) == next(f for f in relevance.FACTORS if f > 1)
    figures = relevance.report(match_LK, 0.2, 1.5)
    assert figures["found"]["value"] == figures["nothing found where nothing is"]["value"] == 100


def test_the_factor_in_use_is_the_chosen_one(script: Script) -> None:
    from dvsa.index.query import RELEVANCE

    assert RELEVANCE in script("relevance").FACTORS
