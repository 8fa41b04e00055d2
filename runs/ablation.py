"""What each part of the recipe `best` is worth: the same run without it, judged on the validation split.

    python runs/ablation.py DATA SENTENCES RUN OUT [--jobs N] [--only NAME ...] [--captions NAME ...]

DATA is Flickr8K as docs/data.md says, SENTENCES what the recipe reads beside it, RUN a run of the recipe on
both, which may still be in training: each variant waits for the stages that it leaves as they are, and takes
them over. OUT gets runs/NAME and figures/ablation.NAME.json. What is done is not done again. Captioners are
left out there; how the run's own captioners are used is judged beside, in figures/captions.NAME.json.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from jobs import at_once
from provenance import commit, device

from dvsa import evaluation
from dvsa.data import Dataset, load
from dvsa.evaluation import Judged, encode
from dvsa.learn.recipes.modern import RECIPES
from dvsa.learn.recipes.recipe import Recipe, Stage
from dvsa.learn.runs.run import Run, fit
from dvsa.learn.ship import torch_bundle as live
from dvsa.learn.tasks.captions import CaptionOptions
from dvsa.metrics.figures import Report
from dvsa.text import Vocabulary

WHOLE = "best"
"""The recipe that nothing is left out of; the others are compared with it."""


def as_it_is(recipe: Recipe) -> Recipe:
    """No change."""
    return recipe


class Variant(NamedTuple):
    """A change of what is learnt, or of how it is used."""

    learn: Callable[[Recipe], Recipe] = as_it_is
    use: Callable[[Recipe], Recipe] = as_it_is
    reads: bool = True
    """Whether it reads more than its own data's sentences."""


def without(*names: str) -> Callable[[Recipe], Recipe]:
    """The recipe without some stages."""
    return lambda recipe: replace(recipe, stages=tuple(s for s in recipe.stages if s.name not in names))


def tasks(recipe: Recipe, names: Iterable[str], **changes: object) -> Recipe:
    """The recipe with other options of some stages' tasks."""

    def changed(stage: Stage) -> Stage:
        return replace(stage, task=replace(stage.task, **changes)) if stage.name in names else stage  # type: ignore[arg-type]

    return replace(recipe, stages=tuple(map(changed, recipe.stages)))


def vision(recipe: Recipe, **changes: object) -> Recipe:
    """The recipe with another photograph's side."""
    return replace(recipe, vision=replace(recipe.vision, **changes))  # type: ignore[arg-type]


UNTUNED = without("tune", "settle")


def untuned(**changes: object) -> Callable[[Recipe], Recipe]:
    """The recipe that never trains the trunk, with another photograph's side; its twin is `no tuning`."""
    return lambda recipe: vision(UNTUNED(recipe), **changes)


VARIANTS = {
    WHOLE: Variant(),
    "no reading": Variant(without("read"), reads=False),
    "reading Flickr8K alone": Variant(reads=False),
    "no grounding": Variant(partial(tasks, names=("align", "tune"), grounding=0.0)),
    "tuning on flips alone": Variant(partial(tasks, names=("tune",), least=1.0, most=1.0)),
    "tuning on nearer views alone": Variant(partial(tasks, names=("tune",), most=1.0)),
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
"""Other uses of a run's captioners, and of the one that rewards have not yet changed."""


class Ablation:
    """All variants on one data set."""

    def __init__(self, data: Path, sentences: Path, run: Path, out: Path, jobs: int) -> None:
        self.data: Dataset = load(data)
        self.sentences, self.run, self.out, self.jobs = sentences, run, out, jobs

    def do(self, names: Iterable[str], captions: Iterable[str]) -> None:
        """Several at a time."""
        at_once(self.jobs, self.one, names)
        at_once(self.jobs, self.spoken, captions)

    def one(self, name: str) -> None:
        """Train a variant and judge it."""
        path = self.out / "figures" / f"ablation.{name}.json"
        if path.is_file():
            return
        began = time.time()
        variant, folder = VARIANTS[name], self.out / "runs" / name.replace(" ", "-")
        recipe = variant.learn(RECIPES["best"]())
        learnt = tuple(s for s in recipe.stages if not isinstance(s.task, CaptionOptions))
        recipe = replace(recipe, stages=learnt)
        self.wait(recipe, variant.reads)
        fit(
            recipe,
            self.data,
            folder,
            sentences=self.sentences if variant.reads else None,
            earlier=self.run,
            quiet=self.jobs > 1,
        )
        for last in folder.glob("*/last.safetensors"):
            last.unlink()  # the optimiser's memory is of no use any more
        run = Run(folder)
        run.recipe = variant.use(run.recipe)
        self.tell(path, self.judge(run), began)

    def spoken(self, name: str) -> None:
        """Judge the captions of the run in another use."""
        path = self.out / "figures" / f"captions.{name}.json"
        if path.is_file():
            return
        began, run = time.time(), Run(self.run)
        run.recipe = CAPTIONS[name](run.recipe)
        self.tell(path, evaluation.captions(live.model(run), self.data.split("val")).report, began)

    def tell(self, path: Path, report: Report, began: float) -> None:
        """Write a report and what it was made with."""
        val = self.data.split("val")
        facts: dict[str, object] = {"data": self.data.name, "split": "val", "N": len(val), "seed": 0}
        facts |= {"commit": commit(), "command": " ".join(sys.argv), "device": device()}
        facts |= {"seconds": time.time() - began}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({**report.to_json(), "facts": facts}, indent=1, allow_nan=False))
        print(path.stem, f"{facts['seconds']:.0f} s", flush=True)

    def wait(self, recipe: Recipe, reads: bool) -> None:
        """Until the run has learnt what it shares with a recipe; one that reads less has other words."""
        while not (self.run / "vocabulary.tsv").is_file():
            time.sleep(1)
        theirs = Run(self.run, finished=False)
        vocabulary = theirs.vocabulary if reads else Vocabulary((), (), 0)
        for stage in recipe.stages:
            while theirs.shared(stage, recipe, vocabulary) and not theirs.has(stage):
                time.sleep(1)

    def judge(self, run: Run) -> Report:
        """Ranking and grounding on val, in one flat report."""
        model, val = live.model(run), self.data.split("val")
        seen = encode(model, val)
        return joined(
            evaluation.ranking(model, val, encoded=seen), evaluation.grounding(model, val, encoded=seen)
        )


def joined(ranking: Judged, grounding: Judged) -> Report:
    """The figures of both in one report; those of ranking begin with `p2s` and `s2p`."""
    figures = dict(grounding.report.figures)
    for side, name in (("p2s", "photo_to_sentence"), ("s2p", "sentence_to_photo")):
        part = ranking.report.parts[name]
        figures |= {f"{side} {key}": figure for key, figure in part.figures.items()}
    return replace(grounding.report, figures=figures)


def main() -> None:
    """Parse, train, judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("sentences", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--jobs", type=int, default=1, help="variants at a time")
    parser.add_argument("--only", nargs="*", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--captions", nargs="*", choices=CAPTIONS, default=list(CAPTIONS))
    args = parser.parse_args()
    Ablation(args.data, args.sentences, args.run, args.out, args.jobs).do(args.only, args.captions)


if __name__ == "__main__":
    main()
