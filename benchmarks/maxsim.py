"""How fast MaxSim and its gradient are, and how much memory they take, beside a plain product of matrices.

    python benchmarks/maxsim.py [--photographs 1000] [--sentences 5000] [--batches 512 2048 4096]
        [--tiles] [--out maxsim.json]

Photographs have 20 regions, and vectors 256 numbers. Sentences have 8 to 16 words; in `captions`, one in ten
has up to 37. The ways to compute the same scores:

- `table`: one table of all products;
- `blocks`: a table for some sentences at a time, as without kernels;
- `kernels`: no table, on a GPU;
- `loop`: each sentence with all photographs, one after another.

To train is to compute the gradient of InfoNCE. A share is that of the rate of the plain product in bfloat16:
2 operations for each product of two numbers, 6 with the gradient, none for padding. Memory is the most that
was allocated, with the inputs. Products in single precision are in TF32, as in training. `--tiles` measures
other tiles of the kernels too.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from unittest.mock import patch

import torch
from common import facts, keep, parser
from timing import spread
from torch import Tensor

from dvsa.learn.tasks import fused_maxsim, objective
from dvsa.learn.tasks.fused_maxsim import Tile, Tiles

REGIONS, WIDTH = 20, 256
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
SMALL = [(64, 1), (128, 1), (256, 1), (200, 5)]
"""Photographs of small batches, and sentences of each."""

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
KERNELS = DEVICE.type == "cuda" or os.environ.get("TRITON_INTERPRET") == "1"

SHAPES = [
    *((128, 128, 8, 2), (128, 128, 16, 2), (128, 64, 8, 3), (128, 64, 8, 4), (64, 64, 4, 2)),
    *((256, 64, 8, 2), (256, 64, 16, 3), (256, 32, 8, 4)),
]
GRADIENT_SHAPES = [(128, 64, 8, 3), (128, 64, 8, 2), (128, 32, 8, 4), (128, 128, 8, 2), (64, 64, 4, 3)]
"""For a gradient the sizes are those of the side that has it, and of the side that is summed over."""

Score = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Regions and words to score; the sentences of a photograph stand together."""

    v_KID: Tensor
    s_LTD: Tensor
    real_LT: Tensor
    words_L: list[int]

    @property
    def operations(self) -> float:
        """Operations for the scores."""
        return 2.0 * self.v_KID.numel() * sum(self.words_L)

    def score(self, way: Score) -> None:
        """Compute the scores."""
        with torch.no_grad():
            way(self.v_KID, self.s_LTD, self.real_LT)

    def train(self, way: Score) -> None:
        """Compute the scores, their loss, and the gradients of regions and words."""
        v, s = (x.detach().requires_grad_() for x in (self.v_KID, self.s_LTD))
        K, L = len(v), len(s)
        owner_L = torch.arange(L, device=DEVICE) * K // L
        objective.info_nce(way(v, s, self.real_LT).float(), owner_L).backward()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A measurement; without times if it failed, because the memory is too small or otherwise."""

    work: str
    dtype: str
    way: str
    times_ms: list[float] | None = None
    share: float | None = None
    peak_gb: float | None = None
    failed: str = ""

    def __str__(self) -> str:
        times = self.failed if self.times_ms is None else spread(self.times_ms)
        share = "" if self.share is None else f"{100 * self.share:.1f} %"
        peak = "" if self.peak_gb is None else f"{self.peak_gb:.2f}"
        return f"| {self.work} | {self.dtype} | {self.way} | {times} | {share} | {peak} |"


def main() -> None:
    """Measure, print tables and write JSON."""
    options = parser(__doc__)
    options.add_argument("--photographs", type=int, default=1000)
    options.add_argument("--sentences", type=int, default=5000)
    options.add_argument("--batches", type=int, nargs="*", default=[512, 2048, 4096])
    options.add_argument("--matrix", type=int, default=8192, help="the size of the plain product")
    options.add_argument("--tiles", action="store_true", help="measure other tiles of the kernels too")
    options.add_argument("--out", type=Path)
    args = options.parse_args()

    began = time.monotonic()
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = True
    a, b = (torch.randn(args.matrix, args.matrix, device=DEVICE, dtype=torch.bfloat16) for _ in range(2))
    product = measured("product", "bfloat16", "plain", partial(torch.mm, a, b), 2.0 * args.matrix**3, None)
    del a, b
    assert product.times_ms is not None
    rate = 2.0 * args.matrix**3 / sorted(product.times_ms)[len(product.times_ms) // 2] * 1000
    print(f"A product of two {args.matrix} x {args.matrix} matrices in bfloat16: {rate / 1e12:.1f} TFLOP/s\n")

    scored = (args.photographs, args.sentences)
    rows = table("work", scores(*scored, rate), batches(args.batches, rate))
    tiles = table("kernel", other_tiles(*scored, rate)) if args.tiles and KERNELS else []
    if args.out:
        made = facts(began, torch=torch.__version__, seed=0, tf32=True)
        lists = {"rows": [asdict(row) for row in rows], "tiles": [asdict(row) for row in tiles]}
        keep(args.out, {"product_tflops": rate / 1e12, **lists, "facts": made})


def table(first: str, *parts: Iterator[Row]) -> list[Row]:
    """Print rows as they come."""
    print(f"| {first} | numbers | way | ms: median (range) | share | memory, GB |\n|---|---|---|---|---|---|")
    rows = []
    for part in parts:
        for row in part:
            print(row, flush=True)
            rows.append(row)
    print()
    return rows


def scores(photographs: int, sentences: int, rate: float) -> Iterator[Row]:
    """Scores alone, as an evaluation computes them."""
    for captions in (False, True):
        work = f"score {photographs} x {sentences}" + (", captions" if captions else "")
        for name, dtype in DTYPES.items():
            problem = drawn(photographs, sentences, dtype, captions=captions)
            for way, score in WAYS.items():
                call = partial(problem.score, score)
                yield measured(work, name, way, call, problem.operations, rate)
            if not captions:
                yield measured(work, name, "loop", partial(one_by_one, problem), problem.operations, rate)


def batches(sizes: list[int], rate: float) -> Iterator[Row]:
    """Steps of training, without the networks."""
    for photographs, each in [*SMALL, *((size, 5) for size in sizes)]:
        for name, dtype in DTYPES.items():
            problem = drawn(photographs, photographs * each, dtype)
            for way, score in WAYS.items():
                work, operations = f"train {photographs} x {photographs * each}", 3 * problem.operations
                yield measured(work, name, way, partial(problem.train, score), operations, rate)


def other_tiles(photographs: int, sentences: int, rate: float) -> Iterator[Row]:
    """The scores, and the gradient with them, with other tiles of one kernel."""
    problem = drawn(photographs, sentences, torch.bfloat16)
    shapes: dict[str, list[Tile]] = {
        "score": [Tile(*shape) for shape in SHAPES],
        "score_and_best": [Tile(*shape) for shape in SHAPES],
        "grad_words": [Tile(*shape) for shape in GRADIENT_SHAPES],
        "grad_regions": [Tile(b, a, *others) for a, b, *others in GRADIENT_SHAPES],
    }
    for kernel, candidates in shapes.items():
        work, factor = (problem.score, 1) if kernel == "score" else (problem.train, 3)
        for tile in candidates:
            score = partial(fused_maxsim.maxsim, tiles=Tiles()._replace(**{kernel: tile}))
            way = " ".join(map(str, tile))
            try:
                yield measured(
                    kernel, "bfloat16", way, partial(work, score), factor * problem.operations, rate
                )
            except Exception as error:  # a tile that the GPU has no room for must not end the measurement
                print(f"| {kernel} | | {way} | {type(error).__name__} | | |")


def drawn(K: int, L: int, dtype: torch.dtype, *, captions: bool = False) -> Problem:
    """Random vectors, and sentences of random lengths."""
    words_L = torch.randint(8, 17, (L,))
    if captions:
        words_L = torch.where(torch.rand(L) < 0.1, torch.randint(17, 38, (L,)), words_L)
    T = int(words_L.max())
    return Problem(
        v_KID=torch.randn(K, REGIONS, WIDTH, device=DEVICE).mul_(0.1).to(dtype),
        s_LTD=torch.randn(L, T, WIDTH, device=DEVICE).mul_(0.1).to(dtype),
        real_LT=(torch.arange(T) < words_L[:, None]).to(DEVICE),
        words_L=words_L.tolist(),
    )


def whole_table(v_KID: Tensor, s_LTD: Tensor, real_LT: Tensor) -> Tensor:
    """Scores from one table."""
    summed = objective.of_all_places if real_LT.is_cuda else objective.of_real_words
    return summed(lambda dot_NKI: dot_NKI.max(2).values, v_KID, s_LTD, real_LT)


def in_blocks(v_KID: Tensor, s_LTD: Tensor, real_LT: Tensor) -> Tensor:
    """Scores as on a GPU that the kernels do not serve."""
    with patch.object(fused_maxsim, "FEWEST", 1 << 60):
        return objective.maxsim(v_KID, s_LTD, real_LT)


def one_by_one(problem: Problem) -> None:
    """Scores of each sentence with all photographs, one sentence after another."""
    columns = []
    for n, words in enumerate(problem.words_L):
        s_KTD = problem.s_LTD[n, :words].expand(len(problem.v_KID), -1, -1)
        columns.append(torch.bmm(s_KTD, problem.v_KID.transpose(1, 2)).amax(2).sum(1))
    torch.stack(columns, 1)


WAYS: dict[str, Score] = {"table": whole_table, "blocks": in_blocks}
if KERNELS:
    WAYS["kernels"] = fused_maxsim.maxsim


def measured(
    work: str, dtype: str, way: str, call: Callable[[], object], operations: float, rate: float | None
) -> Row:
    """Times of a call, each the mean of about 50 ms of calls, and the memory of one."""
    try:
        # The first calls compile and fill caches.
        for _ in range(2):
            first = seconds(call, 1)
        if DEVICE.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        calls = max(1, int(0.05 / first))
        times = [1000 * seconds(call, calls) for _ in range(3 if first > 1 else 9)]
    except Exception as error:  # that a way or a tile fails is a result too
        torch.cuda.empty_cache()
        why = f"{type(error).__name__}: {error}".splitlines()[0]
        why = "does not fit" if isinstance(error, torch.OutOfMemoryError) else why
        return Row(work=work, dtype=dtype, way=way, failed=why)
    peak = torch.cuda.max_memory_allocated() / 1e9 if DEVICE.type == "cuda" else None
    share = operations / (sorted(times)[len(times) // 2] / 1000) / rate if rate else None
    return Row(work=work, dtype=dtype, way=way, times_ms=times, share=share, peak_gb=peak)


def seconds(call: Callable[[], object], times: int) -> float:
    """The mean time of several calls in a row, to the end of their work on the GPU."""
    wait()
    began = time.perf_counter()
    for _ in range(times):
        call()
    wait()
    return (time.perf_counter() - began) / times


def wait() -> None:
    """Until the GPU has done all its work."""
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
