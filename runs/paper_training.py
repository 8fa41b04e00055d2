"""The training of `runs/paper.py`: every run of the paper's tables, several at a time if asked."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from jobs import at_once
from script import device, keep

from dvsa.data import Dataset
from dvsa.learn.recipes import paper
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.runs.fit import fit
from dvsa.learn.runs.inputs import FitOptions, has_boxes
from dvsa.learn.runs.proposer import TRAINED

ABLATION = ("frame", "frame-map", "defrag", "bag", "rnn", "brnn-map", "brnn-both", "brnn")
"""Rows of the ranking table, each with every seed."""

BY_BETA = {
    "paper": paper.paper,
    "paper-lstm": paper.lstm,
    "paper-region": paper.region,
    "paper-beside": paper.beside,
}
"""The recipes whose captioner of regions learns from segments of a given beta."""


class Job(NamedTuple):
    """One run of the recipe `paper-NAME`, or of `paper` if the name is empty."""

    name: str
    seed: int = 0
    earlier: str | None = None
    """The run whose regions and alignment are reused."""
    beta: float | None = None
    """Of the segments; the recipe's default if None."""

    @property
    def recipe(self) -> str:
        """The name of its recipe."""
        return f"paper-{self.name}" if self.name else "paper"

    @property
    def folder(self) -> str:
        """The name of the run's folder."""
        candidate = self.name == "region"
        return f"region.beta{self.beta:g}" if candidate else f"{self.name or 'paper'}.{self.seed}"


class Training:
    """All runs on one data set; finished runs are not trained again."""

    def __init__(self, data: Dataset, out: Path, seeds: int, jobs: int, proposer: str | None = None) -> None:
        self.data, self.out, self.seeds, self.jobs = data, out, seeds, jobs
        self.proposer = proposer
        self.boxed = has_boxes(data.split("train", restval=True)) and has_boxes(data.split("val"))

    def ablation(self) -> None:
        """Every row and seed. All share one proposal head, unless their boxes come from elsewhere."""
        trained = self.boxed and self.proposer in (None, TRAINED)
        if trained:
            self.do([Job("regions")])
        regions = Job("regions").folder if trained else None
        self.do([Job(name, seed, regions) for seed in range(self.seeds) for name in ABLATION])

    def candidates(self, betas: Sequence[float]) -> None:
        """A captioner of regions for each beta, on the alignment of the first BRNN."""
        self.do([Job("region", 0, Job("brnn").folder, beta) for beta in betas])

    def captioners(self, beta: float | None) -> None:
        """The paper's two RNNs with every seed, its LSTM, and the RNN that also sees the frame."""
        named = [Job(name, 0, Job("brnn").folder, beta) for name in ("lstm", "beside")]
        seeded = [Job("", seed, Job("brnn", seed).folder, beta) for seed in range(self.seeds)]
        self.do([*seeded, *named])

    def do(self, jobs: Sequence[Job]) -> None:
        """Train runs that do not depend on one another."""
        at_once(self.jobs, self.run, jobs)

    def run(self, job: Job) -> None:
        """Train one run, and keep how long it took."""
        recipe = RECIPES[job.recipe]() if job.beta is None else BY_BETA[job.recipe](job.beta)
        folder = self.out / "runs" / job.folder
        if (folder / "seconds.json").is_file():
            return

        began = time.time()
        earlier = self.out / "runs" / job.earlier if job.earlier else None
        options = FitOptions(seed=job.seed, earlier=earlier, proposer=self.proposer, quiet=self.jobs > 1)
        fit(recipe, self.data, folder, options)
        for last in folder.glob("*/last.safetensors"):
            last.unlink()  # holds the state of the optimiser, which is not needed any more
        seconds = time.time() - began
        made = {"began": began, "seconds": seconds, "device": device(), "at once": self.jobs}
        keep(folder / "seconds.json", made)
        print(job.folder, f"{seconds:.0f} s", flush=True)
