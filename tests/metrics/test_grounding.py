from typing import TypeVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvsa.metrics.figures import Figure, Report
from dvsa.metrics.grounding import Grounding, covered, ground

T = TypeVar("T")
Problem = tuple[list[list[list[int]]], list[list[int]], list[str], list[list[str]]]
TRUTH = np.array([[0.0, 0.0, 0.4, 0.4], [0.5, 0.5, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]])
PHOTOS = ["a", "b", "a"]


def test_hits_and_pointing() -> None:
    predicted = np.array(
        [
            [0.0, 0.0, 0.4, 0.2],  # half of the truth: IoU is 0.5 to the digit
            [0.0, 0.0, 1.0, 1.0],  # IoU 0.25, centre on the corner of the truth
            [0.0, 0.0, 0.6, 0.8],  # IoU 0.48, centre inside
        ]
    )
    grounding = ground(predicted, TRUTH, PHOTOS)
    assert grounding.owner_N.tolist() == [0, 1, 0]
    assert grounding.found["R@1 IoU0.5"].tolist() == [True, False, False]
    assert grounding.found["pointing"].tolist() == [True, True, True]
    report = grounding.report(resamples=100)
    assert report.figures["R@1 IoU0.5"].value == pytest.approx(100 / 3)
    assert report.figures["R@1 IoU0.5"].ends == [0.0, 50.0]
    assert report.figures["pointing"] == Figure(100.0, 100.0, 100.0)
    assert report.counts == {"phrases": 3, "photos": 2}


def test_a_centre_outside_does_not_point() -> None:
    grounding = ground(np.array([[0.4, 0.0, 0.8, 0.4]]), TRUTH[:1], ["a"])
    assert not grounding.found["pointing"].any()


def test_stretching_one_axis_changes_no_figure() -> None:
    generator = np.random.default_rng(0)
    corner_N2, size_N2 = generator.random((2, 200, 2)) * 0.5
    boxes_N4 = np.hstack([corner_N2, corner_N2 + size_N2])
    predicted_N4, truth_N4 = boxes_N4[:100], boxes_N4[100:]
    photos = [str(n // 3) for n in range(100)]
    stretch = np.array([640, 480, 640, 480])
    plain, pixels = (
        ground(predicted_N4, truth_N4, photos),
        ground(predicted_N4 * stretch, truth_N4 * stretch, photos),
    )
    for name, found_N in plain.found.items():
        assert 0 < found_N.sum() < 100
        assert (found_N == pixels.found[name]).all()


def test_figures_weigh_phrases_as_often_as_their_photograph_is_drawn() -> None:
    grounding = Grounding(np.array([0, 1, 1, 2]), {"pointing": np.array([True, False, True, False])})
    assert grounding.figures(np.array([0, 1, 1])) == {"pointing": pytest.approx(100 * 3 / 5)}


def test_covered_takes_the_best_proposal_of_the_photograph() -> None:
    proposals = {
        "a": np.array([[0.0, 0.0, 0.4, 0.3], [0.9, 0.9, 1.0, 1.0]]),
        "b": np.array([[0.0, 0.0, 1.0, 1.0]]),
    }
    found = covered(proposals, TRUTH, PHOTOS).found
    assert found["covered IoU0.5"].tolist() == [True, False, False]
    assert covered(proposals, TRUTH, PHOTOS, thresholds=[0.25]).found["covered IoU0.25"].tolist() == [
        True,
        True,
        False,
    ]


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Ranked boxes, the true box, the photograph and the categories of each phrase, on a coarse grid."""
    side = st.tuples(st.integers(0, 3), st.integers(1, 4)).map(lambda pair: (pair[0], sum(pair)))
    box = st.tuples(side, side).map(lambda sides: [sides[0][0], sides[1][0], sides[0][1], sides[1][1]])
    phrases = draw(st.integers(1, 8))

    def each(strategy: st.SearchStrategy[T]) -> list[T]:
        return draw(st.lists(strategy, min_size=phrases, max_size=phrases))

    kinds = st.lists(st.sampled_from(["people", "scene", "ci95"]), unique=True, max_size=2)
    return each(st.lists(box, min_size=1, max_size=12)), each(box), each(st.sampled_from("abc")), each(kinds)


def cells(box: list[int]) -> set[tuple[int, int]]:
    x0, y0, x1, y1 = box
    return {(x, y) for x in range(x0, x1) for y in range(y0, y1)}


@given(problems(), st.data())
def test_figures_are_those_of_one_phrase_at_a_time(problem: Problem, data: st.DataObject) -> None:
    ranked, truth, photos, kinds = problem
    grounding = ground([np.array(boxes) for boxes in ranked], np.array(truth), photos).of_kinds(kinds)
    names = sorted({*photos})
    index = data.draw(st.lists(st.integers(0, len(names) - 1), min_size=1, max_size=5))
    found = grounding.figures(np.array(index))

    drawn = [n for k in index for n, photo in enumerate(photos) if photo == names[k]]
    hits = {
        n: [len(cells(box) & cells(truth[n])) / len(cells(box) | cells(truth[n])) >= 0.5 for box in ranked[n]]
        for n in drawn
    }
    for prefix, kind in [("", None), *((f"category {kind}: ", kind) for kind in grounding.categories)]:
        own = [n for n in drawn if kind is None or kind in kinds[n]]
        for k in (1, 5, 10) if max(map(len, ranked)) > 1 else (1,):
            wanted = 100 * sum(any(hits[n][:k]) for n in own) / len(own) if own else np.nan
            assert found[f"{prefix}R@{k} IoU0.5"] == pytest.approx(wanted, nan_ok=True)


def test_categories_are_parts_of_the_report() -> None:
    found = Grounding(np.array([0, 0, 1]), {"pointing": np.array([True, False, True])})
    report = found.of_kinds([["people"], ["people", "ci95"], ["settings"]]).report(resamples=200)
    parts = {name: (part.figures["pointing"].value, part.counts) for name, part in report.parts.items()}
    assert parts == {
        "category ci95": (0.0, {"phrases": 1, "photos": 1}),
        "category people": (50.0, {"phrases": 2, "photos": 1}),
        "category settings": (100.0, {"phrases": 1, "photos": 1}),
    }
    assert report.parts["category people"].figures["pointing"].ends == [50.0, 50.0]
    assert {*report.flat()} == {
        *found.of_kinds([["people"], ["people", "ci95"], ["settings"]]).figures(np.array([0, 1]))
    }
    assert Report.from_json(report.to_json()) == report
    assert not found.report(resamples=5).parts
    assert not found.of_kinds([[], [], []]).report(resamples=5).parts


def test_the_interval_of_a_category_is_over_the_resamples_that_have_it() -> None:
    generator = np.random.default_rng(0)
    owner_N = np.repeat(np.arange(4), 3)
    found_N = generator.random(12) < 0.5
    of_N = np.array([n in (0, 3, 4) for n in range(12)])
    grounding = Grounding(owner_N, {"pointing": found_N}, {"rare": of_N})
    report = grounding.report(resamples=50, seed=3).parts["category rare"].figures["pointing"]

    draws, shares = np.random.default_rng(3), []
    for _ in range(50):
        own = [n for k in draws.integers(4, size=4) for n in range(12) if owner_N[n] == k and of_N[n]]
        shares += [100 * np.mean(found_N[own])] if own else []
    assert len(shares) < 50
    assert report.ends == pytest.approx(list(np.quantile(shares, [0.025, 0.975])))


def test_boxes_in_order_count_within_their_rank() -> None:
    right, wrong = TRUTH[0], np.array([0.6, 0.6, 0.9, 0.9])
    for place, (first, five, ten) in {1: (1, 1, 1), 2: (0, 1, 1), 6: (0, 0, 1), 11: (0, 0, 0)}.items():
        ranked = np.array([*[wrong] * (place - 1), right, wrong])
        found = ground([ranked], TRUTH[:1], ["a"]).found
        assert [found[f"R@{k} IoU0.5"][0] for k in (1, 5, 10)] == [first, five, ten]
    assert list(ground(TRUTH, TRUTH, PHOTOS).found) == ["R@1 IoU0.5", "pointing"]


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match=r"phrase 1 .* no predicted box"):
        ground([TRUTH, np.zeros((0, 4)), TRUTH], TRUTH, PHOTOS)
    with pytest.raises(ValueError, match="3 phrases need as many sets of categories; got 1"):
        ground(TRUTH, TRUTH, PHOTOS).of_kinds([["people"]])
    with pytest.raises(ValueError, match="at least one"):
        ground(np.zeros((0, 4)), np.zeros((0, 4)), [])
    with pytest.raises(ValueError, match="3 phrases"):
        ground(TRUTH[:2], TRUTH, PHOTOS)
    with pytest.raises(ValueError, match="'b' has phrases but no proposals"):
        covered({"a": TRUTH}, TRUTH, PHOTOS)
