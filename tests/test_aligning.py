"""Words of a sentence on regions: which are supported, and where phrases are."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvsa.aligning import Support, locate, words_on_regions
from dvsa.boxes import iou
from dvsa.bundle import Bundle
from dvsa.model import Model, View
from dvsa.sentence import Sentence

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.mark.parametrize(
    ("token", "known", "score", "least", "supported"),
    [
        ("dog", True, 0.1, 0.0, True),
        ("dog", True, 0.0, 0.0, False),
        ("dog", True, 0.1, 0.5, False),
        ("the", True, -1.0, 0.0, True),
        ("zebra", False, 0.0, -1.0, False),
        ("the", False, 0.0, 0.0, True),
    ],
)
def test_which_words_are_supported(
    token: str, known: bool, score: float, least: float, supported: bool
) -> None:
    dot_TI, s_ND = 2 * np.array([[score - 1, score]]), np.array([[0.0, 2.0]])[: int(known)]
    (word,) = words_on_regions(Sentence(token, (token,), np.array([known]), s_ND), dot_TI, Support(least))
    assert word.supported == supported
    assert word.region == (1 if known else None)


@given(st.integers(1, 5), st.integers(1, 4), st.floats(-2, 2), st.integers(0, 99))
def test_every_word_has_its_best_region(T: int, I: int, least: float, seed: int) -> None:  # noqa: E741
    rng = np.random.default_rng(seed)
    s_TD, v_ID = rng.normal(size=(T, 3)).astype(np.float32), rng.normal(size=(I, 3)).astype(np.float32)
    known_T = rng.random(T) < 0.8
    v_ID /= np.linalg.norm(v_ID, axis=1, keepdims=True)
    dot_TI = s_TD @ v_ID.T
    sentence = Sentence("dogs", ("dog",) * T, known_T, s_TD[known_T])
    for t, word in enumerate(words_on_regions(sentence, dot_TI, Support(least))):
        assert word.score == max(dot_TI[t])
        if known_T[t]:
            assert dot_TI[t][word.region or 0] == word.score
        assert word.supported == (
            known_T[t] and any(angle > least for angle in dot_TI[t] / np.linalg.norm(s_TD[t]))
        )


@given(st.floats(-3, 3), st.floats(0.5, 3), st.floats(0.1, 0.5), st.floats(1, 50))
def test_the_probability_is_a_logistic_function_of_the_match(
    score: float, length: float, threshold: float, slope: float
) -> None:
    sentence = Sentence("the dog", ("the", "dog"), np.array([True, True]), np.array([[1.0], [length]]))
    the, dog = words_on_regions(sentence, np.array([[1.0], [score]]), Support(threshold, slope))
    assert the.probability is None
    assert dog.probability == pytest.approx(1 / (1 + np.exp(-slope * (score / length - threshold))))
    assert dog.supported == (score > threshold * length)


def test_without_a_calibration_nothing_is_probable() -> None:
    sentence = Sentence("dog", ("dog",), np.array([True]), np.array([[1.0]]))
    (dog,) = words_on_regions(sentence, np.array([[0.5]]), Support(0.3))
    assert dog.supported
    assert dog.probability is None


@given(st.integers(1, 4), st.integers(1, 6), st.sampled_from([0.0, 5.0, 20.0]), st.integers(0, 99))
def test_a_phrase_goes_to_the_region_with_the_highest_expected_iou(
    N: int,
    I: int,  # noqa: E741
    sharpness: float,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    s_ND, v_ID = rng.normal(size=(N, 5)), rng.normal(size=(I, 5))
    v_ID /= np.linalg.norm(v_ID, axis=1, keepdims=True)
    low_I2 = 0.6 * rng.random((I, 2))
    box_I4 = np.concatenate([low_I2, low_I2 + 0.4 * rng.random((I, 2))], axis=1)
    found = locate(s_ND, v_ID, box_I4, sharpness)

    # Without sharpness, the most similar region is chosen.
    s_D = sum(s_ND)
    cosines = [float(v_D @ s_D / np.linalg.norm(s_D)) for v_D in v_ID]
    if not sharpness:
        assert cosines[found] == max(cosines)
        return

    weights = np.exp(sharpness * np.array(cosines))
    weights /= weights.sum()
    expected = [
        sum(w * iou(a[None], b[None])[0, 0] for w, b in zip(weights, box_I4, strict=True)) for a in box_I4
    ]
    assert expected[found] == pytest.approx(max(expected))


def test_a_phrase_without_words_is_in_the_middle_of_all() -> None:
    box_I4 = np.array([[0.0, 0.0, 0.5, 0.5], [0.1, 0.1, 0.6, 0.6], [0.2, 0.2, 0.7, 0.7]])
    assert locate(np.zeros((0, 3)), np.eye(3), box_I4, 20.0) == 1
    assert locate(np.zeros((0, 3)), np.eye(3), box_I4, 0.0) == 0


def test_a_view_locates_words_of_a_sentence() -> None:
    view = Model(Bundle.open()).open(EXAMPLES / "photographer.jpg")
    sentence = "a man holds a camera"
    assert view.locate("a man") == view.locate("A man!", 0, 1) in view.regions
    assert view.locate(sentence, 0, 1).index == int((view.v_ID @ _sum(view, sentence, 0, 1)).argmax())
    for first, last in ((5, None), (-1, 2), (0, 5), (3, 2)):
        with pytest.raises(ValueError, match=rf"has no words {first} to {last}: it has 5"):
            view.locate(sentence, first, last)
    with pytest.raises(ValueError, match="no word of 'xqzt' is known"):
        view.locate("xqzt and a man", 0, 0)


def _sum(view: View, sentence: str, first: int, last: int) -> np.ndarray:
    s_TD = view.model.word_vectors([sentence.split()])[0][0]
    total_D: np.ndarray = s_TD[first : last + 1].sum(axis=0)
    return total_D


def test_a_bundle_sets_the_score_above_which_words_are_supported() -> None:
    bundle = Bundle.open()
    lenient, strict = (
        Model(replace(bundle, manifest=replace(bundle.manifest, support=least))) for least in (-100.0, 100.0)
    )
    sentence = "a man with a dog on a zzyzx"
    photo = EXAMPLES / "photographer.jpg"
    found = [[w.supported for w in model.open(photo).align(sentence).words] for model in (lenient, strict)]
    assert found[0] == [True, True, True, True, True, True, True, False]
    assert found[1] == [True, False, True, True, False, True, True, False]
