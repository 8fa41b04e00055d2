"""From words to segments: a chain MRF over the words of a sentence (paper, section 3.1.4).

Word t lies on region a_t, at an energy of

    E(a) = - sum over t of v_(a_t) . s_t  -  beta * (number of t with a_t == a_(t+1))

A larger beta makes longer segments: at 0 every word has its own best region, at infinity all words share one.
All functions take `dot_TI`, the products v_i . s_t, and work for T = 0 and for I = 1.

A reward of beta for staying on a region is the same, up to a constant, as a price of beta for changing it.
The price makes every message of the chain one maximum (or one sum) over all regions, so the cost is O(T I)
and not O(T I^2), and it has a meaning at infinity: no change at all.
"""

import math
from collections.abc import Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from dvsa.records import Segment

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.int64]


def viterbi(dot_TI: FloatArray, beta: float) -> IntArray:
    """The path of regions `a_T` with the least energy; of several such paths, the first in dictionary order.

    So the first word takes the lowest region of any best path, the second the lowest that then remains, and
    so on, up to the rounding of float64 sums. At beta = inf all words take the region whose products have the
    largest sum. Raises `ValueError` for a beta that is negative or NaN, and for products that are not finite.
    """
    dot_TI = _checked(dot_TI, beta)
    T = len(dot_TI)
    # rest_TI[t, i]: the most that words t to the end can gain, products less prices, with word t on i.
    rest_TI = dot_TI.copy()
    for t in range(T - 2, -1, -1):
        rest_TI[t] += np.maximum(rest_TI[t + 1], rest_TI[t + 1].max() - beta)

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
    """E of one path; at beta = inf it is -inf as soon as two neighbours share a region."""
    dot_TI = _checked(dot_TI, beta)
    a_T = np.asarray(path_T, dtype=np.int64)
    same = int((a_T[1:] == a_T[:-1]).sum())
    return -float(dot_TI[np.arange(len(a_T)), a_T].sum()) - (beta * same if same else 0.0)


def marginals(dot_TI: FloatArray, beta: float, temperature: float = 1.0) -> FloatArray:
    """The probability of each region for each word, where P(a) is proportional to exp(-E(a) / temperature).

    Forward-backward in log space; each row of the result sums to 1. Raises `ValueError` as `viterbi` does,
    and for a temperature that is not above 0 and finite.
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
    """Runs of neighbouring words on one region, as `(first word, last word inclusive, region)`."""
    runs = []
    first = 0
    for region, run in groupby(int(region) for region in path_T):
        length = len(list(run))
        runs.append((first, first + length - 1, region))
        first += length
    return runs


def nearest_known(known_T: NDArray[np.bool_]) -> IntArray:
    """For each word, the index of the nearest known word among the known words, (T,).

    A known word is nearest to itself. An unknown word takes the known word before it, or the first one after
    it. At least one word must be known.
    """
    row_T: IntArray = np.maximum(np.cumsum(known_T) - 1, 0)
    return row_T


def word_regions(known_T: NDArray[np.bool_], dot_TI: FloatArray, beta: float) -> IntArray:
    """The region of every word, (T,): known words by `viterbi`, the others with the nearest known word.

    If no word is known, all words go to the first region.
    """
    if not known_T.any():
        return np.zeros(len(known_T), np.int64)
    return viterbi(dot_TI[known_T], beta)[nearest_known(known_T)]


def spans(
    tokens: Sequence[str], known_T: NDArray[np.bool_], dot_TI: FloatArray, beta: float
) -> tuple[Segment, ...]:
    """The segments of a sentence, each with its words and their score; none where no word is known."""
    if not known_T.any():
        return ()
    return tuple(
        Segment(a, z, " ".join(tokens[a : z + 1]), i, float(dot_TI[a : z + 1, i].sum()))
        for a, z, i in segments(word_regions(known_T, dot_TI, beta))
    )


def _messages(logit_TI: FloatArray, price: float) -> FloatArray:
    """What the words before t say of its region, in logarithms: the sum over all paths that lead to it.

    With x the message plus logit of the word before, the sum over its regions j of
    exp(x_j - price * 1[j != i]) is exp(-price) * sum_j exp(x_j) + (1 - exp(-price)) * exp(x_i).
    """
    stay = math.log(-math.expm1(-price)) if price > 0 else -math.inf
    message_TI = np.zeros_like(logit_TI)
    for t in range(1, len(logit_TI)):
        x_I = message_TI[t - 1] + logit_TI[t - 1]
        message_TI[t] = np.logaddexp(np.logaddexp.reduce(x_I) - price, x_I + stay)
    return message_TI


def _checked(dot_TI: FloatArray, beta: float) -> FloatArray:
    """`dot_TI` in float64, after the checks that all functions share."""
    if not beta >= 0:
        raise ValueError(f"beta is {beta}; it must be 0 or more")
    if not np.isfinite(dot_TI).all():
        raise ValueError("the products of words and regions hold NaN or infinity; check the model's vectors")
    return dot_TI.astype(np.float64)
