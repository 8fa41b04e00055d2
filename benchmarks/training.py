"""How long `runs/paper.py` would train on this machine, estimated from one epoch of each of its stages.

    python benchmarks/training.py FLICKR8K [--seeds 3] [--out training.json]

Each stage is trained for one epoch and evaluated. The table multiplies this time by the recipe's epochs and
by the number of runs that need the stage. Work that is done once, such as features of regions, counts once.
The sum is an upper estimate, because the real runs evaluate less often.
"""

import json
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from common import facts, keep, parser

from dvsa.data import Dataset, load
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.fit import fit
from dvsa.learn.runs.inputs import FitOptions

RUNS = {
    "paper-regions": None,
    "paper-frame": "paper-regions",
    "paper-defrag": "paper-regions",
    "paper-bag": "paper-regions",
    "paper-rnn": "paper-regions",
    "paper-brnn": "paper-regions",
    "paper-region": "paper-brnn",
    "paper": "paper-brnn",
    "paper-lstm": "paper-brnn",
    "paper-beside": "paper-brnn",
}
"""The recipes, each with the recipe whose stages it reuses."""

SEEDED = ("paper-frame", "paper-defrag", "paper-bag", "paper-rnn", "paper-brnn")
"""The recipes that are trained once for each seed."""

CANDIDATES = 4
"""Captioners of regions from which the beta of the segments is chosen."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """The time of one stage of a recipe, or of the work that the recipe does once."""

    run: str
    stage: str
    epoch_s: float
    epochs: int
    """Of all runs together."""


def main() -> None:
    """Measure, print a table and write JSON."""
    options = parser(__doc__, "data")
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--out", type=Path)
    args = options.parse_args()

    began, data = time.monotonic(), load(args.data)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in RUNS:
            rows += stage_times(name, data, Path(folder), args.seeds)

    hours = sum(row.epoch_s * row.epochs for row in rows) / 3600
    print("| run | stage | seconds per epoch | epochs |\n|---|---|---|---|")
    for row in rows:
        print(f"| {row.run} | {row.stage} | {row.epoch_s:.1f} | {row.epochs} |")
    print(f"\nIn total {hours:.1f} hours on {torch.get_num_threads()} CPU threads.")

    if args.out:
        made = facts(began, data=data.name)
        keep(args.out, {"hours": hours, "rows": [asdict(row) for row in rows], "facts": made})


def stage_times(name: str, data: Dataset, folder: Path, seeds: int) -> list[Row]:
    """Train a recipe with one epoch per stage; a row for each stage, and one for the work done once."""
    began, earlier = time.monotonic(), RUNS[name]
    options = FitOptions(earlier=folder / earlier if earlier else None)
    fit(one_epoch(RECIPES[name]()), data, folder / name, options)
    once = time.monotonic() - began

    rows: list[Row] = []
    runs = {"paper-region": CANDIDATES} | dict.fromkeys(SEEDED, seeds)
    for stage in RECIPES[name]().stages:
        log = folder / name / stage.name / "log.jsonl"
        if not log.is_file():
            continue  # the stage was reused
        seconds = json.loads(log.read_text())["seconds"]
        epochs = stage.train.epochs * runs.get(name, 1)
        rows.append(Row(run=name, stage=stage.name, epoch_s=seconds, epochs=epochs))
        once -= seconds
    return [*rows, Row(run=name, stage="once", epoch_s=once, epochs=1)]


def one_epoch(recipe: Recipe) -> Recipe:
    """The recipe with one epoch per stage."""
    stages = tuple(
        replace(stage, train=replace(stage.train, epochs=1, evaluate_every=1)) for stage in recipe.stages
    )
    return replace(recipe, stages=stages)


if __name__ == "__main__":
    main()
