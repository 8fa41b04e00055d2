import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvsa.arrays import BoolArray, FloatArray
from dvsa.maxsim import defrag, score, scores

Batch = tuple[FloatArray, FloatArray, BoolArray, BoolArray]


def by_loops(
    v_KID: FloatArray,
    s_LTD: FloatArray,
    real_LT: BoolArray,
    real_KI: BoolArray,
    over_regions: Callable[[list[float]], float],
) -> FloatArray:
    S_KL = np.zeros((len(v_KID), len(s_LTD)))
    for k, v_ID in enumerate(v_KID):
        for n, s_TD in enumerate(s_LTD):
            for t, s_D in enumerate(s_TD):
                if real_LT[n, t]:
                    S_KL[k, n] += over_regions(
                        [sum(v_D * s_D) for i, v_D in enumerate(v_ID) if real_KI[k, i]]
                    )
    return S_KL


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    """Random vectors and masks; each photograph has a region, and padding holds large numbers."""
    K, I, L, T, D = (draw(st.integers(low, 5)) for low in (0, 1, 0, 0, 1))  # noqa: E741
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    real_KI = rng.random((K, I)) < draw(st.sampled_from([0.3, 1.0]))
    real_KI[np.arange(K), rng.integers(I, size=K)] = True
    real_LT = rng.random((L, T)) < draw(st.sampled_from([0.3, 0.8, 1.0]))
    v_KID, s_LTD = rng.standard_normal((K, I, D)), rng.standard_normal((L, T, D))
    v_KID[~real_KI], s_LTD[~real_LT] = 1e6, 1e6
    return v_KID.astype(np.float32), s_LTD.astype(np.float32), real_LT, real_KI


@given(batches(), st.sampled_from([1, 64, 300, 1 << 20]))
def test_scores_are_the_sum_over_words_of_the_best_region(batch: Batch, block: int) -> None:
    found_KL = scores(*batch, block=block)
    assert found_KL.dtype == np.float32
    np.testing.assert_allclose(found_KL, by_loops(*batch, max), rtol=1e-5, atol=1e-5)


@given(batches(), st.sampled_from([1, 64, 300, 1 << 20]))
def test_defrag_is_the_sum_over_all_pairs_above_zero(batch: Batch, block: int) -> None:
    expected_KL = by_loops(*batch, lambda products: sum(max(0, product) for product in products))
    np.testing.assert_allclose(defrag(*batch, block=block), expected_KL, rtol=1e-5, atol=1e-5)


@given(batches())
def test_score_of_one_pair_agrees_with_the_table(batch: Batch) -> None:
    v_KID, s_LTD, real_LT, real_KI = batch
    S_KL = scores(*batch)
    for k, n in np.ndindex(S_KL.shape):
        pair = score(v_KID[k][real_KI[k]], s_LTD[n][real_LT[n]])
        np.testing.assert_allclose(pair, S_KL[k, n], rtol=1e-5, atol=1e-5)


def test_without_a_mask_of_regions_all_are_real() -> None:
    rng = np.random.default_rng(0)
    v_KID, s_LTD = rng.standard_normal((3, 4, 5)), rng.standard_normal((2, 6, 5))
    real_LT, real_KI = np.ones((2, 6), dtype=bool), np.ones((3, 4), dtype=bool)
    np.testing.assert_array_equal(scores(v_KID, s_LTD, real_LT), scores(v_KID, s_LTD, real_LT, real_KI))
    np.testing.assert_array_equal(defrag(v_KID, s_LTD, real_LT), defrag(v_KID, s_LTD, real_LT, real_KI))


def test_padding_does_not_beat_negative_products() -> None:
    v_KID = np.array([[[-1.0], [0.0]]])
    s_LTD = np.array([[[2.0], [0.0]]])
    found_KL = scores(v_KID, s_LTD, np.array([[True, False]]), np.array([[True, False]]))
    np.testing.assert_array_equal(found_KL, [[-2.0]])


def test_a_photograph_without_regions_is_refused() -> None:
    v_KID, s_LTD = np.ones((2, 1, 3)), np.ones((1, 1, 3))
    with pytest.raises(ValueError, match="photograph 1 has no real region"):
        scores(v_KID, s_LTD, np.array([[True]]), np.array([[True], [False]]))


def test_memory_stays_near_the_limit() -> None:
    rng = np.random.default_rng(0)
    v_KID = rng.standard_normal((64, 20, 8), dtype=np.float32)
    s_LTD = rng.standard_normal((1000, 12, 8), dtype=np.float32)
    real_LT = np.ones((1000, 12), dtype=bool)
    tracemalloc.start()
    S_KL = scores(v_KID, s_LTD, real_LT, block=1 << 20)  # the whole table of products takes 61 MB
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < S_KL.nbytes + s_LTD.nbytes + (1 << 20) * 1.5
