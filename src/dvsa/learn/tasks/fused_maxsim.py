"""MaxSim and its gradient on a GPU, tile by tile, so that the table of all products is never in memory.

Factors are rounded to half precision, and sums are in single precision. Float16 has the 11 bits of TF32, the
format of the trainer's other products on a GPU; a power of two brings the numbers into its range. Besides the
factors, the gradient needs one byte for each word and photograph: the best region. All sums have a fixed
order, so the same input always gives the same result. The host never waits for the GPU.
"""

import importlib.util
import math
import os
import shutil
import sysconfig
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

FEWEST = 1 << 27
"""Fewer products than this are scored from a table: many small steps prepare the input of the kernels."""

PARTIAL = 1 << 27
"""Bytes for partial sums. Small problems are cut into parts so that all of a GPU has work."""

SHARED = 192 * 1024
"""Bytes of shared memory that the largest tile needs."""


class Tile(NamedTuple):
    """How a kernel divides its work: sentences and photographs of a tile, its warps, and loads in flight."""

    sentences: int
    photographs: int
    warps: int
    stages: int

    def launch(self, D: int) -> dict[str, int]:
        """The arguments of a kernel for vectors of `D` numbers."""
        return {
            "D": D,
            "TILE_L": self.sentences,
            "TILE_K": self.photographs,
            "num_warps": self.warps,
            "num_stages": self.stages,
        }


class Tiles(NamedTuple):
    """The tile of each kernel, for vectors of at most 256 numbers.

    `benchmarks/maxsim.py --tiles` measures others.
    """

    score: Tile = Tile(256, 64, 16, 3)
    score_and_best: Tile = Tile(128, 128, 8, 2)
    grad_words: Tile = Tile(128, 64, 8, 3)
    grad_regions: Tile = Tile(64, 128, 8, 3)

    def narrowed(self, D: int) -> "Tiles":
        """Tiles that take the same memory with vectors of `D` numbers, if these are longer."""
        factor = max(1, D // 256)
        return Tiles(*(Tile(t.sentences // factor, t.photographs // factor, t.warps, t.stages) for t in self))


SWITCH = "DVSA_MAXSIM"
"""The environment variable that turns the kernels off: `table`."""


def serves(v_KID: Tensor, s_LTD: Tensor) -> bool:
    """Whether the kernels can score these regions and words, and are worth it."""
    (K, I, D), (L, T, _) = v_KID.shape, s_LTD.shape  # noqa: E741
    return (
        os.environ.get(SWITCH) != "table"
        and v_KID.is_cuda
        and K * I * L * T >= FEWEST
        and K * max(I * D, L) < 1 << 30  # places in a table are numbers of 31 bits, with padding
        and I <= 256  # the best region is kept in a byte
        and D <= 1024  # tiles of longer vectors would be too narrow
        and all(_may_be_rounded(x.dtype) for x in (v_KID, s_LTD))
        and _kernels_run_on(v_KID.device)
    )


def _may_be_rounded(dtype: torch.dtype) -> bool:
    """Whether factors of this type may be rounded to 11 bits: single precision only if TF32 is allowed."""
    if dtype == torch.float32:
        return bool(torch.backends.cuda.matmul.allow_tf32)
    return dtype in (torch.float16, torch.bfloat16)


@cache
def _kernels_run_on(device: torch.device) -> bool:
    """Whether the GPU has room for a tile, and Triton what it needs: a C compiler and Python's headers."""
    if getattr(torch.cuda.get_device_properties(device), "shared_memory_per_block_optin", 0) < SHARED:
        return False
    compiler = os.environ.get("CC") or shutil.which("gcc") or shutil.which("clang")
    header = Path(sysconfig.get_path("include"), "Python.h")
    return importlib.util.find_spec("triton") is not None and compiler is not None and header.is_file()


def maxsim(v_KID: Tensor, s_LTD: Tensor, real_LT: Tensor, tiles: Tiles | None = None) -> Tensor:
    """S_kl = sum over words t of max over regions i of v_i . s_t, (K, L) in single precision.

    Of equal regions, the first gets the gradient. The vectors must be such that `serves` accepts them.
    """
    tiles = tiles or Tiles().narrowed(_padded(v_KID.shape[2]))
    keep = torch.is_grad_enabled() and (v_KID.requires_grad or s_LTD.requires_grad)
    with torch.cuda.device_of(v_KID):  # type: ignore[no-untyped-call]
        S_KL: Tensor = _MaxSim.apply(v_KID, s_LTD, real_LT, tiles, keep)
    return S_KL


class Packed(NamedTuple):
    """Regions and words as the kernels read them. Here K, L and D are padded with 0 to whole tiles."""

    v_IKD: Tensor
    s_TLD: Tensor
    """Sentences in the order of their number of words, the longest first; words stand before padding."""
    words_L: Tensor
    """The number of words of each of these."""
    rank_L: Tensor
    """The place of each given sentence in that order; not padded."""
    row_LT: Tensor
    """The row of each given word in `s_TLD`, as T * L rows; that after the last for padding. Not padded."""
    v_unit: Tensor
    """The given vectors are this number times those in `v_IKD`."""
    s_unit: Tensor


def pack(v_KID: Tensor, s_LTD: Tensor, real_LT: Tensor, tiles: Tiles) -> Packed:
    """Copy regions and words into whole tiles."""
    (photographs, I, width), (sentences, T) = v_KID.shape, real_LT.shape  # noqa: E741
    K = _whole(photographs, max(tile.photographs for tile in tiles))
    L = _whole(sentences, max(tile.sentences for tile in tiles))
    D = _padded(width)

    # The order of the sentences.
    count_L = real_LT.sum(1)
    order_L = count_L.argsort(descending=True, stable=True)
    rank_L = torch.empty_like(order_L).scatter_(0, order_L, torch.arange(sentences, device=order_L.device))
    words_L = count_L.new_zeros(L, dtype=torch.int32)
    words_L[:sentences] = count_L[order_L]

    # The words in this order. Padding goes to one more row, which is then left out.
    row_LT = torch.where(real_LT, (real_LT.cumsum(1) - 1) * L + rank_L[:, None], T * L)
    s_half, s_unit = _half(s_LTD, real_LT)
    s_ND = s_half.new_zeros(T * L + 1, D)
    s_ND[:, :width].index_copy_(0, row_LT.flatten(), s_half.flatten(0, 1))

    # The regions, so that region i of all photographs is one matrix.
    v_half, v_unit = _half(v_KID)
    v_IKD = v_half.new_zeros(I, K, D)
    v_IKD[:, :photographs, :width] = v_half.transpose(0, 1)
    return Packed(v_IKD, s_ND[:-1].view(T, L, D), words_L, rank_L, row_LT, v_unit, s_unit)


def _whole(count: int, tile: int) -> int:
    return -(-count // tile) * tile


def _padded(D: int) -> int:
    """The length of vectors in a tile: a power of two, at least 16."""
    return max(16, 1 << (D - 1).bit_length())


def _half(x: Tensor, real: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """`x` divided by a power of two, as float16 numbers of at most 2**15, and that power (1).

    Vectors that are not `real` do not count, and may come out as infinite.
    """
    largest = torch.linalg.vector_norm(x, torch.inf, dim=-1, dtype=torch.float32)
    if real is not None:
        largest = largest.masked_fill(~real, 0)
    largest = largest.max()[None].clamp(min=1e-30)
    unit = largest / torch.frexp(largest).mantissa / 2**15
    return torch.div(x, unit, out=torch.empty_like(x, dtype=torch.float16)), unit


class _Context(FunctionCtx):
    """What the gradient needs."""

    tiles: Tiles
    D: int
    saved_tensors: tuple[Tensor, ...]


class _MaxSim(torch.autograd.Function):
    """The kernels as a function with a gradient."""

    @staticmethod
    def forward(
        ctx: _Context, v_KID: Tensor, s_LTD: Tensor, real_LT: Tensor, tiles: Tiles, keep: bool
    ) -> Tensor:
        from dvsa.learn.tasks import maxsim_kernels as kernels

        packed = pack(v_KID, s_LTD, real_LT, tiles)
        (I, K, D), (T, L, _) = packed.v_IKD.shape, packed.s_TLD.shape  # noqa: E741
        best_TLK = packed.v_IKD.new_empty(T, L, K, dtype=torch.uint8) if keep else None

        # Each part sums over some places of the sentences.
        tile = tiles.score_and_best if keep else tiles.score
        places = math.ceil(4 * T * L * K / PARTIAL)
        part_PLK = packed.v_unit.new_empty(math.ceil(T / places), L, K)
        kernels.score[K // tile.photographs, L // tile.sentences, len(part_PLK)](
            packed.v_IKD, packed.s_TLD, packed.words_L, part_PLK, best_TLK, L, K, I, places, **tile.launch(D)
        )

        if best_TLK is not None:
            ctx.tiles, ctx.D = tiles, v_KID.shape[2]
            ctx.save_for_backward(*packed, best_TLK)
        S_LK = part_PLK.sum(0)[packed.rank_L, : len(v_KID)] * (packed.v_unit * packed.s_unit)
        return S_LK.T

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, g_KL: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        from dvsa.learn.tasks import maxsim_kernels as kernels

        *saved, best_TLK = ctx.saved_tensors
        packed = Packed(*saved)
        (I, K, D), (T, L, _) = packed.v_IKD.shape, packed.s_TLD.shape  # noqa: E741
        g, g_unit = _half(g_KL)
        g_LK = g.new_zeros(L, K)
        g_LK[packed.rank_L, : len(g)] = g.T

        tile = ctx.tiles.grad_words
        grad_ND = packed.v_unit.new_empty(T * L + 1, D)
        grad_ND[-1] = 0
        kernels.grad_words[L // tile.sentences, T](
            g_LK, best_TLK, packed.v_IKD, packed.words_L, grad_ND, L, K, I, **tile.launch(D)
        )
        grad_LTD = grad_ND[packed.row_LT, : ctx.D] * (g_unit * packed.v_unit)

        tile = ctx.tiles.grad_regions
        grad_IKD = packed.v_unit.new_empty(I, K, D)
        kernels.grad_regions[K // tile.photographs, I](
            g_LK, best_TLK, packed.s_TLD, packed.words_L, grad_IKD, L, K, **tile.launch(D)
        )
        grad_KID = grad_IKD[:, : len(g), : ctx.D].transpose(0, 1) * (g_unit * packed.s_unit)
        return grad_KID, grad_LTD, None, None, None
