"""How long `runs/paper.py` trains on this machine, from one epoch of each of its stages.

    python benchmarks/training.py FLICKR8K [--seeds 3] [--out training.json]

Each stage learns for one epoch, with its evaluation; the table multiplies that by the recipe's epochs and by
the runs that need it. What is computed once, such as features of regions, counts once. So the sum is an
estimate, and says too much rather than too little: evaluations are rarer in the real runs.
"""

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch

from dvsa.data import load
from dvsa.learn.recipes.modern import RECIPES
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.run import fit

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
"""The recipes, and whose stages each takes over."""
SEEDED = ("paper-frame", "paper-defrag", "paper-bag", "paper-rnn", "paper-brnn")
CANDIDATES = 4
"""Captioners of regions from which the beta of the segments is chosen."""


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    data, rows = load(args.data), []
    with tempfile.TemporaryDirectory() as folder:
        for name, earlier in RUNS.items():
            began = time.monotonic()
            source = Path(folder, earlier) if earlier else None
            fit(short(RECIPES[name]()), data, Path(folder, name), earlier=source)
            once = time.monotonic() - began
            for stage in RECIPES[name]().stages:
                log = Path(folder, name, stage.name, "log.jsonl")
                if not log.is_file():
                    continue  # taken over
                epoch = json.loads(log.read_text())["seconds"]
                runs = {"paper-region": CANDIDATES} | dict.fromkeys(SEEDED, args.seeds)
                times = stage.train.epochs * runs.get(name, 1)
                rows.append({"run": name, "stage": stage.name, "epoch_s": epoch, "epochs": times})
                once -= epoch
            rows.append({"run": name, "stage": "once", "epoch_s": once, "epochs": 1})
    hours = sum(row["epoch_s"] * row["epochs"] for row in rows) / 3600
    print("| run | stage | seconds an epoch | epochs |\n|---|---|---|---|")
    for row in rows:
        print(f"| {row['run']} | {row['stage']} | {row['epoch_s']:.1f} | {row['epochs']} |")
    print(f"\nAll together {hours:.1f} hours on {torch.get_num_threads()} CPU threads.")
    if args.out:
        args.out.write_text(json.dumps({"hours": hours, "rows": rows}, indent=1))


def short(recipe: Recipe) -> Recipe:
    """The recipe with one epoch a stage."""
    stages = tuple(
        replace(stage, train=replace(stage.train, epochs=1, evaluate_every=1)) for stage in recipe.stages
    )
    return replace(recipe, stages=stages)


if __name__ == "__main__":
    main()
