"""What each part of the recipe `best` contributes: the same run without that part, judged on val.

    python runs/ablation.py DATA SENTENCES RUN OUT [--jobs N] [--only NAME ...] [--captions NAME ...]

DATA is Flickr8K as in docs/data.md, SENTENCES the additional sentences that the recipe reads, RUN a run of
the recipe on both. RUN may still be in training: each variant waits for the stages that it shares with RUN,
and reuses them. OUT gets runs/NAME and figures/ablation.NAME.json; what exists already is not made again.
Variants have no captioners. Other uses of RUN's own captioners are judged in figures/captions.NAME.json.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import script
from jobs import at_once

from dvsa import evaluation
from dvsa.data import Dataset, load
from dvsa.evaluation import Judged, encode
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.fit import fit
from dvsa.learn.runs.inputs import FitOptions
from dvsa.learn.runs.reuse import Plan, shared_weights
from dvsa.learn.runs.run import Run
from dvsa.learn.ship.torch_bundle import torch_model
from dvsa.learn.tasks.stage import Stage
from dvsa.metrics.figures import Report

WHOLE = "best"
"""The whole recipe; the others are compared with it."""


def as_it_is(recipe: Recipe) -> Recipe:
    """No change."""
    return recipe


class Variant(NamedTuple):
    """A change of what is trained, or of how it is used."""

    learn: Callable[[Recipe], Recipe] = as_it_is
    use: Callable[[Recipe], Recipe] = as_it_is
    reads: bool = True
    """Whether it reads the additional sentences."""


def without(*names: str) -> Callable[[Recipe], Recipe]:
    """The recipe without some stages."""
    return lambda recipe: replace(recipe, stages=tuple(s for s in recipe.stages if s.name not in names))


def tasks(recipe: Recipe, names: Iterable[str], **changes: object) -> Recipe:
    """The recipe with other task options in some stages."""

    def changed(stage: Stage) -> Stage:
        return replace(stage, **changes) if stage.name in names else stage  # type: ignore[arg-type]

    return replace(recipe, stages=tuple(map(changed, recipe.stages)))


def vision(recipe: Recipe, **changes: object) -> Recipe:
    """The recipe with other options of its vision network."""
    return replace(recipe, vision=replace(recipe.vision, **changes))  # type: ignore[arg-type]


UNTUNED = without("tune", "settle")


def untuned(**changes: object) -> Callable[[Recipe], Recipe]:
    """The recipe without training of the backbone, and with other options; compare it with `no tuning`."""
    return lambda recipe: vision(UNTUNED(recipe), **changes)


VARIANTS = {
    WHOLE: Variant(),
    "no reading": Variant(without("read"), reads=False),
    "reading Flickr8K alone": Variant(reads=False),
    "no grounding": Variant(partial(tasks, names=("align", "tune"), grounding=0.0)),
    "tuning on flips alone": Variant(partial(tasks, names=("tune",), min_window=1.0, max_window=1.0)),
    "tuning on nearer views alone": Variant(partial(tasks, names=("tune",), max_window=1.0)),
    "no settling": Variant(without("settle")),
    "NMS chooses the regions in use": Variant(use=lambda recipe: replace(recipe, proposer="head")),
    "phrases go to their best regions": Variant(use=lambda recipe: replace(recipe, sharpness=0.0)),
    "no look at the mirror image": Variant(use=partial(vision, both_ways=False)),
    "no tuning": Variant(UNTUNED),
    "no tuning, no context layer": Variant(untuned(context_layers=0)),
    "no tuning, no geometry": Variant(untuned(geometry=False)),
    "no tuning, a proposal head half as wide": Variant(untuned(proposal_width=128)),
}

CAPTIONS: dict[str, Callable[[Recipe], Recipe]] = {
    WHOLE: as_it_is,
    "no reward": without("reward"),
    "no reranking": lambda recipe: replace(recipe, rerank=0.0),
    "a beam of 5": lambda recipe: replace(recipe, beam=5),
    "the likeliest, whatever its length": lambda recipe: replace(recipe, rerank=0.0, length_power=0.0),
    "seen without the mirror image": partial(vision, both_ways=False),
}
"""Other uses of a run's captioners, and the captioner before the training on rewards."""


class Ablation:
    """All variants on one data set."""

    def __init__(self, data: Path, sentences: Path, run: Path, out: Path, jobs: int) -> None:
        self.data: Dataset = load(data)
        self.sentences, self.run, self.out, self.jobs = sentences, run, out, jobs

    def do(self, names: Iterable[str], captions: Iterable[str]) -> None:
        """Train and judge the variants, then judge the captions, several at a time."""
        at_once(self.jobs, self.one, names)
        at_once(self.jobs, self.spoken, captions)

    def one(self, name: str) -> None:
        """Train a variant and judge it."""
        path = self.out / "figures" / f"ablation.{name}.json"
        if path.is_file():
            return
        began = time.monotonic()
        variant, folder = VARIANTS[name], self.out / "runs" / name.replace(" ", "-")
        recipe = variant.learn(RECIPES["best"]())
        recipe = replace(recipe, stages=recipe.joint_stages)

        self.wait(recipe, variant.reads)
        sentences = self.sentences if variant.reads else None
        options = FitOptions(sentences=sentences, earlier=self.run, quiet=self.jobs > 1)
        fit(recipe, self.data, folder, options)
        for last in folder.glob("*/last.safetensors"):
            last.unlink()  # holds the state of the optimiser, which is not needed any more

        run = Run(folder)
        run.recipe = variant.use(run.recipe)
        self.tell(path, self.judge(run), began)

    def spoken(self, name: str) -> None:
        """Judge the captions of the run, used in another way."""
        path = self.out / "figures" / f"captions.{name}.json"
        if path.is_file():
            return
        began, run = time.monotonic(), Run(self.run)
        run.recipe = CAPTIONS[name](run.recipe)
        self.tell(path, evaluation.captions(torch_model(run), self.data.split("val")).report, began)

    def tell(self, path: Path, report: Report, began: float) -> None:
        """Write a report, and how it was made."""
        val = self.data.split("val")
        facts = script.facts(began, data=self.data.name, split="val", N=len(val), seed=0)
        script.keep(path, {**report.to_json(), "facts": facts})
        print(path.stem, f"{facts['seconds']:.0f} s", flush=True)

    def wait(self, recipe: Recipe, reads: bool) -> None:
        """Wait until the run has trained what it shares with a recipe; vocabularies may differ."""
        while not (self.run / "vocabulary.tsv").is_file():
            time.sleep(1)
        theirs = Run(self.run, finished=False)
        words = theirs.vocabulary.words
        own, lender = Plan(recipe, words if reads else ()), Plan(theirs.recipe, words)
        for stage in recipe.stages:
            while shared_weights(stage, own, lender) and not theirs.has(stage):
                time.sleep(1)

    def judge(self, run: Run) -> Report:
        """Ranking and grounding on val, in one report."""
        model, val = torch_model(run), self.data.split("val")
        encoded = encode(model, val)
        ranking = evaluation.ranking(model, val, encoded=encoded)
        return joined(ranking, evaluation.grounding(model, val, encoded=encoded))


def joined(ranking: Judged, grounding: Judged) -> Report:
    """The figures of both in one report; those of ranking begin with `p2s` and `s2p`."""
    figures = dict(grounding.report.figures)
    for side, name in (("p2s", "photo_to_sentence"), ("s2p", "sentence_to_photo")):
        part = ranking.report.parts[name]
        figures |= {f"{side} {key}": figure for key, figure in part.figures.items()}
    return replace(grounding.report, figures=figures)


def main() -> None:
    """Parse, train, judge."""
    parser = script.parser(__doc__, "data", "sentences", "run", "out")
    parser.add_argument("--jobs", type=int, default=1, help="variants at a time")
    parser.add_argument("--only", nargs="*", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--captions", nargs="*", choices=CAPTIONS, default=list(CAPTIONS))
    args = parser.parse_args()
    Ablation(args.data, args.sentences, args.run, args.out, args.jobs).do(args.only, args.captions)


if __name__ == "__main__":
    main()
