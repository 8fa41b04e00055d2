"""Numbers about a data set, counted again in the plainest way."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvsa.data import Dataset, Example, GroundedPhrase
from dvsa.data.statistics import Spread, statistics

WORDS = ["a", "dog", "cat", "runs", "the"]
captions = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6)
photographs = st.lists(
    st.tuples(st.sampled_from(["train", "val"]), st.lists(captions, max_size=3)), min_size=1
)


@given(photographs)
def test_sentences_and_words(photographs: list[tuple[str, list[list[str]]]]) -> None:
    examples = [Example(f"{k}", s, tuple(map(" ".join, own)), None) for k, (s, own) in enumerate(photographs)]
    found = statistics(Dataset("mine", Path(), tuple(examples)))

    known = {w for s, own in photographs if s == "train" for c in own for w in c}
    for split in {s for s, _ in photographs}:
        mine = [own for s, own in photographs if s == split]
        sentences = [c for own in mine for c in own]
        numbers = found.splits[split]
        assert (numbers.photographs, numbers.sentences) == (len(mine), len(sentences))
        assert sum(n * length for length, n in numbers.lengths.items()) == sum(map(len, sentences))
        assert numbers.vocabulary == len({w for c in sentences for w in c})
        unseen = {w for c in sentences for w in c} - known if known and split == "val" else set()
        assert numbers.unseen == len(unseen)
        if sentences:
            lengths = [len(c) for c in sentences]
            assert numbers.words_each.median == np.median(lengths)
            assert numbers.words_each.mean == pytest.approx(np.mean(lengths))
    words = [w for _, own in photographs for c in own for w in c]
    assert dict(found.frequent) == {w: words.count(w) for w in {*words} - {"a", "the"}}
    assert found.rare == sum(words.count(w) == 1 for w in {*words})


def test_boxes_are_counted_once() -> None:
    box, other = (0.0, 0.0, 0.5, 0.5), (0.0, 0.0, 1.0, 1.0)
    phrases = tuple(GroundedPhrase(0, 0, 0, "dog", "1", (), boxes) for boxes in ((box,), (box, other), ()))
    example = Example("1", "", ("dog",), None, phrases)
    (found,) = statistics(
        Dataset("mine", Path(), (example, Example("2", "", ("cat",), None)))
    ).splits.values()
    assert found.phrases == 3
    assert found.boxes_each == Spread(0, 1, 1, 2)
    assert found.areas == Spread(0.25, 0.625, 0.625, 1)


def test_a_data_set_without_sentences_has_no_words() -> None:
    found = statistics(Dataset("mine", Path(), (Example("1", "", (), None),)))
    assert (found.splits[""].words_each, found.frequent, found.rare) == (Spread(0, 0, 0, 0), {}, 0)
