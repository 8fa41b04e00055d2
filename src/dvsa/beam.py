"""Search for likely sequences with any step function; independent of vocabulary and network.

A step takes the last token and the state of each hypothesis, and gives the log-probabilities of the next
token and the new state. It must treat each row independently, because a search drops, repeats and reorders
rows. A search serves many items at once, one for each row of the first state; items do not affect each other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dvsa.arrays import BoolArray, FloatArray, IntArray

TokenIds = Sequence[int]
"""Ids of tokens."""
State = tuple[NDArray[np.generic], ...]
"""Arrays with one row for each hypothesis."""
Step = Callable[[IntArray, State], tuple[FloatArray, State]]
"""`(token_B, state) -> (logp_BV, new state)`; a log-probability of -inf forbids a token."""
Choose = Callable[[FloatArray], IntArray]
"""Takes the log-probabilities (B, V) of the next token, and gives the chosen tokens (B,)."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A sequence, complete or cut off at the maximum length."""

    tokens: tuple[int, ...]
    """Without START and END."""
    logps: tuple[float, ...]
    """Natural log-probability of each token, and of END if the sequence is complete."""

    @property
    def logp(self) -> float:
        """Log-probability of the whole sequence.

        >>> Hypothesis((7, 8), (-0.5, -1.0, -0.25)).logp
        -1.75
        """
        return sum(self.logps)

    @property
    def finished(self) -> bool:
        """Whether END was reached.

        >>> Hypothesis((7, 8), (-0.5, -1.0, -0.25)).finished, Hypothesis((7, 8), (-0.5, -1.0)).finished
        (True, False)
        """
        return len(self.logps) > len(self.tokens)


def beam_search(
    step: Step,
    state: State,
    *,
    start: int,
    end: int,
    width: int,
    max_len: int,
    min_len: int = 0,
    length_power: float = 0.0,
    banned: TokenIds = (),
) -> list[list[Hypothesis]]:
    """For each item up to `width` hypotheses, by decreasing score `logp / steps ** length_power`.

    `steps` counts the tokens, and END if it was reached; it is at most `max_len`. The rules:

    - The beam of an item has `width` hypotheses, finished and unfinished ones together. In every step, each
      unfinished hypothesis is replaced by its extensions with every token, and finished ones remain as they
      are. The best `width` of them are kept.
    - Equal scores are taken in order of the extended hypotheses, then by the lower token.
    - The search ends after `max_len` steps, or when all hypotheses are finished. Finished items cost nothing.

    Tokens in `banned` are never chosen, and END is not chosen before `min_len` other tokens. This does not
    change the log-probabilities of the other tokens.

    Raises:
        ValueError: `width` or `max_len` is below 1, or a step gives NaN or no possible token.

    >>> def step(token_B, state):  # after 1 come 2 or 3, then END, which is 0
    ...     p_VV = np.array([[1, 0, 0, 0], [0, 0, 0.4, 0.6], [1, 0, 0, 0], [0.5, 0, 0.5, 0]])
    ...     with np.errstate(divide="ignore"):
    ...         return np.log(p_VV[token_B]), state
    >>> (best, second), = beam_search(step, (np.zeros(1),), start=1, end=0, width=2, max_len=9)
    >>> best.tokens, round(float(np.exp(best.logp)), 2), second.tokens
    ((2,), 0.4, (3,))
    """
    if width < 1 or max_len < 1:
        raise ValueError(f"width is {width} and max_len {max_len}; both must be at least 1")

    beams = _Beams.first(_items(state), start)
    while beams.live_H.any() and beams.said_HT.shape[1] <= max_len:
        barred = (*banned, end) if beams.said_HT.shape[1] <= min_len else banned
        logp_BV, state = _advance(step, beams.said_HT[beams.live_H, -1], state, barred)
        beams, row_B = beams.extended(logp_BV, end, width, length_power)
        state = _rows(state, row_B)
    return beams.hypotheses(end)


def greedy(
    step: Step, state: State, *, start: int, end: int, max_len: int, min_len: int = 0, banned: TokenIds = ()
) -> list[Hypothesis]:
    """For each item the sequence of the most likely next tokens, equal ones by the lower; see `beam_search`.

    >>> def step(token_B, state):  # END, which is 0, becomes likely with the number of steps
    ...     return np.log([[0.1 * n, 0.1, 0.2] for n in state[0]]), (state[0] + 1,)
    >>> (found,) = greedy(step, (np.ones(1),), start=1, end=0, max_len=9)
    >>> found.tokens, found.finished
    ((2,), True)
    """
    return _roll_out(
        step, state, lambda logp_BV: logp_BV.argmax(axis=1), start, end, (min_len, max_len), banned
    )


def sample(
    step: Step,
    state: State,
    *,
    start: int,
    end: int,
    max_len: int,
    min_len: int = 0,
    temperature: float = 1.0,
    top_p: float = 1.0,
    rng: np.random.Generator,
    banned: TokenIds = (),
) -> list[Hypothesis]:
    """For each item one sequence, each token drawn with a probability proportional to p ** (1 / temperature).

    If `top_p` is below 1, tokens are drawn only from the smallest set of most likely tokens that together
    have this share of the probability; equal tokens go to the lower one. The log-probabilities of the
    hypotheses are those of the step function, before temperature, `top_p` and `banned`.

    Raises:
        ValueError: as `beam_search`, or the temperature is not above 0, or `top_p` is not in (0, 1].

    >>> def step(token_B, state):
    ...     return np.log([[0.2, 0.1, 0.7]] * len(token_B)), state
    >>> rng = np.random.default_rng(0)
    >>> [found.tokens for found in sample(step, (np.zeros(3),), start=1, end=0, max_len=4, rng=rng)]
    [(2, 2), (), (2, 1, 2)]
    """
    if not 0 < temperature < np.inf or not 0 < top_p <= 1:
        raise ValueError(f"temperature is {temperature}, top_p {top_p}; give one above 0 and one in (0, 1]")

    def choose(logp_BV: FloatArray) -> IntArray:
        logit_BV = (logp_BV - logp_BV.max(axis=1, keepdims=True)) / temperature
        if top_p < 1:
            logit_BV = _nucleus(logit_BV, top_p)
        # The argmax of logits plus Gumbel noise is a draw from their softmax.
        drawn_B: IntArray = (logit_BV + rng.gumbel(size=logit_BV.shape)).argmax(axis=1)
        return drawn_B

    return _roll_out(step, state, choose, start, end, (min_len, max_len), banned)


@dataclass(frozen=True, eq=False, slots=True)
class _Beams:
    """The hypotheses (H), grouped by item, the best first. Finished ones repeat END at no cost."""

    item_H: IntArray
    said_HT: IntArray
    """The tokens, START included."""
    logp_HT: FloatArray
    """Their log-probabilities; 0 for START and for what follows the first END."""
    total_H: FloatArray
    steps_H: IntArray
    live_H: BoolArray
    """Which hypotheses are unfinished."""

    @classmethod
    def first(cls, items: int, start: int) -> "_Beams":
        zero_H, start_H1 = np.zeros(items), np.full((items, 1), start)
        return cls(np.arange(items), start_H1, zero_H[:, None], zero_H, zero_H.astype(np.int64), zero_H == 0)

    def extended(
        self, logp_BV: FloatArray, end: int, width: int, length_power: float
    ) -> tuple["_Beams", IntArray]:
        """The beams after one step, and the row of the step that each live hypothesis comes from."""
        row_C, token_C = _best_tokens(logp_BV, width)

        # The candidates (C): extensions of the live hypotheses, then the finished ones unchanged.
        done_C = np.flatnonzero(~self.live_H)
        parent_C = np.concatenate([np.flatnonzero(self.live_H)[row_C], done_C])
        logp_C = np.concatenate([logp_BV[row_C, token_C], np.zeros(len(done_C))])
        token_C = np.concatenate([token_C, np.full_like(done_C, end)])
        steps_C = self.steps_H[parent_C] + self.live_H[parent_C]
        total_C = self.total_H[parent_C] + logp_C

        # The best candidates of each item are the next hypotheses.
        score_C = total_C / steps_C**length_power
        kept_H = _best_of_each(self.item_H[parent_C], score_C, parent_C, token_C, width)
        parent_H, live_H = parent_C[kept_H], token_C[kept_H] != end
        said_HT = np.column_stack([self.said_HT[parent_H], token_C[kept_H]])
        logp_HT = np.column_stack([self.logp_HT[parent_H], logp_C[kept_H]])
        beams = _Beams(self.item_H[parent_H], said_HT, logp_HT, total_C[kept_H], steps_C[kept_H], live_H)
        return beams, row_C[kept_H[live_H]]

    def hypotheses(self, end: int) -> list[list[Hypothesis]]:
        found: list[list[Hypothesis]] = [[] for _ in range(self.item_H.max(initial=-1) + 1)]
        for item, said_T, logp_T, steps in zip(
            self.item_H, self.said_HT.tolist(), self.logp_HT.tolist(), self.steps_H, strict=True
        ):
            found[item].append(_hypothesis(said_T[1 : steps + 1], logp_T[1 : steps + 1], end))
        return found


def _roll_out(
    step: Step, state: State, choose: Choose, start: int, end: int, length: tuple[int, int], banned: TokenIds
) -> list[Hypothesis]:
    """One sequence for each item, of at least `length[0]` and at most `length[1]` tokens without END."""
    min_len, max_len = length
    if max_len < 1:
        raise ValueError(f"max_len is {max_len}; it must be at least 1")
    N = _items(state)
    tokens: list[list[int]] = [[] for _ in range(N)]
    logps: list[list[float]] = [[] for _ in range(N)]
    live_B, token_B = np.arange(N), np.full(N, start)

    for said in range(max_len):
        if not len(live_B):
            break
        barred = (*banned, end) if said < min_len else banned
        logp_BV, state = _advance(step, token_B, state, barred)
        token_B = choose(logp_BV)

        for row, item in enumerate(live_B):
            tokens[item].append(int(token_B[row]))
            logps[item].append(float(logp_BV[row, token_B[row]]))

        # Only unfinished items take the next step.
        going_B = np.flatnonzero(token_B != end)
        live_B, token_B, state = live_B[going_B], token_B[going_B], _rows(state, going_B)
    return [_hypothesis(*said, end) for said in zip(tokens, logps, strict=True)]


def _items(state: State) -> int:
    """The number of items of a search."""
    if not state:
        raise ValueError("the state has no arrays; give at least one, with a row for each item")
    return len(state[0])


def _rows(state: State, row_B: IntArray) -> State:
    return tuple(array[row_B] for array in state)


def _advance(step: Step, token_B: IntArray, state: State, banned: TokenIds) -> tuple[FloatArray, State]:
    """One step, with the banned tokens at -inf; raises ValueError if a row has no possible token."""
    logp_BV, state = step(token_B, state)
    if banned:
        logp_BV = logp_BV.copy()
        logp_BV[:, list(banned)] = -np.inf
    if not np.isfinite(logp_BV.max(axis=1)).all():
        raise ValueError("a step gave NaN, or banned tokens only; check its network")
    return logp_BV, state


def _best_tokens(logp_BV: FloatArray, width: int) -> tuple[IntArray, IntArray]:
    """Rows and tokens, in order, of the `width` best possible tokens of each row and a few others.

    The tokens of a row are divided into groups. At least `width` tokens reach the `width`-th best maximum of
    the groups, so the best tokens are among those. This is several times faster than partitioning the row.
    """
    V = logp_BV.shape[1]
    groups = min(16 * width, V)
    best_BG = logp_BV[:, : V // groups * groups].reshape(-1, V // groups, groups).max(axis=1)
    place = max(groups - width, 0)
    least_B1 = np.partition(best_BG, place, axis=1)[:, place, None]
    possible_B1 = np.maximum(least_B1, np.finfo(logp_BV.dtype).min)
    row_C, token_C = np.divmod(np.flatnonzero(logp_BV >= possible_B1), V)
    return row_C, token_C


def _best_of_each(
    item_C: IntArray, score_C: FloatArray, parent_C: IntArray, token_C: IntArray, width: int
) -> IntArray:
    """Indices of the `width` best candidates of each item, by item, decreasing score, parent and token."""
    order_C = np.lexsort((token_C, parent_C, -score_C, item_C))
    sorted_C = item_C[order_C]
    place_C = np.arange(len(sorted_C)) - np.searchsorted(sorted_C, sorted_C)
    return order_C[place_C < width]


def _nucleus(logit_BV: FloatArray, top_p: float) -> FloatArray:
    """The logits, -inf outside the smallest set of most likely tokens with a total probability of `top_p`."""
    order_BV = np.argsort(-logit_BV, axis=1, kind="stable")
    p_BV = np.exp(np.take_along_axis(logit_BV, order_BV, axis=1))
    before_BV = np.cumsum(p_BV, axis=1) - p_BV
    kept_BV = np.empty(logit_BV.shape, dtype=np.bool_)
    np.put_along_axis(kept_BV, order_BV, before_BV < top_p * p_BV.sum(axis=1, keepdims=True), axis=1)
    return np.where(kept_BV, logit_BV, -np.inf)


def _hypothesis(tokens: list[int], logps: list[float], end: int) -> Hypothesis:
    return Hypothesis(tuple(tokens[:-1] if tokens[-1] == end else tokens), tuple(logps))
