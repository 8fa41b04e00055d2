"""Measures of the wild set, compared with plain definitions."""

import doctest
import math
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dvsa.text import FUNCTION_WORDS

Script = Callable[[str], ModuleType]

quiet = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])

SENTENCES = st.lists(st.sampled_from(["a", "dog", "cat", "runs", "on", "grass"]), max_size=6)


def test_the_examples_run(script: Script) -> None:
    found = doctest.testmod(script("wild_measures"))
    assert found.attempted > 10
    assert not found.failed


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("a black and white dog is sitting", "a black and white dog"),
        ("two men in hats", "two men"),
        ("a woman wearing a hat", "a woman"),
        ("a cup of coffee on a table", "a cup of coffee"),
        ("a dog runs through the grass", "a dog"),
        ("a bird flies over water", "a bird"),
        ("children play", "children"),
        ("a tall building is in the background", "a tall building"),
        ("a bridge across a river", "a bridge"),
        ("a sleeping dog", "a sleeping dog"),
        ("two dogs sleeping", "two dogs"),
        ("a ring", "a ring"),
        ("", ""),
    ],
)
def test_the_subject_ends_before_the_verb(script: Script, caption: str, expected: str) -> None:
    assert script("wild_measures").subject(caption.split()) == expected.split()


@quiet
@given(SENTENCES, st.lists(SENTENCES.map(" ".join), max_size=3))
def test_a_sentence_has_a_name_if_its_words_follow_each_other(
    script: Script, sentence: list[str], names: list[str]
) -> None:
    module = script("wild_measures")

    def text(words: list[str]) -> str:
        return " " + "".join(f"{module.singular(word)} " for word in words)

    expected = any(name and text(name.split()) in text(sentence) for name in names)
    assert module.has(sentence, names) == expected


@quiet
@given(st.lists(SENTENCES, min_size=1, max_size=30), SENTENCES)
def test_faults_are_those_of_the_definition(
    script: Script, sentences: list[list[str]], caption: list[str]
) -> None:
    module = script("wild_measures")
    faults = module.Language.learn(sentences).faults(caption)

    def ends(word: str) -> bool:
        times = sum(sentence.count(word) for sentence in sentences)
        last = sum(sentence[-1:] == [word] for sentence in sentences)
        return bool(times < module.KNOWN or last >= module.ENDS * times)

    spoken = [" ".join(["", *sentence, ""]) for sentence in sentences]
    content = [word for word in caption if word not in FUNCTION_WORDS]
    neighbours = [(caption[n], caption[n + 1]) for n in range(len(caption) - 1)]
    assert ("bad ending" in faults) == (not caption or not ends(caption[-1]))
    assert ("repeated word" in faults) == (
        any(content.count(word) > 1 for word in content) or any(a == b for a, b in neighbours)
    )
    assert ("unseen pair" in faults) == any(
        not any(f" {a} {b} " in text for text in spoken) for a, b in neighbours
    )


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("a group of children are playing with a colorful", ["bad ending"]),
        ("a red is is climbing", ["repeated word", "unseen pair"]),
        ("a man is riding a bull in a bull", ["repeated word"]),
        ("a man is playing", []),
    ],
)
def test_captions_that_are_no_english(script: Script, caption: str, expected: list[str]) -> None:
    people = [
        "a group of children are playing with a colorful ball",
        "a red man is climbing",
        "a man is riding a bull in a ring",
        "a man is playing",
        "a man has a bull",
        "a red is what he is is climbing",
    ] * 20
    read = [sentence.replace("is is", "is").split() for sentence in people]
    assert script("wild_measures").Language.learn(read).faults(caption.split()) == expected


@quiet
@given(st.lists(st.tuples(st.integers(0, 4) | st.just(math.nan), st.booleans()), min_size=1, max_size=9))
def test_the_first_right_answer(script: Script, answers: list[tuple[float, bool]]) -> None:
    module = script("wild_measures")
    score_N, right = np.array([score for score, _ in answers], dtype=np.float64), [r for _, r in answers]
    place = module.first_right(score_N, right)

    # The answers in order: the best first, of equal ones the wrong ones first, those without a score last.
    order = sorted(answers, key=lambda one: (math.isnan(one[0]), -np.nan_to_num(one[0]), one[1]))
    places = [n for n, (score, is_right) in enumerate(order, 1) if is_right and not math.isnan(score)]
    if not any(right):
        assert math.isnan(place)
    else:
        assert place == (places[0] if places else math.inf)
        for top in (1, 3):
            assert module.within(place, top) == (bool(places) and places[0] <= top)
