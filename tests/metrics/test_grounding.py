import numpy as np
import pytest

from dvsa.metrics.figures import Figure
from dvsa.metrics.grounding import Grounding, covered, ground

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


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="at least one"):
        ground(np.zeros((0, 4)), np.zeros((0, 4)), [])
    with pytest.raises(ValueError, match="3 phrases"):
        ground(TRUTH[:2], TRUTH, PHOTOS)
    with pytest.raises(ValueError, match="'b' has phrases but no proposals"):
        covered({"a": TRUTH}, TRUTH, PHOTOS)
