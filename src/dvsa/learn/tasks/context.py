"""What all stages of a run share."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch

from dvsa.learn.loop.config import TrainConfig
from dvsa.learn.loop.loggers import Logger
from dvsa.learn.loop.recording import Inputs
from dvsa.learn.loop.state import Net
from dvsa.learn.loop.trainer import Task, train
from dvsa.learn.nets.captioner import Captioner, CaptionerConfig
from dvsa.learn.tasks.corpus import Corpus
from dvsa.learn.tasks.ragged import Ids
from dvsa.learn.tasks.replay import Replay
from dvsa.text import Vocabulary


class TrainedCaptioners(Protocol):
    """Captioners of an earlier model, by the name of the stage that continues their training."""

    def captioner(
        self, stage: str, cfg: CaptionerConfig, vocabulary: Vocabulary, features: int
    ) -> Captioner | None:
        """The network for a stage; None if the earlier model has none of this configuration."""
        ...


@dataclass(frozen=True, kw_only=True)
class Context:
    """The data, the seed and the folder of a run."""

    corpus: Corpus
    extra: Sequence[Sequence[Ids]] = ()
    """Extra sentences, one group for each photograph, for stages that need no pictures."""
    seed: int = 0
    folder: Path
    """Of the run; each stage writes into a folder of its own in it."""
    loggers: Sequence[Logger] = ()
    """Where figures go beside each stage's `log.jsonl`."""
    replay: Replay | None = None
    """What the model must not forget; None if it may."""
    warm_start: TrainedCaptioners | None = None
    """The model that the run continues; None for a run from the start."""

    @property
    def device(self) -> torch.device:
        """Where the networks are trained."""
        return self.corpus.device

    @property
    def vocabulary(self) -> Vocabulary:
        """The words that the run knows."""
        return self.corpus.vocabulary

    def train(self, task: Task[Net, Inputs], cfg: TrainConfig) -> Net:
        """Train a task in its own folder; the best network."""
        folder = self.folder / task.name
        quiet = self.corpus.quiet
        return train(task, cfg, folder, self.device, seed=self.seed, quiet=quiet, loggers=self.loggers)
