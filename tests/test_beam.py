import math
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvsa.arrays import FloatArray, IntArray
from dvsa.beam import Hypothesis, State, Step, beam_search, greedy, sample

END, START = 0, 1


def markov(table_VV: FloatArray) -> Step:
    """A step that looks at the last two tokens, one kept in its state: row `(2 * before + last) % V`."""

    def step(token_B: IntArray, state: State) -> tuple[FloatArray, State]:
        (before_B,) = state
        row_B = (2 * before_B.astype(np.int64) + token_B) % len(table_VV)
        return table_VV[row_B], (token_B,)

    return step


@st.composite
def tables(draw: st.DrawFn, ties: bool = False) -> FloatArray:
    """Log-probabilities of 2 to 4 tokens; with `ties`, of few different values."""
    V = draw(st.integers(2, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    p_VV = rng.integers(1, 3, (V, V)).astype(float) if ties else rng.dirichlet(np.ones(V), size=V)
    logp_VV: FloatArray = np.log(p_VV / p_VV.sum(axis=1, keepdims=True))
    return logp_VV.astype(np.float32) if draw(st.booleans()) else logp_VV


def items(*before: int) -> State:
    return (np.array(before),)


def all_hypotheses(table_VV: FloatArray, before: int, max_len: int, min_len: int = 0) -> list[Hypothesis]:
    """Every sequence that ends at END, from `min_len` on, or at `max_len`, by enumeration of all strings."""
    found = set()
    for string in product(range(len(table_VV)), repeat=max_len):
        steps = string[: string.index(END) + 1] if END in string else string
        if END in steps[:min_len]:
            continue
        seen = (before, START, *steps)
        rows = [(2 * a + b) % len(table_VV) for a, b in pairwise(seen)]
        logps = tuple(float(table_VV[row, token]) for row, token in zip(rows, steps, strict=False))
        found.add(Hypothesis(tuple(token for token in steps if token != END), logps))
    return list(found)


def ranking(hypothesis: Hypothesis, length_power: float) -> float:
    return hypothesis.logp / math.pow(len(hypothesis.logps), length_power)


@given(tables(), st.integers(1, 3), st.integers(0, 4), st.integers(0, 3), st.sampled_from([0.0, 0.7, 1.0]))
def test_a_wide_beam_is_exhaustive(
    table_VV: FloatArray, max_len: int, min_len: int, before: int, power: float
) -> None:
    width = len(table_VV) ** max_len
    (found,) = beam_search(
        markov(table_VV),
        items(before),
        start=START,
        end=END,
        width=width,
        max_len=max_len,
        min_len=min_len,
        length_power=power,
    )

    expected = all_hypotheses(table_VV, before, max_len, min_len)
    assert set(found) == set(expected)
    assert len(found) == len(expected)
    marks = [ranking(hypothesis, power) for hypothesis in found]
    assert marks == pytest.approx(sorted((ranking(h, power) for h in expected), reverse=True))
    assert all(h.finished == (len(h.tokens) < max_len) for h in found)


def beam_by_hand(
    table_VV: FloatArray, before: int, width: int, max_len: int, min_len: int, power: float
) -> list[Hypothesis]:
    """The rule of `beam_search` in literal loops, for one item."""
    beam = [Hypothesis((), ())]
    for _ in range(max_len):
        grown = []
        for h in beam:
            if h.finished:
                grown.append(h)
                continue
            seen = (before, START, *h.tokens)
            for token, logp in enumerate(table_VV[(2 * seen[-2] + seen[-1]) % len(table_VV)]):
                if token == END and len(h.tokens) < min_len:
                    continue
                grown.append(Hypothesis(h.tokens + (token,) * (token != END), (*h.logps, float(logp))))
        beam = sorted(grown, key=lambda h: -ranking(h, power))[:width]
    return beam


@given(
    st.booleans().flatmap(tables),
    st.integers(1, 6),
    st.integers(1, 7),
    st.integers(0, 3),
    st.sampled_from([0.0, 0.7, 2.0]),
)
def test_beam_search_follows_its_rule(
    table_VV: FloatArray, width: int, max_len: int, min_len: int, power: float
) -> None:
    (found,) = beam_search(
        markov(table_VV), items(2), start=START, end=END, width=width, max_len=max_len, min_len=min_len,
        length_power=power,
    )  # fmt: skip
    assert found == beam_by_hand(table_VV, 2, width, max_len, min_len, power)


@given(st.booleans().flatmap(tables), st.integers(1, 7), st.integers(0, 3))
def test_width_1_is_greedy(table_VV: FloatArray, max_len: int, min_len: int) -> None:
    step, state = markov(table_VV), items(0, 1, 2)
    beams = beam_search(step, state, start=START, end=END, width=1, max_len=max_len, min_len=min_len)
    found = greedy(step, state, start=START, end=END, max_len=max_len, min_len=min_len)
    assert [beam[0] for beam in beams] == found


@given(tables(), st.integers(0, 4), st.integers(0, 99))
def test_no_sequence_ends_before_its_minimum_length(table_VV: FloatArray, min_len: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    drawn = sample(
        markov(table_VV), items(*[2] * 20), start=START, end=END, max_len=6, min_len=min_len, rng=rng
    )
    assert all(len(h.tokens) >= min_len for h in drawn)


@given(st.booleans().flatmap(tables), st.integers(1, 7))
def test_greedy_takes_the_first_of_the_most_likely_tokens(table_VV: FloatArray, max_len: int) -> None:
    said, logps, seen = [], [], [2, START]
    for _ in range(max_len):
        row = table_VV[(2 * seen[-2] + seen[-1]) % len(table_VV)].tolist()
        token = row.index(max(row))
        logps.append(row[token])
        if token == END:
            break
        said.append(token)
        seen.append(token)
    found = greedy(markov(table_VV), items(2), start=START, end=END, max_len=max_len)
    assert found == [Hypothesis(tuple(said), tuple(logps))]


@given(tables(), st.lists(st.integers(0, 3), max_size=5), st.integers(1, 4), st.sampled_from([0.0, 1.0]))
def test_many_items_are_as_many_searches(
    table_VV: FloatArray, before: list[int], width: int, power: float
) -> None:
    def search(*items_before: int) -> list[list[Hypothesis]]:
        state = (np.array(items_before, dtype=np.int64),)
        return beam_search(
            markov(table_VV), state, start=START, end=END, width=width, max_len=6, length_power=power
        )

    assert search(*before) == [search(item)[0] for item in before]
    step, state = markov(table_VV), (np.array(before, dtype=np.int64),)
    singles = [greedy(step, items(item), start=START, end=END, max_len=6)[0] for item in before]
    assert greedy(step, state, start=START, end=END, max_len=6) == singles


def test_a_large_vocabulary_agrees_with_the_loops() -> None:
    """Groups of tokens, the shortcut to the best ones, are used only if V is above 32 * width."""
    table_VV = np.log(np.random.default_rng(0).dirichlet(np.full(301, 0.3), size=301) + 1e-9)
    (found,) = beam_search(markov(table_VV), items(7), start=START, end=END, width=4, max_len=8)
    assert found == beam_by_hand(table_VV, 7, 4, 8, 0, 0.0)


def test_every_array_of_the_state_follows_its_hypothesis() -> None:
    """The state is the whole history, and the next token depends on all of it."""

    def logp_V(history: list[int]) -> FloatArray:
        return np.log(np.random.default_rng(history).dirichlet(np.ones(5)))

    def step(token_B: IntArray, state: State) -> tuple[FloatArray, State]:
        item_B, history_BT = state
        history_BT = np.column_stack([history_BT, token_B])
        logp_BV = [logp_V([int(item), *history]) for item, history in zip(item_B, history_BT, strict=True)]
        return np.array(logp_BV), (item_B, history_BT)

    state = (np.arange(3), np.zeros((3, 0), dtype=np.int64))
    for item, beam in enumerate(beam_search(step, state, start=START, end=END, width=4, max_len=6)):
        for h in beam:
            said = h.tokens + (END,) * h.finished
            seen = [[item, START, *said[:t]] for t in range(len(said))]
            assert h.logps == tuple(logp_V(history)[token] for history, token in zip(seen, said, strict=True))


@given(tables(), st.integers(0, 2**32))
def test_banned_tokens_are_never_chosen_and_others_keep_their_probability(
    table_VV: FloatArray, seed: int
) -> None:
    step, banned = markov(table_VV), [len(table_VV) - 1]
    (beam,) = beam_search(step, items(0), start=START, end=END, width=99, max_len=3, banned=banned)
    allowed = [h for h in all_hypotheses(table_VV, 0, 3) if banned[0] not in h.tokens]
    assert set(beam) == set(allowed)
    rng = np.random.default_rng(seed)
    assert sample(step, items(0), start=START, end=END, max_len=3, banned=banned, rng=rng)[0] in allowed
    assert greedy(step, items(0), start=START, end=END, max_len=3, banned=banned)[0] in allowed


def test_banning_tokens_does_not_change_the_array_of_the_step() -> None:
    logp_BV = np.log([[0.25, 0.25, 0.5]])
    before_BV = logp_BV.copy()
    found = greedy(lambda _, state: (logp_BV, state), items(0), start=START, end=END, max_len=2, banned=[2])
    assert found == [Hypothesis((), (math.log(0.25),))]
    np.testing.assert_array_equal(logp_BV, before_BV)


@pytest.mark.parametrize(
    ("temperature", "top_p"), [(1.0, 1.0), (0.5, 1.0), (2.0, 1.0), (1.0, 0.7), (2.0, 0.5)]
)
def test_samples_have_the_tempered_and_cut_probabilities(temperature: float, top_p: float) -> None:
    p = np.array([0.1, 0.35, 0.25, 0.3])
    tempered = p ** (1 / temperature) / (p ** (1 / temperature)).sum()
    kept, held = [], 0.0
    for token in sorted(range(4), key=lambda token: -tempered[token]):
        if held < top_p:
            kept.append(token)
            held += tempered[token]
    expected = [tempered[token] / held if token in kept else 0 for token in range(4)]

    found = sample(
        lambda token_B, state: (np.tile(np.log(p), (len(token_B), 1)), state),
        (np.zeros(20_000),),
        start=START,
        end=END,
        max_len=1,
        temperature=temperature,
        top_p=top_p,
        rng=np.random.default_rng(0),
    )
    said = [h.tokens[0] if h.tokens else END for h in found]
    assert np.bincount(said, minlength=4) / len(said) == pytest.approx(expected, abs=0.015)
    assert all(h.logps == (math.log(p[token]),) for h, token in zip(found, said, strict=True))


@given(tables(), st.integers(0, 2**32))
def test_samples_carry_the_models_own_log_probabilities(table_VV: FloatArray, seed: int) -> None:
    found = sample(
        markov(table_VV),
        items(0, 1, 2),
        start=START,
        end=END,
        max_len=4,
        temperature=3.0,
        rng=np.random.default_rng(seed),
    )
    for before, hypothesis in enumerate(found):
        assert hypothesis in all_hypotheses(table_VV, before, 4)


@given(tables())
def test_a_cold_or_narrow_sample_is_greedy(table_VV: FloatArray) -> None:
    step, state = markov(table_VV), items(0, 1, 2)
    expected = greedy(step, state, start=START, end=END, max_len=5)
    rng = np.random.default_rng(0)
    assert sample(step, state, start=START, end=END, max_len=5, top_p=1e-9, rng=rng) == expected
    assert sample(step, state, start=START, end=END, max_len=5, temperature=1e-9, rng=rng) == expected


def test_the_search_stops_when_all_are_finished() -> None:
    calls = []

    def step(token_B: IntArray, state: State) -> tuple[FloatArray, State]:
        calls.append(len(token_B))
        return np.log(np.tile([0.5, 0.3, 0.2], (len(token_B), 1))), state

    (beam,) = beam_search(step, items(0), start=START, end=END, width=2, max_len=50)
    assert calls == [1, 1]
    assert [h.tokens for h in beam] == [(), (1,)]
    calls.clear()
    greedy(step, items(0), start=START, end=END, max_len=50)
    assert calls == [1]


@pytest.mark.parametrize("row", [[math.nan, -1.0], [-math.inf, -math.inf], [math.inf, -1.0]])
def test_an_invalid_step_is_refused(row: list[float]) -> None:
    def step(token_B: IntArray, state: State) -> tuple[FloatArray, State]:
        return np.tile(row, (len(token_B), 1)), state

    with pytest.raises(ValueError, match="a step gave NaN"):
        beam_search(step, items(0), start=START, end=END, width=2, max_len=3)
    with pytest.raises(ValueError, match="a step gave NaN"):
        greedy(step, items(0), start=START, end=END, max_len=3)
    with pytest.raises(ValueError, match="a step gave NaN"):
        sample(step, items(0), start=START, end=END, max_len=3, rng=np.random.default_rng(0))


def test_impossible_tokens_are_not_kept() -> None:
    table_VV = np.array([[-math.inf, 0.0], [-math.inf, 0.0]])
    (beam,) = beam_search(markov(table_VV), items(0), start=START, end=END, width=3, max_len=2)
    assert beam == [Hypothesis((1, 1), (0.0, 0.0))]
    assert not beam[0].finished


@pytest.mark.parametrize(("width", "max_len"), [(0, 2), (2, 0)])
def test_a_search_of_size_0_is_refused(width: int, max_len: int) -> None:
    with pytest.raises(ValueError, match="must be at least 1"):
        beam_search(markov(np.zeros((2, 2))), items(0), start=START, end=END, width=width, max_len=max_len)


@pytest.mark.parametrize(("temperature", "top_p"), [(0.0, 1.0), (math.nan, 1.0), (1.0, 0.0), (1.0, 1.1)])
def test_a_sample_out_of_range_is_refused(temperature: float, top_p: float) -> None:
    step, rng = markov(np.zeros((2, 2))), np.random.default_rng(0)
    with pytest.raises(ValueError, match="temperature is"):
        sample(step, items(0), start=1, end=0, max_len=2, temperature=temperature, top_p=top_p, rng=rng)


def test_a_state_needs_an_array() -> None:
    with pytest.raises(ValueError, match="no array"):
        greedy(markov(np.zeros((2, 2))), (), start=START, end=END, max_len=2)
