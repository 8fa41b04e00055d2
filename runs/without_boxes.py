"""What phrase boxes are worth: the recipe `best` on 300 photographs, with and without them.

    python runs/without_boxes.py DATA OUT [--photographs 300] [--seeds 1] [--jobs N] [--only NAME ...]

DATA is Flickr8K as in docs/data.md. Each run learns from the first photographs of the training split; a fifth
of them serves as its validation split. OUT gets runs/NAME.SEED, bundles/NAME.SEED and
figures/without_boxes.NAME.SEED.json: ranking, captions and grounding of the exported bundle on the whole test
split. What exists already is not made again.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import script
from ablation import joined
from jobs import at_once

import dvsa
from dvsa import evaluation
from dvsa.data import Dataset, Example, load
from dvsa.evaluation import encode
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.runs.fit import fit
from dvsa.learn.runs.inputs import FitOptions
from dvsa.learn.runs.run import Run
from dvsa.learn.ship.export import export


class Variant(NamedTuple):
    """Where the boxes of a run come from."""

    phrase_boxes: bool = False
    proposer: str | None = None


VARIANTS = {
    "boxes": Variant(phrase_boxes=True),
    "captions": Variant(),
    "captions-grid": Variant(proposer="grid"),
}
"""By name: with phrase boxes; with captions alone, so the shipped head proposes; and with fixed boxes."""


def few(data: Dataset, photographs: int, *, phrase_boxes: bool) -> Dataset:
    """The first photographs of the training split, divided into train and val."""
    chosen = data.split("train")[:photographs]
    return replace(data, examples=tuple(_placed(e, n, phrase_boxes) for n, e in enumerate(chosen)))


def _placed(example: Example, n: int, phrase_boxes: bool) -> Example:
    """The n-th example in its split; every fifth is in val."""
    split = "train" if n % 5 else "val"
    return replace(example, split=split, phrases=example.phrases if phrase_boxes else ())


def one(data: Dataset, out: Path, photographs: int, quiet: bool, job: tuple[str, int]) -> None:
    """Train, export and judge one run."""
    name, seed = job
    folder = f"{name}.{seed}"
    path = out / "figures" / f"without_boxes.{folder}.json"
    if path.is_file():
        return
    began = time.monotonic()
    variant = VARIANTS[name]
    own = few(data, photographs, phrase_boxes=variant.phrase_boxes)
    options = FitOptions(seed=seed, proposer=variant.proposer, quiet=quiet, tell=print)
    fit(RECIPES["best"](), own, out / "runs" / folder, options)

    bundle = out / "bundles" / folder
    if not bundle.is_dir():
        export(Run(out / "runs" / folder), bundle)
    model, test = dvsa.load(bundle), data.split("test")
    encoded = encode(model, test)
    report = joined(
        evaluation.ranking(model, test, encoded=encoded), evaluation.grounding(model, test, encoded=encoded)
    )
    captions = evaluation.captions(model, test, encoded=encoded).report.figures
    report = replace(report, figures={**report.figures, **captions})
    facts = script.facts(began, data=data.name, split="test", N=len(test), photographs=photographs, seed=seed)
    script.keep(path, {**report.to_json(), "facts": facts})
    print(folder, f"{facts['seconds']:.0f} s", flush=True)


def main() -> None:
    """Parse, train, judge."""
    parser = script.parser(__doc__, "data", "out")
    parser.add_argument("--photographs", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--only", nargs="*", choices=VARIANTS, default=list(VARIANTS))
    args = parser.parse_args()

    jobs = [(name, seed) for seed in range(args.seeds) for name in args.only]
    work: Callable[[tuple[str, int]], None] = partial(
        one, load(args.data), args.out, args.photographs, args.jobs > 1
    )
    at_once(args.jobs, work, jobs)


if __name__ == "__main__":
    main()
