"""The rules of fluency against literal loops over the sentences, and searches with any network."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvsa import beam, fluency
from dvsa.arrays import FloatArray, IntArray
from dvsa.fluency import OFTEN, Fluency
from dvsa.text import END, FUNCTION_WORDS, START, START_PHRASE, Vocabulary

WORDS = ("a", "in", "dog", "red", "big", "sees")
"""Two function words, the most frequent word first, and content words."""
VOCABULARY = Vocabulary(WORDS, (9, 8, 7, 6, 5, 4), 9)
SENTENCES = st.lists(st.lists(st.sampled_from([*WORDS, "unknown"]), max_size=5), max_size=12)


@dataclass
class Literal:
    """The rules, read from the sentences again for every question; START is "", and END is "."."""

    sentences: Sequence[Sequence[str]]
    phrase: bool

    def times(self, *wanted: str) -> int:
        """How often people have written these words one after the other."""
        rows = [["", *s, "."] for s in self.sentences]
        return sum(tuple(row[n : n + len(wanted)]) == wanted for row in rows for n in range(len(row)))

    def pair(self, first: str, second: str) -> bool:
        if first == "" and self.phrase:
            return self.times(second) > 0
        return first != second and self.times(first, second) > 0

    def ends(self, said: Sequence[str]) -> bool:
        if self.phrase and len(said) == 1:
            return self.times(said[0], ".") > 0 and self.times(said[0], ".") >= OFTEN * self.times(said[0])
        return bool(said) and self.times(*["", *said][-2:], ".") > 0

    def can_end(self, said: Sequence[str], left: int) -> bool:
        """Whether pairs lead to an end in at most `left` more words."""
        more = (word for word in WORDS if left and self.pair(said[-1], word))
        return self.ends(said) or any(self.can_end([*said, word], left - 1) for word in more)

    def allowed(self, said: Sequence[str], left: int) -> set[str]:
        """What may follow if a caption may have `left` more words."""
        last = ["", *said][-1]
        possible = {w for w in WORDS if left and self.pair(last, w) and self.can_end([*said, w], left - 1)}
        possible |= {"."} if self.ends(said) else set()
        once = {word for word in possible if word in FUNCTION_WORDS or word not in said} or possible
        if not said or fluency.RICH or (self.phrase and len(said) == 1):
            return once
        written = {word for word in once - {"."} if self.times(*["", *said][-2:], word)}
        return written | (once & {"."}) if written else once


def follow(rules: Fluency, said: Sequence[int], max_len: int) -> set[str]:
    """The words that may follow; END is "."."""
    tokens = np.flatnonzero(rules.allowed(np.array([said]), max_len)[0]).tolist()
    return {".", *VOCABULARY.decode(tokens[1:])} if tokens[:1] == [END] else {*VOCABULARY.decode(tokens)}


@given(SENTENCES, st.booleans(), st.sampled_from([0, 10_000]), st.integers(1, 4), st.randoms())
def test_what_may_follow_is_what_the_rules_say(
    sentences: list[list[str]], phrase: bool, rich: int, max_len: int, random: Random
) -> None:
    rules, literal, said = Fluency.learn(sentences, VOCABULARY), Literal(sentences, phrase), list[str]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fluency, "RICH", rich)
        while len(said) < max_len:
            tokens = [START_PHRASE if phrase else START, *VOCABULARY.encode(said)]
            found = follow(rules, tokens, max_len)
            assert found == literal.allowed(said, max_len - len(said))
            if not found - {"."}:
                break
            said.append(random.choice(sorted(found - {"."})))


@given(SENTENCES, st.integers(0, 2**32), st.integers(1, 3), st.booleans())
def test_a_caption_of_any_network_ends_well_and_has_only_written_pairs(
    sentences: list[list[str]], seed: int, width: int, phrase: bool
) -> None:
    rules, literal = Fluency.learn(sentences, VOCABULARY), Literal(sentences, phrase)
    start, max_len, rng = START_PHRASE if phrase else START, 6, np.random.default_rng(seed)
    if not follow(rules, [start], max_len):
        return
    table_VV = np.log(rng.dirichlet(np.full(len(VOCABULARY), 0.2), size=len(VOCABULARY)) + 1e-12)

    def step(token_B: IntArray, state: beam.State) -> tuple[FloatArray, beam.State]:
        said_BT = np.column_stack([state[0], token_B])
        return np.where(rules.allowed(said_BT, max_len), table_VV[token_B], -np.inf), (said_BT,)

    nothing = (np.zeros((1, 0), np.int64),)
    (found,) = beam.beam_search(step, nothing, start=start, end=END, width=width, max_len=max_len)
    found += beam.sample(step, nothing, start=start, end=END, max_len=max_len, rng=rng)
    for hypothesis in found:
        said = VOCABULARY.decode(hypothesis.tokens)
        assert literal.ends(said)
        assert all(literal.pair(*pair) for pair in pairwise(["", *said]))


def test_large_corpora_ask_for_more_than_one_writer() -> None:
    sentences = [["a", "dog"]] * fluency.FEW + [["a", "red", "dog"]]
    rules = Fluency.learn(sentences, VOCABULARY)
    assert follow(rules, [START, 3], 9) == {"dog"}
    rules = Fluency.learn([*sentences, ["a", "red", "dog"]], VOCABULARY)
    assert follow(rules, [START, 3], 9) == {"dog", "red"}


@given(SENTENCES, SENTENCES)
def test_joined_rules_have_the_pairs_and_triples_of_both(
    ones: list[list[str]], others: list[list[str]]
) -> None:
    """The vocabularies differ: "sees" is new, and other words have other tokens."""
    other = Vocabulary(("in", "a", "dog", "red", "big"), (9, 8, 7, 6, 5), 9)
    joined = Fluency.learn(ones, VOCABULARY).joined(Fluency.learn(others, other), VOCABULARY, other)
    known = [["unknown" if word == "sees" else word for word in s] for s in others]
    assert triples_of(joined) == triples_of(Fluency.learn(ones, VOCABULARY)) | triples_of(
        Fluency.learn(known, VOCABULARY)
    )
    both = (Fluency.learn(ones, VOCABULARY).code_N, Fluency.learn(known, VOCABULARY).code_N)
    np.testing.assert_array_equal(joined.code_N, np.union1d(*both))


def triples_of(rules: Fluency) -> set[tuple[int, int]]:
    """The triples: the code of the pair, and the last token."""
    V = len(rules.content_V)
    return {(int(rules.code_N[triple // V]), int(triple % V)) for triple in rules.triple_R}


def test_other_languages_may_repeat_their_words() -> None:
    vocabulary = Vocabulary(("ein", "mit", "Hund", "Mann"), (3, 2, 1, 1), 1)
    rules = Fluency.learn([["ein", "Hund", "mit", "ein", "Mann"], ["ein", "Hund"]], vocabulary)
    said = [START, *vocabulary.encode(["ein", "Hund", "mit", "ein"])]
    tokens = np.flatnonzero(rules.allowed(np.array([said]), 25)[0]).tolist()
    assert vocabulary.decode(tokens) == ["Hund", "Mann"]


def test_without_sentences_nothing_can_be_said() -> None:
    assert not Fluency.learn([], VOCABULARY).usable
    assert not Fluency.learn([[], []], VOCABULARY).usable


def test_of_a_and_an_the_usual_one_may_come_before_a_word() -> None:
    vocabulary = Vocabulary(("a", "an", "owl", "dog", "hotel"), (9, 8, 7, 6, 5), 9)
    sentences = [["a", "owl"], ["an", "owl"], ["an", "owl"], ["an", "dog"], ["a", "dog"], ["a", "dog"]]
    sentences += [["a", "hotel"], ["an", "hotel"]]
    rules = Fluency.learn(sentences, vocabulary)
    after = {}
    for article in ("a", "an"):
        tokens = np.flatnonzero(rules.allowed(np.array([[START, *vocabulary.encode([article])]]), 9)[0])
        after[article] = {*vocabulary.decode(tokens.tolist())}
    assert after == {"a": {"dog", "hotel"}, "an": {"owl", "hotel"}}
