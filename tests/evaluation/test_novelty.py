import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvsa.data import load
from dvsa.evaluation.novelty import Corpus, Part, summary
from dvsa.metrics.figures import Figure

TRAINING = ["A dog runs .", "a dog runs in the snow", "A man sits in the snow", "the dog"]

texts = st.lists(st.sampled_from("abc"), max_size=6).map(" ".join)


def times(tokens: tuple[str, ...], sentences: list[str]) -> int:
    """How often the tokens stand in the sentences, by looking everywhere."""
    split = [tuple(sentence.split()) for sentence in sentences]
    return sum(s[n : n + len(tokens)] == tokens for s in split for n in range(len(s)))


def fewest_parts(tokens: tuple[str, ...], sentences: list[str]) -> int:
    """The least number of parts, over all ways to cut; a single word is always a part."""
    if not tokens:
        return 0
    return 1 + min(
        fewest_parts(tokens[n:], sentences)
        for n in range(1, len(tokens) + 1)
        if n == 1 or times(tokens[:n], sentences)
    )


@given(st.lists(texts, max_size=6), st.lists(st.sampled_from("abcd"), max_size=7))
def test_parts_are_the_fewest_and_counted_right(sentences: list[str], caption: list[str]) -> None:
    judged = Corpus.of(sentences).judge(" ".join(caption))
    assert [word for part in judged.parts for word in part.words] == caption
    assert len(judged.parts) == fewest_parts(tuple(caption), sentences)
    assert [part.times for part in judged.parts] == [times(part.words, sentences) for part in judged.parts]
    assert judged.copied == (" ".join(caption) in sentences)


def test_parts_by_hand() -> None:
    corpus = Corpus.of(TRAINING)
    judged = corpus.judge("a man sits in the dog house")
    assert judged.parts == (
        Part(("a", "man", "sits", "in", "the"), 1),
        Part(("dog",), 3),
        Part(("house",), 0),
    )
    assert not judged.copied
    assert judged.longest == judged.parts[0]
    # One part, but not a sentence; and a sentence, whatever its case and marks.
    assert (corpus.judge("in the snow").parts, corpus.judge("in the snow").copied) == (
        (Part(("in", "the", "snow"), 2),),
        False,
    )
    assert corpus.judge("A dog, runs!").copied
    # Parts do not reach from one sentence into the next.
    assert len(corpus.judge("runs a dog").parts) == 2
    assert corpus.judge("").longest == Part((), 0)


def test_summary() -> None:
    corpus = Corpus.of(TRAINING)
    captions = ["the dog", "a dog sits", "a dog runs in the man", "a dog runs"]
    report = json.loads(json.dumps(summary([corpus.judge(caption) for caption in captions]).to_json()))
    low, high = report.pop("ci95")["copied"]
    assert low < 50 < high
    assert report == {
        "copied": 50,
        "captions": 4,
        "novel": {"captions": 2, "parts": 2, "longest part": 3.5, "times": 1.5},
    }
    copied = summary([corpus.judge("the dog")])
    assert copied.figures["copied"] == Figure(100, 100, 100)
    assert copied.parts["novel"].counts == {"captions": 0}
    assert copied.parts["novel"].figures == dict.fromkeys(("parts", "longest part", "times"), Figure(None))
    with pytest.raises(ValueError, match="no captions"):
        summary([])


def test_thirty_thousand_sentences_take_seconds(flickr8k_dir: Path) -> None:
    data = load(flickr8k_dir)
    training = [s for example in data.split("train") for s in example.sentences]
    start = time.perf_counter()
    corpus = Corpus.of(training)
    assert all(corpus.judge(sentence).copied for sentence in training[:500])
    judged = [corpus.judge(example.sentences[0]) for example in data.split("test")]
    assert time.perf_counter() - start < 10
    assert sum(caption.copied for caption in judged) < 50
