"""What is proposed for words that the model does not know."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dvsa
from dvsa.spelling import nearest, nearest_of
from dvsa.text import FUNCTION_WORDS, Vocabulary


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return dvsa.load().bundle.vocabulary


@pytest.mark.parametrize(
    ("word", "expected"),
    [("bottlecap", ("bottle", "cap")), ("spaceship", ("space", "ship")), ("dogboat", ("dog", "boat"))],
)
def test_a_compound_gives_its_parts(word: str, expected: tuple[str, ...], vocabulary: Vocabulary) -> None:
    assert nearest(word, vocabulary) == expected


@pytest.mark.parametrize("word", ["snowboarding", "helicopter", "bicycle", "dogs", "woman", "mountain"])
def test_one_typing_error_is_found(word: str, vocabulary: Vocabulary) -> None:
    for at in range(1, len(word) - 1):
        swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        for wrong in (word[:at] + word[at + 1 :], word[:at] + "q" + word[at:], swapped):
            if wrong not in vocabulary and len(wrong) > 4:
                assert word in nearest(wrong, vocabulary), wrong


@given(st.lists(st.sampled_from(["dog", "cat", "bottle", "cap"]), min_size=2, max_size=4))
def test_parts_make_up_the_word(parts: list[str]) -> None:
    small = Vocabulary(("dog", "cat", "bottle", "cap"), (9, 8, 7, 6), 9)
    assert nearest("".join(parts), small) == tuple(parts)


@given(st.text(max_size=60))
def test_only_known_content_words_are_proposed(word: str) -> None:
    small = Vocabulary(("the", "dog", "with", "cap"), (9, 8, 7, 6), 9)
    found = nearest(word, small)
    assert set(found) <= {"dog", "cap"} - FUNCTION_WORDS
    assert nearest_of([word, "dog"], small) == ({} if word in small else {word: found})


def test_many_long_unknown_words_cost_little(vocabulary: Vocabulary) -> None:
    began = time.perf_counter()
    found = nearest_of([f"xq{n}zy" * (n % 50 + 1) for n in range(500)], vocabulary)
    assert len(found) == 500
    assert time.perf_counter() - began < 5
