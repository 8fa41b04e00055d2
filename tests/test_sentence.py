"""A sentence that a model has read, and how strictly each question takes it."""

from pathlib import Path

import numpy as np
import pytest

import dvsa
from dvsa.index import Query
from dvsa.model import Model, View
from dvsa.sentence import MAX_WORDS, Sentence

PHOTOGRAPH = Path(__file__).parents[1] / "examples" / "photographer.jpg"


@pytest.fixture(scope="module")
def view() -> View:
    return dvsa.load(threads=1).open(PHOTOGRAPH)


@pytest.fixture(scope="module")
def model(view: View) -> Model:
    return view.model


def test_a_sentence_has_its_words_and_the_vectors_of_the_known_ones(model: Model) -> None:
    sentence = model.read("A Zyzzyva's dog, on a log.")
    assert sentence.text == "A Zyzzyva's dog, on a log."
    assert sentence.words == ("a", "zyzzyvas", "dog", "on", "a", "log")
    assert sentence.known_T.tolist() == [True, False, True, True, True, True]

    (s_TD,), _ = model.word_vectors([["a", "dog", "on", "a", "log"]])
    assert np.array_equal(sentence.s_ND, s_TD)
    assert np.array_equal(sentence.s_TD[sentence.known_T], s_TD)
    assert not sentence.s_TD[1].any()


def test_sentences_of_a_batch_are_read_as_one_by_one(model: Model) -> None:
    texts = ["a dog", "", "two children play in the snow", "zyzzyva", "a man"]
    for text, sentence in zip(texts, model.read_many(texts), strict=True):
        assert (sentence.text, " ".join(sentence.words)) == (text, text)
        assert len(sentence.s_ND) == sentence.known_T.sum()
        if sentence.words:
            np.testing.assert_allclose(sentence.s_ND, model.read(text).s_ND, atol=1e-5)
    assert model.read_many([]) == []
    assert [sentence.s_TD.shape for sentence in model.read_many(["", "..."])] == [(0, 256)] * 2


@pytest.mark.parametrize("text", ["", " ... "])
def test_a_sentence_without_words_is_refused_but_scores_0(view: View, model: Model, text: str) -> None:
    for question in (model.read, view.align, view.locate, lambda text: Query.of_sentence(model, text)):
        with pytest.raises(ValueError, match=f"the sentence '{text}' has no words: give at least one"):
            question(text)
    assert view.score(text) == 0


def test_a_sentence_that_is_too_long_is_refused(view: View, model: Model) -> None:
    assert len(model.read("dog " * MAX_WORDS).words) == MAX_WORDS
    for question in (model.read, view.align, lambda text: Query.of_sentence(model, text)):
        with pytest.raises(ValueError, match="the sentence has 501 words: give at most 500"):
            question("dog " * 501)


def test_a_sentence_without_known_words_is_aligned_but_not_searched_for(view: View, model: Model) -> None:
    alignment = view.align("zyzzyva qwxz")
    assert (alignment.score, alignment.segments, view.score("zyzzyva qwxz")) == (0, (), 0)
    assert [word.region for word in alignment.words] == [None, None]
    with pytest.raises(ValueError, match="the model knows no word of 'zyzzyva qwxz': use other words"):
        Query.of_sentence(model, "zyzzyva qwxz")


def test_a_view_takes_a_sentence_that_was_read_before(view: View, model: Model) -> None:
    text = "a man with a zyzzyva looks through a camera"
    sentence = model.read(text)
    assert isinstance(sentence, Sentence)
    assert view.align(sentence, 0.3) == view.align(text, 0.3)
    assert view.locate(sentence, 7, 8) == view.locate(text, 7, 8)
    assert view.score(sentence) == view.score(text)
