"""Flat arrays say the same as lists of lists."""

import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dvsa import text
from dvsa.learn.tasks.ragged import BoxedPhrases, PhraseTarget, PhraseTargets, Rows, SentenceIds, spans

IDS = st.lists(st.lists(st.lists(st.integers(0, 2**31 - 1), max_size=4), max_size=4), max_size=6)
BOXES = st.tuples(*[st.floats(0, 1)] * 4)
PLACES = st.lists(st.integers(0, 20), min_size=1, max_size=3, unique=True).map(tuple)
PHRASES = st.lists(
    st.lists(st.lists(st.builds(PhraseTarget, PLACES, BOXES), max_size=3), max_size=3), max_size=4
)
NUMBERS = st.lists(st.lists(st.tuples(*[st.floats(0, 1, width=32)] * 5), max_size=3), max_size=6)


@given(IDS, st.slices(6))
def test_sentences_come_back(lists: list[list[list[int]]], part: slice) -> None:
    ids = SentenceIds(iter(lists))
    assert len(ids) == len(lists)
    assert [*ids] == lists
    assert ids[part] == lists[part]
    assert ids.words == sum(len(sentence) for own in lists for sentence in own)
    for k, own in enumerate(lists):
        assert ids[k] == ids[k - len(lists)] == own
        assert [ids.sentence(k, n) for n in range(len(own))] == own


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5)), max_size=8))
def test_spans_are_joined_ranges(drawn: list[tuple[int, int]]) -> None:
    first_N, count_N = np.array(drawn, np.int64).reshape(-1, 2).T
    number_M, span_M = spans(first_N, first_N + count_N)
    wanted = [(first + n, place) for place, (first, count) in enumerate(drawn) for n in range(count)]
    assert [*zip(number_M.tolist(), span_M.tolist(), strict=True)] == wanted


@given(IDS.filter(any), st.data())
def test_some_sentences_at_once_equal_each_alone(lists: list[list[list[int]]], data: st.DataObject) -> None:
    ids = SentenceIds(iter(lists))
    every = [(k, n) for k, own in enumerate(lists) for n in range(len(own))]
    asked = data.draw(st.lists(st.sampled_from(every), max_size=6))
    photo_L, nth_L = np.array(asked, np.int64).reshape(-1, 2).T
    number_L = ids.numbers(photo_L, nth_L)
    assert number_L.tolist() == [every.index(pair) for pair in asked]
    assert ids.sentences == len(every)
    assert ids.sizes(photo_L).tolist() == [len(lists[k]) for k, _ in asked]

    wanted = [lists[k][n] for k, n in asked]
    for found, padded in zip(ids.padded(number_L), text.pad(wanted), strict=True):
        assert found.tolist() == padded.tolist()
    word_M, span_M = ids.words_of(number_L)
    assert [word_M[span_M == place].tolist() for place in range(len(asked))] == wanted


@given(IDS.filter(any), st.integers(1, 4), st.integers(0, 99), st.data())
def test_some_sentences_are_drawn_of_each_photograph(
    lists: list[list[list[int]]], count: int, seed: int, data: st.DataObject
) -> None:
    ids = SentenceIds(iter(lists))
    asked = data.draw(st.lists(st.integers(0, len(lists) - 1), max_size=6))
    torch.manual_seed(seed)
    owner_L, number_L = ids.some(np.array(asked, np.int64), count)
    wanted = [place for place, k in enumerate(asked) for _ in range(min(count, len(lists[k])))]
    assert owner_L.tolist() == wanted
    for place, k in enumerate(asked):
        first = sum(map(len, lists[:k]))
        own = number_L[owner_L == place].tolist()
        assert len({*own}) == len(own)
        assert all(first <= number < first + len(lists[k]) for number in own)


def test_each_sentence_is_drawn_as_often_as_the_others() -> None:
    ids = SentenceIds([[[1]] * 3, [[1]] * 5])
    torch.manual_seed(0)
    _, number_L = ids.some(np.repeat([0, 1], 5000), 2)
    drawn_N = np.bincount(number_L, minlength=8)
    assert drawn_N == pytest.approx([10000 / 3] * 3 + [10000 / 5] * 5, rel=0.08)


def lists_of(found: BoxedPhrases, sentences: int) -> list[list[PhraseTarget]]:
    """The phrases of each sentence as a list."""
    phrases: list[list[PhraseTarget]] = [[] for _ in range(sentences)]
    for p, (sentence, box) in enumerate(zip(found.sentence_P, found.box_P4.tolist(), strict=True)):
        phrases[sentence].append(PhraseTarget(tuple(found.place_M[found.phrase_M == p].tolist()), tuple(box)))
    return phrases


@given(PHRASES.filter(any), st.data())
def test_phrases_of_some_sentences_equal_those_of_each(
    lists: list[list[list[PhraseTarget]]], data: st.DataObject
) -> None:
    phrases = PhraseTargets(lists)
    assert [*phrases] == lists
    every = [own for sentences in lists for own in sentences]
    asked = data.draw(st.lists(st.integers(0, len(every) - 1), max_size=6))
    found = phrases.of(np.array(asked, np.int64))
    wanted = [every[number] for number in asked]
    assert lists_of(found, len(asked)) == wanted

    # Some of them, and their words alone.
    keep_P = np.array(data.draw(st.lists(st.booleans(), min_size=99, max_size=99)))[: len(found.box_P4)]
    flags = iter(keep_P.tolist())
    kept = [[phrase for phrase in own if next(flags)] for own in wanted]
    chosen = found.chosen(keep_P)
    assert lists_of(chosen, len(asked)) == kept
    alone = [own + [PhraseTarget((t,), m.box) for m in own for t in m.places] for own in kept]
    assert lists_of(chosen.with_words(), len(asked)) == alone


@given(NUMBERS.filter(any), st.data())
def test_some_rows_at_once_equal_each_alone(
    lists: list[list[tuple[float, ...]]], data: st.DataObject
) -> None:
    asked = data.draw(st.lists(st.integers(0, len(lists) - 1), max_size=6))
    row_M, span_M = Rows(iter(lists), width=5).of(np.array(asked, np.int64))
    assert span_M.tolist() == [place for place, k in enumerate(asked) for _ in lists[k]]
    assert row_M.tolist() == [[*row] for k in asked for row in lists[k]]


@given(NUMBERS, st.slices(6))
def test_rows_come_back(lists: list[list[tuple[float, ...]]], part: slice) -> None:
    rows = Rows(iter(lists), width=5)
    expected = [torch.tensor(own).reshape(-1, 5) for own in lists]
    assert len(rows) == len(lists)
    assert rows.empty == (not any(lists))
    for found, wanted in (([*rows], expected), (rows[part], expected[part])):
        assert len(found) == len(wanted)
        assert all(map(torch.equal, found, wanted))


@pytest.mark.parametrize("place", [2, -3])
def test_a_place_beyond_the_end_is_an_error(place: int) -> None:
    for found in (SentenceIds([[[1]], []]), Rows([[[1.0]], []], width=1)):
        with pytest.raises(IndexError):
            found[place]


def test_a_photograph_takes_little_memory() -> None:
    """Five sentences of ten words as lists take 900 bytes and more."""
    ids = SentenceIds([[[300] * 10] * 5] * 1000)
    taken = sum(sys.getsizeof(flat.base) for flat in vars(ids).values())
    assert taken < 1000 * (5 * 10 * 4 + 6 * 8) * 1.2
