"""Where the time of a training step goes: the host, the launches, and the work on the GPU.

    python benchmarks/training_profile.py DATA [--recipe best] [--photographs 1280] [--out profile.json]

The recipe is trained on the first photographs of the training split, for one epoch a stage, under torch's
profiler. For each part of each stage the table has the mean milliseconds of a call: on the host, and busy on
the GPU; and how many kernels a call launches. Where the host's time is longer, the GPU waits for it. The
profiler itself slows the host down, by about a fifth.
"""

import tempfile
import time
from collections import defaultdict
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from common import facts, keep, parser
from torch.autograd.profiler_util import FunctionEvent
from torch.profiler import ProfilerActivity, profile

from dvsa.data import Dataset, load
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.recipes.file import with_settings
from dvsa.learn.runs.fit import fit
from dvsa.learn.runs.inputs import FitOptions

PARTS = (": inputs", ": gradients", ": update", ": evaluation")
"""Ends of the names that `dvsa.learn.loop.trainer` gives to the parts of its work."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """The mean of all calls of a part of a stage."""

    part: str
    calls: int
    host_ms: float
    gpu_ms: float
    kernels: float
    """Kernels that a call launches."""


def main() -> None:
    """Profile, print a table and write JSON."""
    options = parser(__doc__, "data")
    options.add_argument("--recipe", choices=RECIPES, default="best")
    options.add_argument("--photographs", type=int, default=1280)
    options.add_argument("--out", type=Path)
    args = options.parse_args()

    began = time.monotonic()
    recipe = with_settings(RECIPES[args.recipe](), ["train.epochs=1", "train.evaluate_every=1"])
    data = few(load(args.data).divided(), args.photographs)
    activities = [ProfilerActivity.CPU]
    if torch.cuda.is_available():
        activities.append(ProfilerActivity.CUDA)
    with tempfile.TemporaryDirectory() as folder, profile(activities=activities) as profiler:
        fit(recipe, data, Path(folder) / "run", FitOptions(quiet=True))

    rows = rows_of(profiler.events() or ())
    print("| part | calls | host, ms | GPU, ms | kernels |\n|---|---|---|---|---|")
    for row in rows:
        print(f"| {row.part} | {row.calls} | {row.host_ms:.1f} | {row.gpu_ms:.1f} | {row.kernels:.0f} |")
    if args.out:
        made = facts(began, data=data.name, recipe=args.recipe, photographs=args.photographs)
        keep(args.out, {"rows": [asdict(row) for row in rows], "facts": made})


def few(data: Dataset, photographs: int) -> Dataset:
    """The first photographs of the training split, and a tenth as many of val."""
    examples = (*data.split("train")[:photographs], *data.split("val")[: max(2, photographs // 10)])
    return replace(data, examples=examples)


def rows_of(events: "list[FunctionEvent] | tuple[()]") -> list[Row]:
    """The parts of all stages, in the order of their first calls."""
    spans: dict[str, list[FunctionEvent]] = defaultdict(list)
    for event in events:
        if event.name.endswith(PARTS) and event.device_type.name == "CPU":
            spans[event.name].append(event)
    return [
        Row(
            part=name,
            calls=len(calls),
            host_ms=sum(call.cpu_time_total for call in calls) / len(calls) / 1000,
            gpu_ms=sum(call.device_time_total for call in calls) / len(calls) / 1000,
            kernels=sum(map(launched, calls)) / len(calls),
        )
        for name, calls in spans.items()
    ]


def launched(event: FunctionEvent) -> int:
    """How many kernels an event and the events inside it launch."""
    return len(event.kernels) + sum(map(launched, event.cpu_children))


if __name__ == "__main__":
    main()
