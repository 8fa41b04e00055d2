import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvsa.metrics.ndcg import ndcg
from dvsa.metrics.ranking import Ranks, rank, summary

Problem = tuple[list[list[int]], list[int]]


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Scores with many ties, and owners such that every photograph owns a sentence."""
    photos = draw(st.integers(1, 5))
    owners = draw(st.permutations([*range(photos), *draw(st.lists(st.integers(0, photos - 1), max_size=8))]))
    row = st.lists(st.integers(0, 3), min_size=len(owners), max_size=len(owners))
    return draw(st.lists(row, min_size=photos, max_size=photos)), list(owners)


@given(problems())
def test_ranks_equal_a_literal_sort(problem: Problem) -> None:
    scores, owners = problem
    ranks = rank(np.array(scores, dtype=np.float32), np.array(owners))
    for photo, row in enumerate(scores):
        order = sorted(range(len(owners)), key=lambda s: (-row[s], owners[s] == photo))
        first = next(place for place, s in enumerate(order, start=1) if owners[s] == photo)
        assert ranks.photo_rank_K[photo] == first
    for s, owner in enumerate(owners):
        order = sorted(range(len(scores)), key=lambda photo: (-scores[photo][s], photo == owner))
        assert ranks.sentence_rank_L[s] == order.index(owner) + 1


def test_equal_scores_everywhere_rank_last() -> None:
    ranks = rank(np.zeros((3, 6)), np.array([0, 0, 1, 1, 2, 2]))
    assert ranks.photo_rank_K.tolist() == [5, 5, 5]
    assert ranks.sentence_rank_L.tolist() == [3] * 6


def test_scores_of_minus_infinity_are_ordinary_scores() -> None:
    ranks = rank(np.array([[-np.inf, 1.0], [-np.inf, 2.0]]), np.array([0, 1]))
    assert (ranks.photo_rank_K.tolist(), ranks.sentence_rank_L.tolist()) == ([2, 1], [2, 1])


def test_summary() -> None:
    assert summary(np.array([1, 5, 6, 10, 11, 1])) == {
        "R@1": pytest.approx(100 / 3),
        "R@5": pytest.approx(50.0),
        "R@10": pytest.approx(500 / 6),
        "Med r": 5.5,
    }


@given(problems(), st.data())
def test_a_resample_takes_the_sentences_with_the_photograph(problem: Problem, data: st.DataObject) -> None:
    scores, owners = problem
    photos = len(scores)
    ranks = rank(np.array(scores, dtype=np.float64), np.array(owners))
    index = data.draw(st.lists(st.integers(0, photos - 1), min_size=photos, max_size=photos))
    literal = [ranks.sentence_rank_L[s] for photo in index for s in range(len(owners)) if owners[s] == photo]
    assert ranks.sentence_to_photo(np.array(index)) == summary(np.array(literal))
    assert ranks.photo_to_sentence(np.array(index)) == summary(ranks.photo_rank_K[index])


@given(problems(), st.data())
def test_ndcg_is_the_mean_over_the_rankings_of_a_resample(problem: Problem, data: st.DataObject) -> None:
    scores, owners = problem
    photos, S_KL = len(scores), np.array(scores, dtype=np.float64)
    relevance_KL = np.random.default_rng(data.draw(st.integers(0, 99))).random(S_KL.shape)
    ranks = rank(S_KL, np.array(owners), relevance_KL)
    index = data.draw(st.lists(st.integers(0, photos - 1), min_size=1, max_size=photos))
    ours = [ndcg(S_KL[k], relevance_KL[k]) for k in index]
    theirs = [
        ndcg(S_KL[:, s], relevance_KL[:, s]) for k in index for s in range(len(owners)) if owners[s] == k
    ]
    assert ranks.photo_to_sentence(np.array(index))["NDCG@25"] == pytest.approx(100 * np.mean(ours))
    assert ranks.sentence_to_photo(np.array(index))["NDCG@25"] == pytest.approx(100 * np.mean(theirs))
    assert "|relevance:ROUGE-L|" in ranks.report(resamples=2).signatures[""]


def test_relevances_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"scores of \(2, 2\) need as many relevances; got \(2, 1\)"):
        rank(np.zeros((2, 2)), np.array([0, 1]), np.zeros((2, 1)))


def test_report_has_both_directions_and_their_intervals() -> None:
    generator = np.random.default_rng(0)
    owner_L = np.repeat(np.arange(40), 5)
    S_KL = generator.normal(size=(40, 200)) + 1.5 * (owner_L == np.arange(40)[:, None])
    ranks = rank(S_KL, owner_L)
    report = ranks.report(resamples=200)
    assert report.counts == {"photos": 40, "sentences": 200}
    for direction, ranks_N in (
        ("photo_to_sentence", ranks.photo_rank_K),
        ("sentence_to_photo", ranks.sentence_rank_L),
    ):
        figures = report.parts[direction].figures
        assert {name: figure.value for name, figure in figures.items()} == summary(ranks_N)
        for figure in figures.values():
            low, high = figure.ends
            assert low <= (figure.value or 0) <= high
        assert figures["R@1"].ends[0] < figures["R@1"].ends[1]


@pytest.mark.parametrize(
    ("S_KL", "owner_L", "message"),
    [
        (np.zeros((2, 2)), [0, 2], "owner from 0 to 1"),
        (np.zeros((2, 2)), [0], "2 sentences"),
        (np.zeros((2, 2)), [0, 0], "photograph 1 has no sentence"),
        (np.array([[0.0, np.nan], [0.0, 0.0]]), [0, 1], "photograph 0 and sentence 1"),
    ],
)
def test_bad_input_is_named(S_KL: np.ndarray, owner_L: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rank(S_KL, np.array(owner_L))


def test_ranks_are_plain_arrays() -> None:
    ranks = rank(np.eye(2), np.array([0, 1]))
    assert (
        Ranks(ranks.photo_rank_K, ranks.sentence_rank_L, ranks.owner_L).report(resamples=5).counts["photos"]
        == 2
    )
