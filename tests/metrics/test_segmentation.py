from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvsa.metrics.figures import Figure
from dvsa.metrics.segmentation import Boundaries, Gaps, around_phrases, between_regions, by_chance, count

Sentence = tuple[Gaps, Gaps, str]


def gaps(marks: str) -> Gaps:
    """`.|.` are three gaps, the second a boundary."""
    return np.array([mark == "|" for mark in marks], dtype=np.bool_)


@st.composite
def sentences(draw: st.DrawFn) -> Sentence:
    """Predicted and true boundaries of a sentence of at most six words, and its photograph."""
    length = draw(st.integers(0, 5))
    marks = st.lists(st.booleans(), min_size=length, max_size=length)
    predicted, truth = (np.array(draw(marks), dtype=np.bool_) for _ in range(2))
    return predicted, truth, draw(st.sampled_from("abc"))


def test_boundaries_lie_around_phrases() -> None:
    #  two girls | play on | a skateboard | in | a courtyard
    phrases = [(0, 1), (4, 5), (7, 8)]
    assert around_phrases(phrases, 9).tolist() == gaps(".|.|.||.").tolist()
    assert around_phrases([(0, 8)], 9).tolist() == gaps("........").tolist()
    assert around_phrases([(0, 1), (2, 3)], 4).tolist() == gaps(".|.").tolist()
    assert around_phrases([], 1).tolist() == around_phrases([(0, 0)], 1).tolist() == []


@given(st.integers(1, 8), st.data())
def test_boundaries_are_between_words_of_different_segments(length: int, data: st.DataObject) -> None:
    ends = sorted(data.draw(st.sets(st.integers(0, length), max_size=6)))
    phrases = [(first, after - 1) for first, after in zip(ends[::2], ends[1::2], strict=False)]
    inside = [next((n for n, (a, z) in enumerate(phrases) if a <= t <= z), None) for t in range(length)]
    expected = [a != b for a, b in pairwise(inside)]
    assert around_phrases(phrases, length).tolist() == expected


@pytest.mark.parametrize("phrase", [(-1, 0), (2, 1), (1, 3)])
def test_a_phrase_outside_of_its_sentence_is_refused(phrase: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="not in a sentence of 3 words"):
        around_phrases([phrase], 3)


def test_boundaries_of_a_path_are_its_changes() -> None:
    assert between_regions([4, 4, 0, 4, 4]).tolist() == gaps(".||.").tolist()
    assert between_regions([4]).tolist() == between_regions([]).tolist() == []


@given(st.lists(sentences(), min_size=1, max_size=8), st.data())
def test_figures_equal_literal_sets(lines: list[Sentence], data: st.DataObject) -> None:
    boundaries = count(*zip(*lines, strict=True))
    names = sorted({photo for *_, photo in lines})
    index = data.draw(st.lists(st.integers(0, len(names) - 1), min_size=1, max_size=5))
    hit = predicted = true = 0
    for k in index:
        for ours, theirs, photo in lines:
            if photo == names[k]:
                a, b = set(np.flatnonzero(ours)), set(np.flatnonzero(theirs))
                hit, predicted, true = hit + len(a & b), predicted + len(a), true + len(b)
    precision = hit / predicted if predicted else 0.0
    recall = hit / true if true else 0.0
    harmonic = 2 * precision * recall / (precision + recall) if hit else 0.0
    assert boundaries.figures(np.array(index)) == {
        "boundary precision": pytest.approx(100 * precision),
        "boundary recall": pytest.approx(100 * recall),
        "boundary F1": pytest.approx(100 * harmonic),
    }


@given(sentences())
def test_chance_is_the_mean_over_all_placements(line: Sentence) -> None:
    predicted, truth, photo = line
    places = [*combinations(range(len(truth)), int(predicted.sum()))]
    mean = np.mean([sum(bool(truth[g]) for g in place) for place in places])
    chance = by_chance([predicted], [truth], [photo])
    assert chance.hit_K.tolist() == [pytest.approx(mean)]
    assert (chance.predicted_K.tolist(), chance.true_K.tolist()) == ([predicted.sum()], [truth.sum()])


def test_report_has_intervals_and_numbers() -> None:
    truth = [gaps(".|.|.")] * 20
    predicted = [gaps(".|..|"), gaps("||...")] * 10
    report = count(predicted, truth, [str(n) for n in range(20)]).report(resamples=100)
    assert report.counts == {"predicted": 40, "true": 40, "photos": 20}
    # Every photograph has the same figures, so no resample differs.
    names = ("boundary precision", "boundary recall", "boundary F1")
    assert report.figures == dict.fromkeys(names, Figure(50, 50, 50))
    none = Boundaries(np.zeros(2), np.zeros(2), np.zeros(2))
    assert set(none.figures(np.arange(2)).values()) == {0.0}


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="at least one"):
        count([], [], [])
    with pytest.raises(ValueError, match="2 sentences"):
        by_chance([gaps(".")] * 2, [gaps(".")], ["a", "b"])
    with pytest.raises(ValueError, match="a sentence of 'b' has 2 gaps, but 1 predicted"):
        count([gaps("."), gaps(".")], [gaps("."), gaps("..")], ["a", "b"])
