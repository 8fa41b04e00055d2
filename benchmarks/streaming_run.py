"""One training of benchmarks/streaming.py or scaling.py; prints what it has measured as JSON.

    python benchmarks/streaming_run.py DATA RUN --recipe NAME [--batch N] [--epochs N] [--silent]
        [--computed]

With `--silent` GPUs send each other no messages, and with `--computed` no step is recorded: to measure what
the messages cost, and what the recordings save.
"""

import time

BEGAN = time.monotonic()

import json  # noqa: E402, the clock comes first
import resource  # noqa: E402
from collections import defaultdict  # noqa: E402
from collections.abc import Sequence  # noqa: E402
from dataclasses import replace  # noqa: E402
from itertools import pairwise  # noqa: E402
from statistics import median  # noqa: E402

import torch  # noqa: E402
import torch.distributed as dist  # noqa: E402
from common import parser  # noqa: E402
from torch import Tensor  # noqa: E402

from dvsa.learn.loop import processes, trainer  # noqa: E402
from dvsa.learn.recipes.catalogue import RECIPES  # noqa: E402
from dvsa.learn.recipes.recipe import Recipe  # noqa: E402
from dvsa.learn.runs.fit import fit  # noqa: E402
from dvsa.learn.runs.inputs import FitOptions  # noqa: E402
from dvsa.learn.runs.large_data import load_for_training  # noqa: E402
from dvsa.learn.tasks.alignment import AlignmentStage  # noqa: E402
from dvsa.learn.tasks.rows_ahead import RowsAhead  # noqa: E402
from dvsa.learn.tasks.visual import HEADS  # noqa: E402

STEPS: dict[str, list[float]] = defaultdict(list)
"""When each step of a stage began."""
WAITS: dict[str, float] = defaultdict(float)
"""Seconds in which the steps of a stage stood still for rows."""
CHUNK = 20
"""How many steps are measured at once. The median over the chunks leaves out evaluations and recordings."""
NOW = [""]
"""The stage whose step is being done; empty between steps."""


def main() -> None:
    """Train and print."""
    options = parser(__doc__, "data", "run")
    options.add_argument("--recipe", choices=RECIPES, required=True)
    options.add_argument("--batch", type=int)
    options.add_argument("--epochs", type=int, default=1)
    options.add_argument("--silent", action="store_true")
    options.add_argument("--computed", action="store_true")
    args = options.parse_args()
    watch()
    if args.silent:
        silence()
    if args.computed:
        trainer._recorded = lambda task, device: False
    recipe = two_stages(RECIPES[args.recipe](), args.batch, args.epochs)
    with processes.joined():
        fit(recipe, load_for_training(args.data), args.run, FitOptions(quiet=True, proposer="grid"))
        if processes.rank() == 0:
            print(json.dumps(found(recipe)))


def found(recipe: Recipe) -> dict[str, float]:
    """What was measured."""
    sizes = {stage.name: stage.train.batch for stage in recipe.stages}
    spans = {stage: at[-1] - at[0] for stage, at in STEPS.items()}
    return {
        "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "first_step_s": STEPS["align"][0] - BEGAN,
        **{f"{name}_rate": sizes[name] / step_time(at) for name, at in STEPS.items()},
        **{f"{name}_waits": WAITS[name] / spans[name] for name in spans},
    }


def step_time(at: Sequence[float]) -> float:
    """Seconds of a step, from the times at which steps began."""
    if len(at) <= 2 * CHUNK:
        return (at[-1] - at[0]) / (len(at) - 1)
    chunks = at[::CHUNK]
    return median(later - earlier for earlier, later in pairwise(chunks)) / CHUNK


def two_stages(recipe: Recipe, batch: int | None, epochs: int) -> Recipe:
    """Alignment on features, and with the backbone in the loop; without boxes, evaluated at the end."""
    first = next(stage for stage in recipe.stages if isinstance(stage, AlignmentStage))
    train = replace(
        first.train, epochs=epochs, warmup=0, evaluate_every=epochs, batch=batch or first.train.batch
    )
    align = replace(first, name="align", lr=HEADS, flip=False, train=train)
    tune = replace(align, name="tune", lr=HEADS | {"vision.backbone.": 0.3}, flip=True)
    return replace(recipe, stages=(align, tune))


def watch() -> None:
    """Let the trainer and the rows say what they do."""
    step, rows = trainer._step, RowsAhead.__getitem__

    def watched_step(task: trainer.Task, *args: object) -> Tensor:  # type: ignore[type-arg]
        if len(STEPS[task.name]) % CHUNK == 0 and torch.cuda.is_available():
            torch.cuda.synchronize()  # so that a chunk begins when the GPU is done with the one before
        STEPS[task.name].append(time.monotonic())
        NOW[0] = task.name
        loss = step(task, *args)  # type: ignore[arg-type]
        NOW[0] = ""
        return loss

    def watched_rows(self: RowsAhead, index: slice | Sequence[int]) -> Tensor:
        began = time.monotonic()
        found = rows(self, index)
        WAITS[NOW[0]] += time.monotonic() - began
        return found

    trainer._step = watched_step  # type: ignore[assignment]
    RowsAhead.__getitem__ = watched_rows  # type: ignore[method-assign]


def silence() -> None:
    """Let every process take its own tensors for those of the others, without a message between GPUs.

    Messages between the hosts' programs, about shapes, remain.
    """
    gather, reduce = dist.all_gather_into_tensor, dist.all_reduce

    def gathered(of_all: Tensor, x: Tensor) -> object:
        if not x.is_cuda:
            return gather(of_all, x)
        return of_all.copy_(x.repeat(processes.count(), *[1] * (x.ndim - 1)))

    def reduced(x: Tensor, *args: dist.ReduceOp) -> object:
        return x.mul_(processes.count()) if x.is_cuda else reduce(x, *args)  # type: ignore[call-overload]

    dist.all_gather_into_tensor, dist.all_reduce = gathered, reduced  # type: ignore[assignment]


if __name__ == "__main__":
    main()
