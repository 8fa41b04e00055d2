"""Relevances against ROUGE-L, one pair at a time."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dvsa.metrics.relevance import Relevance
from dvsa.metrics.rouge import rouge_l

sentences = st.lists(st.sampled_from("abcd"), max_size=9)
long_sentences = st.lists(st.sampled_from("abcdefgh"), min_size=60, max_size=70)


@given(st.lists(sentences, min_size=1, max_size=8), st.lists(sentences, min_size=1, max_size=4), st.data())
def test_relevances_are_rouge_l(own: list[list[str]], others: list[list[str]], data: st.DataObject) -> None:
    compare(own, others, data)


@given(st.lists(st.one_of(sentences, long_sentences), min_size=1, max_size=3), long_sentences, st.data())
def test_long_sentences_too(own: list[list[str]], other: list[str], data: st.DataObject) -> None:
    compare(own, [other], data)


def compare(own: list[list[str]], others: list[list[str]], data: st.DataObject) -> None:
    photos = data.draw(st.integers(1, len(own)))
    extra = data.draw(st.lists(st.integers(0, photos - 1), min_size=len(own), max_size=len(own)))
    owner_L = np.array(data.draw(st.permutations([*range(photos), *extra][: len(own)])))
    found = Relevance(own, owner_L)([*others, *own])
    for k in range(photos):
        references = [tokens for tokens, owner in zip(own, owner_L, strict=True) if owner == k]
        wanted = rouge_l([references] * (len(others) + len(own)), [*others, *own])
        np.testing.assert_allclose(found[k], wanted, atol=1e-12)


def test_the_own_sentences_are_fully_relevant() -> None:
    own = [["a", "dog", "runs", "in", "the", "snow"], ["a", "cat"], ["b"] * 65]
    found = Relevance(own, np.array([1, 0, 1]))(own)
    np.testing.assert_allclose(found[[1, 0, 1], [0, 1, 2]], 1)
    assert found[0, 2] == 0
