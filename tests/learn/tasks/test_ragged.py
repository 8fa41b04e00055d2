"""Flat arrays say the same as lists of lists."""

import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dvsa.learn.tasks.ragged import Rows, SentenceIds

IDS = st.lists(st.lists(st.lists(st.integers(0, 2**31 - 1), max_size=4), max_size=4), max_size=6)
NUMBERS = st.lists(st.lists(st.tuples(*[st.floats(0, 1, width=32)] * 5), max_size=3), max_size=6)


@given(IDS, st.slices(6))
def test_sentences_come_back(lists: list[list[list[int]]], part: slice) -> None:
    ids = SentenceIds(iter(lists))
    assert len(ids) == len(lists)
    assert [*ids] == lists
    assert ids[part] == lists[part]
    assert ids.words == sum(len(sentence) for own in lists for sentence in own)
    for k, own in enumerate(lists):
        assert ids.size(k) == len(own)
        assert ids[k] == ids[k - len(lists)] == own
        assert [ids.sentence(k, n) for n in range(len(own))] == own


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
