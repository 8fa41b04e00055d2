"""From words to segments: a chain MRF over the words of a sentence (paper, section 3.1.4).

Word t goes to region a_t. The energy of such a path a is

    E(a) = - sum over t of v_(a_t) . s_t  -  beta * (number of t with a_t == a_(t+1))

A larger beta makes longer segments. If beta is 0, every word goes to its best region; if beta is infinite,
all words go to one region. All functions take `dot_TI`, the products v_i . s_t, and work for T = 0 and I = 1.

A reward of beta for staying on a region equals, up to a constant, a price of beta for changing it. With a
price, every message of the chain is one maximum (or one sum) over all regions. So the cost is O(T I) instead
of O(T I^2), and an infinite beta has a meaning: no change at all.
"""

import math
from collections.abc import Sequence
from itertools import groupby

import numpy as np

from dvsa.arrays import BoolArray, FloatArray, IntArray
from dvsa.records import Segment


def viterbi(dot_TI: FloatArray, beta: float) -> IntArray:
    """The path of regions `a_T` with the least energy; of several such paths, the first in dictionary order.

    That is, the first word gets the lowest region of all best paths, the second word the lowest that then
    remains, and so on, up to the rounding of float64 sums. At beta = inf all words get the region with the
    largest sum of products.

    Raises:
        ValueError: beta is negative or NaN, or a product is not finite.

    >>> dot_TI = np.array([[2.0, 0.0], [0.9, 1.0], [0.0, 2.0]])
    >>> [viterbi(dot_TI, beta).tolist() for beta in (0, 1, math.inf)]
    [[0, 1, 1], [0, 1, 1], [1, 1, 1]]
    """
    dot_TI = _checked(dot_TI, beta)
    T = len(dot_TI)

    # Backward: rest_TI[t, i] is the most that words t to the end can gain (products minus prices) with word t
    # on region i.
    rest_TI = dot_TI.copy()
    for t in range(T - 2, -1, -1):
        rest_TI[t] += np.maximum(rest_TI[t + 1], rest_TI[t + 1].max() - beta)

    # Forward: word t changes to the best region, or stays if that gains more.
    path_T = np.zeros(T, dtype=np.int64)
    for t in range(T):
        path_T[t] = best = rest_TI[t].argmax()
        if t > 0:
            last = path_T[t - 1]
            stay, change = rest_TI[t, last], rest_TI[t, best] - beta
            if stay > change or (stay == change and last < best):
                path_T[t] = last
    return path_T


def energy(dot_TI: FloatArray, path_T: Sequence[int] | IntArray, beta: float) -> float:
    """E of one path; at beta = inf it is -inf if two neighbours share a region.

    >>> energy(np.array([[2.0, 0.0], [0.5, 1.0]]), [0, 0], beta=0.25)
    -2.75
    """
    dot_TI = _checked(dot_TI, beta)
    a_T = np.asarray(path_T, dtype=np.int64)
    same = int((a_T[1:] == a_T[:-1]).sum())
    return -float(dot_TI[np.arange(len(a_T)), a_T].sum()) - (beta * same if same else 0.0)


def marginals(dot_TI: FloatArray, beta: float, temperature: float = 1.0) -> FloatArray:
    """The probability of each region for each word, if P(a) is proportional to exp(-E(a) / temperature).

    Forward-backward in log space. Each row of the result sums to 1.

    Raises:
        ValueError: as `viterbi`, or the temperature is not above 0 and finite.

    >>> dot_TI = np.array([[2.0, 0.0], [0.9, 1.0]])
    >>> marginals(dot_TI, beta=0).round(2).tolist()
    [[0.88, 0.12], [0.48, 0.52]]
    >>> marginals(dot_TI, beta=2).round(2).tolist()
    [[0.87, 0.13], [0.77, 0.23]]
    """
    dot_TI = _checked(dot_TI, beta)
    if not 0 < temperature < math.inf:
        raise ValueError(f"the temperature is {temperature}; it must be above 0 and finite")
    logit_TI = dot_TI / temperature
    price = beta / temperature
    belief_TI = logit_TI + _messages(logit_TI, price) + _messages(logit_TI[::-1], price)[::-1]
    p_TI: FloatArray = np.exp(belief_TI - np.logaddexp.reduce(belief_TI, axis=1, keepdims=True))
    return p_TI


def segments(path_T: Sequence[int] | IntArray) -> list[tuple[int, int, int]]:
    """Runs of neighbouring words on one region, as `(first word, last word inclusive, region)`.

    >>> segments([4, 4, 7])
    [(0, 1, 4), (2, 2, 7)]
    """
    runs = []
    first = 0
    for region, run in groupby(int(region) for region in path_T):
        length = len(list(run))
        runs.append((first, first + length - 1, region))
        first += length
    return runs


def nearest_known(known_T: BoolArray) -> IntArray:
    """For each word, the index of the nearest known word among the known words, (T,).

    A known word is nearest to itself. An unknown word takes the known word before it, or the first one after
    it. At least one word must be known.

    >>> nearest_known(np.array([False, True, False, True])).tolist()
    [0, 0, 0, 1]
    """
    row_T: IntArray = np.maximum(np.cumsum(known_T) - 1, 0)
    return row_T


def word_regions(known_T: BoolArray, dot_TI: FloatArray, beta: float) -> IntArray:
    """The region of every word, (T,): known words by `viterbi`, the others with the nearest known word.

    If no word is known, all words go to the first region.

    >>> word_regions(np.array([True, False]), np.array([[0.2, 0.3], [0.0, 0.0]]), beta=0).tolist()
    [1, 1]
    """
    if not known_T.any():
        return np.zeros(len(known_T), np.int64)
    return viterbi(dot_TI[known_T], beta)[nearest_known(known_T)]


def spans(tokens: Sequence[str], known_T: BoolArray, dot_TI: FloatArray, beta: float) -> tuple[Segment, ...]:
    """The segments of a sentence, with their words and scores; none if no word is known.

    >>> dot_TI = np.array([[0.1, 0.2], [0.5, 2.0], [3.0, 1.0]])
    >>> found = spans(["a", "dog", "runs"], np.array([True, True, True]), dot_TI, beta=0.5)
    >>> [(segment.text, segment.region, segment.score) for segment in found]
    [('a dog', 1, 2.2), ('runs', 0, 3.0)]
    """
    if not known_T.any():
        return ()
    return tuple(
        Segment(a, z, " ".join(tokens[a : z + 1]), i, float(dot_TI[a : z + 1, i].sum()))
        for a, z, i in segments(word_regions(known_T, dot_TI, beta))
    )


def _messages(logit_TI: FloatArray, price: float) -> FloatArray:
    """The logarithm of the sum over all paths that lead from the words before t to each region of word t.

    If x is the message plus the logit of the word before, the sum over its regions j of
    exp(x_j - price * 1[j != i]) is exp(-price) * sum_j exp(x_j) + (1 - exp(-price)) * exp(x_i).
    """
    stay = math.log(-math.expm1(-price)) if price > 0 else -math.inf
    message_TI = np.zeros_like(logit_TI)
    for t in range(1, len(logit_TI)):
        x_I = message_TI[t - 1] + logit_TI[t - 1]
        message_TI[t] = np.logaddexp(np.logaddexp.reduce(x_I) - price, x_I + stay)
    return message_TI


def _checked(dot_TI: FloatArray, beta: float) -> FloatArray:
    """Check the arguments of all functions; `dot_TI` in float64."""
    if not beta >= 0:
        raise ValueError(f"beta is {beta}; it must be 0 or more")
    if not np.isfinite(dot_TI).all():
        raise ValueError(
            "the products of words and regions contain NaN or infinity; check the vectors of the model"
        )
    return dot_TI.astype(np.float64)
