"""Train the model that is shipped: `best`, with means of several runs where these help.

    python runs/shipped.py DATA SENTENCES OUT [--tunings 4] [--rewards 3] [--set NAME=VALUE ...]

DATA is Flickr8K as in docs/data.md, SENTENCES the file of extra sentences. The backbone is tuned several
times from the same alignment, with other seeds, and the captioner learns from rewards several times. The
mean of the weights of networks that began alike is better than each of them (Wortsman et al., 2022). Each GPU
takes one training at a time; without GPUs, trainings follow one another. What exists is not trained again.

OUT gets `first` (up to `align`), `tune.K`, `mean` and `captions` (up to the first captioner), `reward.K`, and
`run`, which `dvsa export` takes.
"""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import script
import soup
import torch
from jobs import at_once

from dvsa.data import load
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.recipes.file import with_settings
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.fit import fit
from dvsa.learn.runs.inputs import FitOptions
from dvsa.learn.runs.run import CONFIG, Run, read_config

TUNE, REWARD = "tune", "reward"


class Training:
    """The trainings of one model, each in a folder of OUT."""

    def __init__(self, recipe: Recipe, data: Path, sentences: Path, out: Path) -> None:
        """The recipe's captioner of frames must be its last stage: rewards are what changes with the seed."""
        self.recipe, self.data, self.sentences, self.out = ending_with(recipe, REWARD), data, sentences, out

    def fit(self, name: str, last: str, *, seed: int = 0, earlier: str | None = None) -> None:
        """Train up to and with a stage, on the GPU whose turn it is."""
        device = f"cuda:{seed % torch.cuda.device_count()}" if torch.cuda.is_available() else "cpu"
        options = FitOptions(
            seed=seed,
            device=device,
            sentences=self.sentences,
            earlier=None if earlier is None else self.out / earlier,
        )
        fit(self.recipe.until(last), load(self.data), self.out / name, options)

    def tune(self, seed: int) -> None:
        """Tune everything, from the common alignment."""
        self.fit(f"{TUNE}.{seed}", TUNE, seed=seed, earlier="first")

    def reward(self, seed: int) -> None:
        """Learn from rewards, from the common captioner."""
        out = self.out / f"{REWARD}.{seed}"
        if not (out / CONFIG).is_file():
            shutil.copytree(self.out / "captions", out)
            config = read_config(out) | {"seed": seed, "recipe": self.recipe.to_json()}
            (out / CONFIG).write_text(json.dumps(config, indent=2))
        self.fit(out.name, REWARD, seed=seed, earlier="mean")

    def mean(self, stage: str, count: int, name: str) -> None:
        """The mean of `count` runs after a stage."""
        if not (self.out / name / CONFIG).is_file():
            shutil.rmtree(self.out / name, ignore_errors=True)
            soup.write(
                [Run(self.out / f"{stage}.{k}", finished=False) for k in range(count)], stage, self.out / name
            )


def ending_with(recipe: Recipe, name: str) -> Recipe:
    """The recipe with one of its stages at the end."""
    last = [stage for stage in recipe.stages if stage.name == name]
    return replace(recipe, stages=(*(stage for stage in recipe.stages if stage.name != name), *last))


def train(training: Training, tunings: int, rewards: int) -> None:
    """All trainings and both means."""
    jobs = max(torch.cuda.device_count(), 1)
    training.fit("first", "align")
    at_once(min(jobs, tunings), training.tune, range(tunings))
    training.mean(TUNE, tunings, "mean")
    before = training.recipe.stages[-2].name
    training.fit("captions", before, earlier="mean")
    at_once(min(jobs, rewards), training.reward, range(rewards))
    training.mean(REWARD, rewards, "run")


def main() -> None:
    """Parse and train."""
    parser = script.parser(__doc__, "data", "sentences", "out")
    parser.add_argument("--tunings", type=int, default=4)
    parser.add_argument("--rewards", type=int, default=3)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="as in dvsa train")
    args = parser.parse_args()
    recipe = with_settings(RECIPES["best"](), args.set)
    train(Training(recipe, args.data, args.sentences, args.out), args.tunings, args.rewards)


if __name__ == "__main__":
    main()
