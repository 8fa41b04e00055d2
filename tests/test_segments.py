import math
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dvsa.arrays import FloatArray
from dvsa.segments import energy, marginals, nearest_known, segments, viterbi

shapes = st.tuples(st.integers(0, 5), st.integers(1, 4))
whole = hnp.arrays(np.float64, shapes, elements=st.integers(-3, 3).map(float))  # exact sums and many ties
real = hnp.arrays(np.float32, shapes, elements=st.floats(-5, 5, width=32))


def all_paths(dot_TI: FloatArray) -> list[tuple[int, ...]]:
    """Every path, in dictionary order."""
    return list(product(range(dot_TI.shape[1]), repeat=len(dot_TI)))


def energy_by_loops(dot_TI: FloatArray, path: tuple[int, ...], beta: float) -> float:
    words = sum(-float(dot_TI[t, a]) for t, a in enumerate(path))
    return words - beta * sum(path[t] == path[t + 1] for t in range(len(path) - 1))


@given(real, st.floats(0, 10), st.data())
def test_energy_is_the_formula(dot_TI: FloatArray, beta: float, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(all_paths(dot_TI)))
    assert energy(dot_TI, path, beta) == pytest.approx(energy_by_loops(dot_TI, path, beta), abs=1e-5)


@given(whole, st.integers(0, 8).map(lambda n: n / 2))
def test_viterbi_is_the_first_of_the_best_paths(dot_TI: FloatArray, beta: float) -> None:
    best = min(all_paths(dot_TI), key=lambda path: energy_by_loops(dot_TI, path, beta))
    assert tuple(viterbi(dot_TI, beta)) == best


@given(real, st.floats(0, 20))
def test_viterbi_has_the_least_energy(dot_TI: FloatArray, beta: float) -> None:
    least = min(energy_by_loops(dot_TI, path, beta) for path in all_paths(dot_TI))
    assert energy(dot_TI, viterbi(dot_TI, beta), beta) == pytest.approx(least, abs=1e-5)


@given(whole, st.sampled_from([1e3, 1e30, 1e300, math.inf]))
def test_a_large_beta_gives_all_words_the_region_with_the_largest_sum(
    dot_TI: FloatArray, beta: float
) -> None:
    assert viterbi(dot_TI, beta).tolist() == [dot_TI.sum(axis=0).argmax()] * len(dot_TI)


@given(whole)
def test_beta_0_gives_each_word_its_best_region(dot_TI: FloatArray) -> None:
    assert viterbi(dot_TI, 0).tolist() == [row.argmax() for row in dot_TI]


def test_energy_at_infinity() -> None:
    dot_TI = np.ones((2, 2))
    assert energy(dot_TI, [0, 1], math.inf) == -2
    assert energy(dot_TI, [1, 1], math.inf) == -math.inf


@given(real, st.floats(0, 10), st.floats(0.2, 5))
def test_marginals_are_sums_over_all_paths(dot_TI: FloatArray, beta: float, temperature: float) -> None:
    expected_TI = np.zeros(dot_TI.shape)
    paths = all_paths(dot_TI)
    energies = np.array([energy_by_loops(dot_TI, path, beta) for path in paths])
    weights = np.exp(-(energies - energies.min()) / temperature)
    for path, weight in zip(paths, weights / weights.sum(), strict=True):
        expected_TI[np.arange(len(path)), list(path)] += weight
    np.testing.assert_allclose(marginals(dot_TI, beta, temperature), expected_TI, rtol=1e-5, atol=1e-9)


@given(real.filter(len), st.sampled_from([1e4, 1e30, 1e300, math.inf]))
def test_marginals_at_a_large_beta_are_those_of_the_whole_sentence(dot_TI: FloatArray, beta: float) -> None:
    sum_I = dot_TI.astype(float).sum(axis=0)
    expected_I = np.exp(sum_I - sum_I.max()) / np.exp(sum_I - sum_I.max()).sum()
    np.testing.assert_allclose(
        marginals(dot_TI, beta), np.tile(expected_I, (len(dot_TI), 1)), rtol=1e-6, atol=1e-12
    )


def test_marginals_do_not_overflow() -> None:
    p_TI = marginals(np.random.default_rng(0).normal(0, 1e4, (50, 20)), 1e3, 0.01)
    np.testing.assert_allclose(p_TI.sum(axis=1), 1)


@given(st.lists(st.integers(0, 3), max_size=10))
def test_segments_are_the_longest_runs(path: list[int]) -> None:
    runs = segments(np.array(path, dtype=np.int64))
    assert [region for first, last, region in runs for _ in range(first, last + 1)] == path
    assert [word for first, last, _ in runs for word in range(first, last + 1)] == list(range(len(path)))
    assert all(a[2] != b[2] for a, b in pairwise(runs))


@pytest.mark.parametrize("beta", [-1.0, -math.inf, math.nan])
def test_a_negative_or_nan_beta_is_refused(beta: float) -> None:
    dot_TI = np.ones((2, 3))
    for call in (
        lambda: viterbi(dot_TI, beta),
        lambda: energy(dot_TI, [0, 0], beta),
        lambda: marginals(dot_TI, beta),
    ):
        with pytest.raises(ValueError, match="must be 0 or more"):
            call()


def test_products_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="NaN or infinity"):
        viterbi(np.array([[0.0, math.nan]]), 1)


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.inf, math.nan])
def test_a_temperature_out_of_range_is_refused(temperature: float) -> None:
    with pytest.raises(ValueError, match="temperature"):
        marginals(np.ones((2, 3)), 1, temperature)


@given(st.lists(st.booleans(), min_size=1, max_size=9).filter(any))
def test_an_unknown_word_takes_the_known_word_before_it_or_the_first(known: list[bool]) -> None:
    places = [t for t, is_known in enumerate(known) if is_known]
    wanted = [max([n for n, at in enumerate(places) if at <= t], default=0) for t in range(len(known))]
    assert nearest_known(np.array(known)).tolist() == wanted
