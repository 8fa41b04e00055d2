"""NDCG against all orders that the scores allow."""

from itertools import pairwise, permutations
from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvsa.metrics.ndcg import ndcg

things = st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0.0, 0.25, 1.0])), min_size=1, max_size=6)


def gain(relevances: list[float], depth: int) -> float:
    return sum(value / log2(place + 1) for place, value in enumerate(relevances[:depth], 1))


@given(things, st.integers(1, 8))
def test_it_is_the_worst_of_all_orders_that_the_scores_allow(
    pairs: list[tuple[int, float]], depth: int
) -> None:
    orders = [[pairs[n] for n in order] for order in permutations(range(len(pairs)))]
    allowed = [o for o in orders if all(a[0] >= b[0] for a, b in pairwise(o))]
    best = max(gain([value for _, value in order], depth) for order in orders)
    worst = min(gain([value for _, value in order], depth) for order in allowed)
    score_N, relevance_N = np.array(pairs, dtype=np.float32).T
    assert ndcg(score_N, relevance_N, depth) == pytest.approx(worst / best if best else 0.0)


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=60), st.integers(0, 99))
def test_long_rankings_equal_the_formula(relevances: list[float], seed: int) -> None:
    score_N = np.random.default_rng(seed).permutation(len(relevances)) - 10.0
    order = sorted(range(len(relevances)), key=lambda n: -score_N[n])
    best = gain(sorted(relevances, reverse=True), 25)
    wanted = gain([relevances[n] for n in order], 25) / best if best else 0.0
    assert ndcg(score_N, np.array(relevances)) == pytest.approx(wanted)


def test_nothing_to_rank_is_0() -> None:
    assert ndcg(np.zeros(0), np.zeros(0)) == 0
    assert ndcg(np.zeros(3), np.zeros(3)) == 0


def test_scores_of_minus_infinity_are_ordinary_scores() -> None:
    assert ndcg(np.array([-np.inf, 0.0]), np.array([0.0, 1.0])) == 1


@pytest.mark.parametrize("value", [-0.1, np.nan, np.inf])
def test_bad_input_is_named(value: float) -> None:
    with pytest.raises(ValueError, match="below 0 or not finite"):
        ndcg(np.zeros(2), np.array([0.0, value]))
    with pytest.raises(ValueError, match=r"\(2,\) need as many relevances; got \(3,\)"):
        ndcg(np.zeros(2), np.zeros(3))
