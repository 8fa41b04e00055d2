import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dvsa.arrays import Floats
from dvsa.evaluation.neighbours import best_segments, nearest

small = st.integers(-3, 3).map(float)  # whole numbers: many ties, and no rounding


def matrices(rows: st.SearchStrategy[int]) -> st.SearchStrategy[Floats]:
    return rows.flatmap(lambda n: hnp.arrays(np.float32, (n, 3), elements=small))


@given(matrices(st.integers(0, 4)), matrices(st.integers(1, 9)), st.integers(1, 20))
def test_nearest_is_that_of_one_distance_at_a_time(query: Floats, known: Floats, block: int) -> None:
    literal = [
        min(range(len(known)), key=lambda n: sum((a - b) ** 2 for a, b in zip(q, known[n], strict=True)))
        for q in query
    ]
    assert nearest(query, known, block=block).tolist() == literal


@given(matrices(st.integers(0, 4)), matrices(st.integers(1, 9)), st.integers(1, 20))
def test_best_segments_are_those_of_one_score_at_a_time(v: Floats, s: Floats, block: int) -> None:
    literal = [
        max(range(len(s)), key=lambda n: sum(a * b for a, b in zip(region, s[n], strict=True)))
        for region in v
    ]
    assert best_segments(v, s, block=block).tolist() == literal


def test_a_long_vector_is_not_the_nearest() -> None:
    query_KF, known_NF = np.array([[1.0, 0.0]], np.float32), np.array([[9.0, 0.0], [1.0, 1.0]], np.float32)
    assert nearest(query_KF, known_NF).tolist() == [1]
    assert best_segments(query_KF, known_NF).tolist() == [0]


def test_a_photograph_is_nearest_to_itself_among_many() -> None:
    known_NF = np.random.default_rng(0).random((500, 1405), np.float32)
    index_K = np.array([499, 3, 250])
    assert nearest(known_NF[index_K], known_NF, block=300).tolist() == index_K.tolist()


def test_nearest_needs_at_least_one_known_row() -> None:
    nothing = np.zeros((0, 2), np.float32)
    for find in (nearest, best_segments):
        with pytest.raises(ValueError, match="nothing to search"):
            find(np.ones((1, 2), np.float32), nothing)
