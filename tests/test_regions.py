"""Which boxes become regions: greedy coverage against literal sums and the best choice of all."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvsa.arrays import FloatArray
from dvsa.boxes import iou
from dvsa.regions import REACHED, TOUCHED, choose, cover

seeds = st.integers(0, 999)


def scene(seed: int, count: int) -> tuple[FloatArray, FloatArray]:
    """Boxes in three clusters, and their scores."""
    rng = np.random.default_rng(seed)
    low_N2 = rng.choice([0.0, 0.3, 0.5], (count, 1)) + 0.1 * rng.random((count, 2))
    return np.concatenate([low_N2, low_N2 + 0.2 + 0.1 * rng.random((count, 2))], axis=1), rng.random(count)


def coverage(chosen: list[int], b_N4: FloatArray, scores: FloatArray) -> float:
    """The expected coverage of a choice, with the frame."""
    total = 0.0
    for box, score in zip(b_N4, scores, strict=True):
        overlaps = [
            float(iou(other[None], box[None])[0, 0]) for other in [np.array([0, 0, 1, 1.0]), *b_N4[chosen]]
        ]
        total += score * min(max((max(overlaps) - TOUCHED) / (REACHED - TOUCHED), 0), 1)
    return total


@given(seeds, st.integers(8, 14), st.integers(1, 4))
def test_cover_adds_the_box_that_covers_most(seed: int, count: int, keep: int) -> None:
    b_N4, scores = scene(seed, count)
    chosen = cover(b_N4, scores, keep).tolist()
    assert len({*chosen}) == keep
    assert not any(n % 2 for n in chosen)
    for step in range(keep):
        others = [n for n in range(0, count, 2) if n not in chosen[:step]]
        reached = {n: coverage([*chosen[:step], n], b_N4, scores) for n in others}
        assert reached[chosen[step]] == pytest.approx(max(reached.values()))


@given(seeds, st.integers(8, 12))
def test_cover_comes_near_the_best_choice(seed: int, count: int) -> None:
    b_N4, scores = scene(seed, count)
    best = max(coverage(list(three), b_N4, scores) for three in combinations(range(0, count, 2), 3))
    nothing = coverage([], b_N4, scores)
    found = coverage(cover(b_N4, scores, 3).tolist(), b_N4, scores)
    assert found - nothing >= (1 - 1 / np.e) * (best - nothing) - 1e-9


def test_cover_takes_a_box_of_every_cluster_first() -> None:
    """NMS with a high threshold would take the three best scores, which are all in one cluster."""
    b_N4 = np.repeat([[0.1, 0.1, 0.3, 0.3], [0.4, 0.4, 0.6, 0.6], [0.7, 0.7, 0.9, 0.9]], 4, axis=0)
    scores = np.repeat([0.9, 0.5, 0.1], 4)
    assert sorted(n // 4 for n in cover(b_N4, scores, 3)) == [0, 1, 2]


@pytest.mark.parametrize(("proposer", "count"), [("coverage", 20), ("head", 20), ("grid", 20), ("frame", 1)])
def test_regions_are_candidates_with_their_scores_and_the_frame(proposer: str, count: int) -> None:
    b_N4, scores = scene(0, 60)
    box_I4, score_I = choose(proposer, scores, b_N4, threshold=0.5)
    assert str(box_I4.dtype) == str(score_I.dtype) == "float32"
    assert box_I4.shape == (count, 4)
    assert (box_I4[-1].tolist(), score_I[-1]) == ([0, 0, 1, 1], 1)
    if proposer in ("coverage", "head"):
        known = {tuple(row.tolist()) for row in np.column_stack([b_N4, scores]).astype(np.float32)}
        found = {tuple(row.tolist()) for row in np.column_stack([box_I4, score_I])[:-1]}
        assert len(found) == 19
        assert found <= known


def test_an_unknown_proposer_is_refused() -> None:
    b_N4, scores = scene(0, 60)
    with pytest.raises(ValueError, match="'nms' is unknown: use one of head, coverage, grid, frame"):
        choose("nms", scores, b_N4, threshold=0.5)
