"""The rules of fluency against literal loops over the sentences, and searches with any network."""

import itertools
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvsa import beam, fluency
from dvsa.arrays import FloatArray, IntArray
from dvsa.fluency import Fluency
from dvsa.text import END, FUNCTION_WORDS, START, START_PHRASE, Vocabulary

WORDS = ("a", "in", "dog", "red", "big", "sees")
"""Two function words, the most frequent word first, and content words."""
VOCABULARY = Vocabulary(WORDS, (9, 8, 7, 6, 5, 4), 9)
SENTENCES = st.lists(st.lists(st.sampled_from([*WORDS, "unknown"]), max_size=5), max_size=12)
MAX_LEN = 6


def written(sentences: Sequence[Sequence[str]]) -> tuple[Counter[tuple[str, ...]], Counter[tuple[str, ...]]]:
    """How often people wrote each pair, START as "", and how often they ended with it."""
    pairs = Counter(pair for s in sentences for pair in pairwise(["", *s]))
    return pairs, Counter((["", *s][-2], s[-1]) for s in sentences if s)


def reads_well(
    said: Sequence[str], sentences: Sequence[Sequence[str]], *, phrase: bool = False, seen: int = 1
) -> bool:
    """Whether a whole caption keeps the rules, apart from the way to an end."""
    pairs, ends = written(sentences)
    last = Counter(s[-1] for s in sentences if s)
    occurs = Counter(word for s in sentences for word in s)
    if not said:
        return False
    if phrase and len(said) == 1:
        word = said[0]
        return last[word] >= seen and last[word] >= fluency.OFTEN * occurs[word]
    content = [word for word in said if word not in FUNCTION_WORDS]
    return (
        ends["" if len(said) == 1 else said[-2], said[-1]] >= seen
        and all(a != b and pairs[a, b] >= seen for a, b in pairwise(said))
        and (occurs[said[0]] >= seen if phrase else pairs["", said[0]] >= seen)
        and len(content) == len({*content})
    )


def follow(rules: Fluency, said: Sequence[int], max_len: int = MAX_LEN) -> list[int]:
    """The tokens that may follow."""
    return np.flatnonzero(rules.allowed(np.array([said]), max_len)[0]).tolist()


def walk(rules: Fluency, start: int, max_len: int = MAX_LEN) -> list[tuple[int, ...]]:
    """Every caption that the rules allow, and every one that they leave without a next word."""
    found, open_ = [], [(start,)]
    while open_:
        said = open_.pop()
        tokens = follow(rules, said, max_len) if len(said) <= max_len else []
        found += [said[1:]] if END in tokens or not tokens else []
        open_ += [(*said, token) for token in tokens if token != END]
    return found


@given(SENTENCES, st.sampled_from([START, START_PHRASE]))
def test_every_caption_that_the_rules_allow_reads_well(sentences: list[list[str]], start: int) -> None:
    rules = Fluency.learn(sentences, VOCABULARY)
    for tokens in walk(rules, start) if follow(rules, [start]) else []:
        assert reads_well(VOCABULARY.decode(tokens), sentences, phrase=start == START_PHRASE)


@given(SENTENCES)
def test_what_reads_well_is_allowed_if_its_words_leave_many_ways(sentences: list[list[str]]) -> None:
    """With content words that may end a sentence after everything, only the rules themselves forbid."""
    known = [s for s in sentences if "unknown" not in s]
    many = [f"end{n}" for n in range(MAX_LEN + 1)]
    vocabulary = Vocabulary((*WORDS, *many), (9, 8, 7, 6, 5, 4, *[1] * len(many)), 9)
    known += [[*before, end] for before in ([], *([word] for word in WORDS)) for end in many]
    rules = Fluency.learn(known, vocabulary)
    for length in (1, 2, 3):
        for said in itertools.product(WORDS, repeat=length):
            tokens = [START, *vocabulary.encode(said), END]
            steps = range(1, len(tokens))
            allowed = all(tokens[n] in follow(rules, tokens[:n], max_len=25) for n in steps)
            assert allowed == reads_well(said, known)


@given(SENTENCES, st.integers(0, 2**32), st.integers(1, 3), st.sampled_from([START, START_PHRASE]))
def test_a_caption_of_any_network_reads_well(
    sentences: list[list[str]], seed: int, width: int, start: int
) -> None:
    rules = Fluency.learn(sentences, VOCABULARY)
    if not follow(rules, [start]):
        return
    rng = np.random.default_rng(seed)
    table_VV = np.log(rng.dirichlet(np.full(len(VOCABULARY), 0.2), size=len(VOCABULARY)) + 1e-12)

    def step(token_B: IntArray, state: beam.State) -> tuple[FloatArray, beam.State]:
        said_BT = np.column_stack([state[0], token_B])
        return np.where(rules.allowed(said_BT, MAX_LEN), table_VV[token_B], -np.inf), (said_BT,)

    nothing = (np.zeros((1, 0), np.int64),)
    (found,) = beam.beam_search(step, nothing, start=start, end=END, width=width, max_len=MAX_LEN)
    found += beam.sample(step, nothing, start=start, end=END, max_len=MAX_LEN, rng=rng)
    for hypothesis in found:
        if hypothesis.finished or len(hypothesis.tokens) == MAX_LEN:
            assert reads_well(VOCABULARY.decode(hypothesis.tokens), sentences, phrase=start == START_PHRASE)
