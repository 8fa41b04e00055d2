import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvsa.data import load
from dvsa.evaluation.novelty import Fragment, TrainingText, novelty
from dvsa.metrics.figures import Figure

TRAINING = ["A dog runs .", "a dog runs in the snow", "A man sits in the snow", "the dog"]

texts = st.lists(st.sampled_from("abc"), max_size=6).map(" ".join)


def times(tokens: tuple[str, ...], sentences: list[str]) -> int:
    """How often the tokens are in the sentences, by a search of every position."""
    split = [tuple(sentence.split()) for sentence in sentences]
    return sum(s[n : n + len(tokens)] == tokens for s in split for n in range(len(s)))


def fewest_fragments(tokens: tuple[str, ...], sentences: list[str]) -> int:
    """The smallest number of fragments over all splits; a single word is always a fragment."""
    if not tokens:
        return 0
    return 1 + min(
        fewest_fragments(tokens[n:], sentences)
        for n in range(1, len(tokens) + 1)
        if n == 1 or times(tokens[:n], sentences)
    )


@given(st.lists(texts, max_size=6), st.lists(st.sampled_from("abcd"), max_size=7))
def test_fragments_are_as_few_as_possible_and_their_counts_are_right(
    sentences: list[str], caption: list[str]
) -> None:
    judged = TrainingText.of(sentences).judge(" ".join(caption))
    assert [word for part in judged.fragments for word in part.words] == caption
    assert len(judged.fragments) == fewest_fragments(tuple(caption), sentences)
    assert [part.times for part in judged.fragments] == [
        times(part.words, sentences) for part in judged.fragments
    ]
    assert judged.copied == (" ".join(caption) in sentences)


def test_fragments_by_hand() -> None:
    text = TrainingText.of(TRAINING)
    judged = text.judge("a man sits in the dog house")
    assert judged.fragments == (
        Fragment(("a", "man", "sits", "in", "the"), 1),
        Fragment(("dog",), 3),
        Fragment(("house",), 0),
    )
    assert not judged.copied
    assert judged.longest == judged.fragments[0]
    # One part, but not a sentence; and a sentence, whatever its case and marks.
    assert (text.judge("in the snow").fragments, text.judge("in the snow").copied) == (
        (Fragment(("in", "the", "snow"), 2),),
        False,
    )
    assert text.judge("A dog, runs!").copied
    # Parts do not reach from one sentence into the next.
    assert len(text.judge("runs a dog").fragments) == 2
    assert text.judge("").longest == Fragment((), 0)


def test_the_report() -> None:
    text = TrainingText.of(TRAINING)
    captions = ["the dog", "a dog sits", "a dog runs in the man", "a dog runs"]
    report = json.loads(json.dumps(novelty([text.judge(caption) for caption in captions]).to_json()))
    low, high = report.pop("ci95")["copied"]
    assert low < 50 < high
    assert report == {
        "copied": 50,
        "captions": 4,
        "novel": {"captions": 2, "parts": 2, "longest part": 3.5, "times": 1.5},
    }
    copied = novelty([text.judge("the dog")])
    assert copied.figures["copied"] == Figure(100, 100, 100)
    assert copied.parts["novel"].counts == {"captions": 0}
    assert copied.parts["novel"].figures == dict.fromkeys(("parts", "longest part", "times"), Figure(None))
    with pytest.raises(ValueError, match="no captions"):
        novelty([])


def test_thirty_thousand_sentences_take_seconds(flickr8k_dir: Path) -> None:
    data = load(flickr8k_dir)
    training = [s for example in data.split("train") for s in example.sentences]
    start = time.perf_counter()
    text = TrainingText.of(training)
    assert all(text.judge(sentence).copied for sentence in training[:500])
    judged = [text.judge(example.sentences[0]) for example in data.split("test")]
    assert time.perf_counter() - start < 10
    assert sum(caption.copied for caption in judged) < 50
