"""The stage that trains the proposal head on the boxes of phrases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from dvsa.learn.nets.joint import JointModel
from dvsa.learn.tasks.context import Context
from dvsa.learn.tasks.corpus import Corpus
from dvsa.learn.tasks.features import look_autocast
from dvsa.learn.tasks.stage import BOXES, Stage, WarmData
from dvsa.learn.tasks.visual import View, VisualStage, VisualTask, proposal_recall

TRAINED = ("head", "coverage")
"""The proposers that choose among the candidates of a proposal head."""


@dataclass(frozen=True, kw_only=True)
class ProposalStage(VisualStage):
    """Train the proposal head, and the backbone if `lr` names it."""

    kind: ClassVar[str] = "proposals"
    weights: ClassVar[tuple[str, ...]] = BOXES

    def run(self, model: JointModel, context: Context) -> JointModel:
        return context.train(ProposalTask(self, model, context.corpus), self.train)

    def warm(self, data: WarmData, before: Sequence[Stage]) -> None:
        """After a warm start the boxes stay as they are."""

    def with_proposer(self, proposer: str) -> "ProposalStage | None":
        """Fixed boxes need no proposal head."""
        return self if proposer in TRAINED else None

    def with_frozen_proposals(self) -> None:
        """Another network has learned to propose."""

    def on_given_features(self) -> None:
        """There are no photographs in which to find boxes."""

    def without_boxes(self) -> None:
        """There is nothing to learn from."""


class ProposalTask(VisualTask):
    """The goal is the share of boxed phrases that a proposal covers at IoU 0.5."""

    goal = "recall@0.5"
    recordable = False

    def __init__(self, stage: ProposalStage, model: JointModel, corpus: Corpus) -> None:
        """Raises ValueError if the data has no phrase boxes."""
        super().__init__(stage, model, corpus)
        self.require_boxes("the proposal head", "take the proposals of another bundle, or fixed boxes")

    def inputs(self, model: JointModel, batch: Sequence[int]) -> View:
        """Random windows of the photographs."""
        return self.view(batch, self.windows(len(batch)))

    def loss(self, model: JointModel, inputs: View) -> Tensor:
        """The proposal head's loss on the windows."""
        return self.proposal_loss(model, look_autocast(model.vision, inputs.pixels_BHWC), inputs)

    def evaluate(self, model: JointModel) -> Mapping[str, float]:
        """Recall of the proposals on the validation split."""
        return proposal_recall(model, self.corpus.val, self.stage.proposer, self.stage.nms)
