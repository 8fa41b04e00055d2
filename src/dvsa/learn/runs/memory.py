"""What a continued model should not forget: photographs that are replayed, and figures on the old data."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import torch

from dvsa import files
from dvsa.data import Dataset
from dvsa.learn.loop import processes
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.inputs import FitOptions, Inputs, Tell
from dvsa.learn.tasks.alignment import AlignmentStage, AlignmentTask
from dvsa.learn.tasks.corpus import Corpus
from dvsa.learn.tasks.replay import Replay
from dvsa.text import Vocabulary

REPLAYED = 300
"""How many photographs are replayed if their data set is at hand."""


def last_alignment(recipe: Recipe) -> AlignmentStage | None:
    """The stage that decides how photographs and sentences match; None if none is trained."""
    return next((s for s in reversed(recipe.stages) if isinstance(s, AlignmentStage)), None)


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What a run does against forgetting."""

    replay: Replay | None
    """What is replayed: photographs of the remembered data set, else those that the bundle carries."""
    recall: "Recall | None"
    """What measures how much is kept; None unless the data set is at hand."""
    tell: Tell

    @classmethod
    def of(
        cls, inputs: Inputs, model: JointModel, recipe: Recipe, device: torch.device, options: FitOptions
    ) -> "Memory":
        """Prepare it for a network that is to be continued; nothing for other runs.

        Raises:
            ValueError: what the bundle carries is invalid.
        """
        stage, quiet, tell = last_alignment(recipe), options.quiet, options.tell
        if inputs.warm_start is None or stage is None:
            return cls(replay=None, recall=None, tell=tell)

        recall, replay = None, inputs.warm_start.replay
        if inputs.remembered is not None:
            examples = inputs.remembered.split("train", restval=True)
            replay = Replay.of(
                model.vision.cpu(), examples, stage.proposer, stage.nms, count=REPLAYED, quiet=quiet
            )
            recall = Recall(
                inputs.remembered, inputs.vocabulary, model.to(device), stage, device, quiet=quiet
            )
        if replay is None:
            tell("the model may forget what it has learned: --remember DATA replays some of it")
        else:
            tell(f"replays {len(replay)} photographs that the bundle has learned from")
        return cls(replay=replay, recall=recall, tell=tell)

    def report(self, model: JointModel, out: Path) -> None:
        """Say how much of the old mean recall is kept, if it is known, and write it to `remembered.json`."""
        if self.recall is not None and processes.rank() == 0:
            kept = self.recall.compared(model)
            files.write(out / "remembered.json", json.dumps(kept._asdict(), indent=1).encode())
            self.tell(str(kept))


class Recall:
    """The mean recall on the validation split of the remembered data set."""

    def __init__(
        self,
        data: Dataset,
        vocabulary: Vocabulary,
        model: JointModel,
        stage: AlignmentStage,
        device: torch.device,
        *,
        quiet: bool = False,
    ) -> None:
        """Measure the model before the training, which must not change what its features depend on."""
        self.name, val = data.name, data.split("val")
        self.corpus = Corpus(val[:1], val, vocabulary, model.vision.size, device, quiet=quiet)
        self.stage = replace(stage, grounding=0.0)
        self.before = self(model)

    @torch.no_grad()
    def __call__(self, model: JointModel) -> float:
        task = AlignmentTask(self.stage, model.eval(), self.corpus)
        return task.evaluate(model)["mean recall"]

    def compared(self, model: JointModel) -> "Kept":
        """The figures before the training and of a model after it."""
        return Kept(self.name, len(self.corpus.val), self.before, self(model))


class Kept(NamedTuple):
    """The mean recall on old photographs before and after a training."""

    data: str
    photographs: int
    before: float
    after: float

    def __str__(self) -> str:
        share = f": {100 * self.after / self.before:.0f}% kept" if self.before else ""
        what = f"mean recall on the {self.photographs} val photographs of {self.data}"
        return f"{what}: {self.before:.1f} before, {self.after:.1f} after{share}"
