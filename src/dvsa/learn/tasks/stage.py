"""Stages: one training of one network. Each kind of stage is a type, in the module of its task."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from dvsa.learn.loop.config import TrainConfig
from dvsa.learn.nets.captioner import CaptionerConfig
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.tasks.context import Context
from dvsa.records import Subject

WORDS = ("sentence.",)
"""Prefixes of the names of the weights of the sentence encoder."""
BOXES = ("vision.backbone.", "vision.proposals.")
"""Prefixes of the names of the weights on which the proposed boxes depend."""
ALL = ("",)
"""The prefix of all weights."""
NONE: tuple[str, ...] = ()

GENTLY = 0.3
"""Factor on a stage's learning rate after a warm start."""
STEPS = 10
"""Minimum steps of an epoch after a warm start; with few photographs, batches are smaller."""
SMALLEST = 10
"""The smallest batch after a warm start, in photographs or sentences."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WarmData:
    """What a warm start has to learn from."""

    photographs: int
    boxed: bool
    """Whether any phrase of the training split has a box."""


@dataclass(frozen=True, kw_only=True)
class Stage(ABC):
    """One training of one network. The fields are its options; its folder in a run has its name."""

    kind: ClassVar[str]
    """The name of its type in JSON."""
    weights: ClassVar[tuple[str, ...]]
    """Prefixes of the names of the joint model's weights that it may change."""

    name: str
    train: TrainConfig

    @abstractmethod
    def run(self, model: JointModel, context: Context) -> JointModel:
        """Train, and return the joint model after the stage."""

    @abstractmethod
    def warm(self, data: WarmData, before: Sequence["Stage"]) -> "Stage | None":
        """The stage as it follows a warm start; None if it has nothing left to learn.

        Args:
            data: what the warm start learns from.
            before: the stages that come before it after the warm start.
        """

    def with_proposer(self, proposer: str) -> "Stage | None":
        """The stage on regions from another proposer; None if it would have nothing left to learn."""
        return self

    def with_frozen_proposals(self) -> "Stage | None":
        """The stage where a frozen network proposes the boxes; None if it has nothing left to learn."""
        return self

    def on_given_features(self) -> "Stage | None":
        """The stage where features of regions come from files; None if it has nothing left to learn."""
        return self

    def without_boxes(self) -> "Stage | None":
        """The stage for data without phrase boxes; None if it has nothing left to learn."""
        return self

    def gently(self, data: WarmData) -> Self:
        """The same stage with a lower learning rate, and with batches that suit few photographs.

        It ends when it gains nothing more: what has been learned before is soon adapted.
        """
        cfg = self.train
        batch = min(cfg.batch, max(SMALLEST, data.photographs // STEPS))
        warmup = min(cfg.warmup, cfg.epochs)  # a tenth of the steps, if an epoch has just STEPS
        lr, patience = GENTLY * cfg.lr, 2
        return replace(self, train=replace(cfg, batch=batch, warmup=warmup, lr=lr, patience=patience))


@dataclass(frozen=True, kw_only=True)
class WritingStage(Stage, ABC):
    """A stage that trains a captioner. It leaves the joint model as it is."""

    weights: ClassVar[tuple[str, ...]] = NONE

    captioner: CaptionerConfig
    proposer: str = "head"
    nms: float = 0.5
    after: str = ""
    """The stage whose captioner it continues; empty for a new one."""

    @property
    @abstractmethod
    def writes_of(self) -> tuple[Subject, ...]:
        """What the captioner describes: `frame`, `region` or both."""

    def with_proposer(self, proposer: str) -> "Stage":
        return self if self.proposer == "frame" else replace(self, proposer=proposer)
