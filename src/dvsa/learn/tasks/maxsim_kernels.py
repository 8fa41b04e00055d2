"""The GPU kernels of MaxSim and its gradient, in Triton.

Their arrays come from `fused_maxsim.pack`: factors in half precision, padded with 0 to whole tiles, so that
padding adds 0 to scores and gradients. Sentences are sorted by their number of words, the longest first. So
the first sentence of a tile says how many places the tile has, and few of these are padding.

A kernel loops over the regions i, and multiplies the words (L, D) of a tile with region i of its photographs
(D, K). So the maximum over regions is a maximum of tiles, number by number, and any number of regions fits.
"""

import triton
import triton.language as tl


@triton.jit(do_not_specialize=["I", "places"])
def score(
    v_IKD: tl.tensor,
    s_TLD: tl.tensor,
    words_L: tl.tensor,
    part_PLK: tl.tensor,
    best_TLK: tl.tensor | None,
    L: int,
    K: int,
    I: int,  # noqa: E741
    places: int,
    D: tl.constexpr,
    TILE_L: tl.constexpr,
    TILE_K: tl.constexpr,
) -> None:
    """Part p of the scores: the sum over places p * places, p * places + 1, ... of the maximum over regions.

    `best_TLK` becomes the best region of each word. Without it, only the scores are computed.
    """
    k = tl.program_id(0) * TILE_K + tl.arange(0, TILE_K)
    l = tl.program_id(1) * TILE_L + tl.arange(0, TILE_L)  # noqa: E741
    part = tl.program_id(2)
    d = tl.arange(0, D)
    to_LK = (l * K)[:, None] + k[None, :]

    longest = tl.load(words_L + tl.program_id(1) * TILE_L)
    sum_LK = tl.full([TILE_L, TILE_K], 0.0, tl.float32)
    for t in range(part * places, tl.minimum((part + 1) * places, longest)):
        row = tl.cast(t, tl.int64) * L  # a table of all words may have more than 2**31 numbers
        s_LD = tl.load(s_TLD + row * D + (l * D)[:, None] + d[None, :])
        max_LK = tl.full([TILE_L, TILE_K], float("-inf"), tl.float32)
        if best_TLK is not None:
            best_LK = tl.full([TILE_L, TILE_K], 0, tl.int32)

        for i in range(I):
            v_DK = tl.load(v_IKD + i * K * D + (k * D)[None, :] + d[:, None])
            dot_LK = tl.dot(s_LD, v_DK)
            if best_TLK is not None:
                best_LK = tl.where(dot_LK > max_LK, i, best_LK)  # of equal regions the first
            max_LK = tl.maximum(max_LK, dot_LK, propagate_nan=tl.PropagateNan.ALL)

        sum_LK += max_LK
        if best_TLK is not None:
            tl.store(best_TLK + row * K + to_LK, best_LK.to(tl.uint8))
    tl.store(part_PLK + tl.cast(part, tl.int64) * L * K + to_LK, sum_LK)


@triton.jit(do_not_specialize=["I"])
def grad_words(
    g_LK: tl.tensor,
    best_TLK: tl.tensor,
    v_IKD: tl.tensor,
    words_L: tl.tensor,
    grad_TLD: tl.tensor,
    L: int,
    K: int,
    I: int,  # noqa: E741
    D: tl.constexpr,
    TILE_L: tl.constexpr,
    TILE_K: tl.constexpr,
) -> None:
    """The gradient of the words at one place: the sum over photographs of g times the word's best region.

    As a product of matrices this is the sum over k and i of (g where i is the best region, else 0) times v.
    """
    l = tl.program_id(0) * TILE_L + tl.arange(0, TILE_L)  # noqa: E741
    row = tl.cast(tl.program_id(1), tl.int64) * L
    d = tl.arange(0, D)

    if tl.program_id(1) < tl.load(words_L + tl.program_id(0) * TILE_L):
        grad_LD = tl.full([TILE_L, D], 0.0, tl.float32)
        for i in range(I):
            for first in range(0, K, TILE_K):
                k = first + tl.arange(0, TILE_K)
                to_LK = (l * K)[:, None] + k[None, :]
                # Both are loaded for each product. Kept over a loop over i, they gave wrong sums on an H200.
                g = tl.load(g_LK + to_LK)
                best = tl.load(best_TLK + row * K + to_LK)
                v_KD = tl.load(v_IKD + i * K * D + (k * D)[:, None] + d[None, :])
                grad_LD = tl.dot(tl.where(best == i, g, 0.0), v_KD, grad_LD)
        tl.store(grad_TLD + row * D + (l * D)[:, None] + d[None, :], grad_LD)


@triton.jit
def grad_regions(
    g_LK: tl.tensor,
    best_TLK: tl.tensor,
    s_TLD: tl.tensor,
    words_L: tl.tensor,
    grad_IKD: tl.tensor,
    L: int,
    K: int,
    D: tl.constexpr,
    TILE_L: tl.constexpr,
    TILE_K: tl.constexpr,
) -> None:
    """The gradient of region i of photographs: the sum of g times s over the words whose best region it is.

    As a product of matrices this is the sum over l and t of (g where i is the best region, else 0) times s.
    """
    k = tl.program_id(0) * TILE_K + tl.arange(0, TILE_K)
    i = tl.program_id(1)
    d = tl.arange(0, D)

    grad_KD = tl.full([TILE_K, D], 0.0, tl.float32)
    for first in range(0, L, TILE_L):
        l = first + tl.arange(0, TILE_L)  # noqa: E741
        to_KL = (l * K)[None, :] + k[:, None]
        g_KL = tl.load(g_LK + to_KL)
        for t in range(tl.load(words_L + first)):
            row = tl.cast(t, tl.int64) * L
            best_KL = tl.load(best_TLK + row * K + to_KL)
            s_LD = tl.load(s_TLD + row * D + (l * D)[:, None] + d[None, :])
            grad_KD = tl.dot(tl.where(best_KL == i, g_KL, 0.0), s_LD, grad_KD)
    tl.store(grad_IKD + i * K * D + (k * D)[:, None] + d[None, :], grad_KD)
