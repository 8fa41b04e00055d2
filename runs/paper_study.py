"""One data set, the runs that `runs/paper_training.py` makes on it, and the files with their figures."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import script
import torch
from numpy.typing import NDArray
from paper_training import Job, Training

from dvsa.data import Dataset, Example, load
from dvsa.evaluation import Encoded, Evidence, protocol
from dvsa.evaluation.writing import over_photographs, references_of_chains
from dvsa.files import write
from dvsa.learn.nets.vision_config import GEOMETRY
from dvsa.learn.runs.device import pick_device
from dvsa.learn.runs.run import Run
from dvsa.learn.ship.torch_bundle import torch_model
from dvsa.learn.tasks.features import region_features
from dvsa.learn.tasks.photographs import SquarePhotographs
from dvsa.learn.tasks.rows_ahead import whole
from dvsa.metrics.captions import score
from dvsa.metrics.figures import Report
from dvsa.model import Model

Keep = Callable[..., None]
"""Writes a report or other JSON values, and the evidence if there is any."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of `runs/paper.py`."""

    data: Path
    out: Path
    seeds: int = 3
    jobs: int = 1
    first: int | None = None
    allow_custom_split: bool = False
    proposer: str | None = None


class Study:
    """Everything that the steps of `runs/paper.py` share."""

    def __init__(self, options: Options) -> None:
        self.data: Dataset = load(options.data).divided()
        self.out, self.seeds, self.custom = options.out, options.seeds, options.allow_custom_split
        self.training = Training(self.data, self.out, self.seeds, options.jobs, options.proposer)
        self.boxed = self.training.boxed
        first = options.first
        self.figures = self.out / (f"figures-{first}" if first else "figures")
        self.splits = {"test": self.data.split("test")[:first], "val": self.data.split("val")}
        self.test = self.splits["test"]

    def run(self, name: str, seed: int = 0) -> Run:
        """A trained run of the paper's tables."""
        return Run(self.out / "runs" / Job(name, seed).folder)

    def model(self, name: str, seed: int = 0) -> Model:
        """The model of a run, after a check of the protocol."""
        model = torch_model(self.run(name, seed))
        protocol.check(model.bundle, self.data, self.test, allow_custom_split=self.custom)
        return model

    def encoded(self, name: str, seed: int, examples: Sequence[Example]) -> Encoded:
        """Photographs as a run sees them, from cached features that all runs on the same regions share."""
        run = self.run(name, seed)
        net = run.joint_model().vision.to(pick_device(None))
        photographs = SquarePhotographs(examples, net.size, pick_device(None))
        if photographs.faults:
            raise ValueError(f"{photographs.faults[0][1]}: mend it, since figures need every photograph")
        feature_KIF = whole(region_features(net, photographs, run.recipe.proposer, run.recipe.nms)).float()
        with torch.no_grad():
            parts = [net.regions(part).cpu() for part in torch.split(feature_KIF, 200)]

        described_KIF = feature_KIF.cpu().numpy()
        one_KI = np.ones(described_KIF.shape[:2], np.float32)
        return Encoded(described_KIF[..., -GEOMETRY:-1], one_KI, described_KIF, torch.cat(parts).numpy())

    @contextmanager
    def step(self, name: str, split: str = "test") -> Iterator[Keep | None]:
        """A function that writes the figures of a step; None if they exist already."""
        path = self.figures / f"{name}.json"
        if path.is_file():
            yield None
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()

        def keep(report: Report | Mapping[str, object], evidence: Evidence | None = None) -> None:
            values = report.to_json() if isinstance(report, Report) else report
            about = {"data": self.data.name, "split": split, "N": len(self.splits[split])}
            facts = script.facts(began, **about)
            if evidence is not None:
                write(path.with_suffix(".npz"), evidence.content())
            script.keep(path, {**values, "facts": facts})
            print(name, f"{facts['seconds']:.0f} s", flush=True)

        yield keep

    def best(self, what: str, choices: Sequence[float], phrases: Callable[[float], list[str]]) -> float:
        """The choice whose `phrases` of val's regions have the highest CIDEr."""
        references = references_of_chains(self.splits["val"])
        cider: dict[float, float] = {}
        for choice in choices:
            name = f"choice.{what}{choice:g}"
            with self.step(name, "val") as keep:
                if keep is not None:
                    texts = dict(zip(references, phrases(choice), strict=True))
                    scores = score(references, texts, with_meteor=False)
                    keep(over_photographs(scores, owners(scores.photos)))
            cider[choice] = json.loads((self.figures / f"{name}.json").read_text())["CIDEr"]
        return max(cider, key=lambda choice: cider[choice])


def owners(items: Sequence[str]) -> NDArray[np.int64]:
    """The photograph of each item `PHOTOGRAPH#CHAIN`, counted from 0 in the order of the items."""
    names = [item.rpartition("#")[0] for item in items]
    place = {name: k for k, name in enumerate(dict.fromkeys(names))}
    return np.array([place[name] for name in names])
