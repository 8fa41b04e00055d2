"""The stage that trains the proposal head on the boxes of phrases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torchvision.ops import box_iou  # type: ignore[import-untyped]

from dvsa.learn.loop.order import chunks
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.nets.regions import choose_boxes
from dvsa.learn.tasks.context import Context
from dvsa.learn.tasks.corpus import Corpus
from dvsa.learn.tasks.features import SquarePhotographs, look
from dvsa.learn.tasks.stage import BOXES, Stage, WarmData
from dvsa.learn.tasks.visual import VisualStage, VisualTask

EVALUATED = 50
"""Photographs that are evaluated at once."""


@dataclass(frozen=True, kw_only=True)
class ProposalStage(VisualStage):
    """Train the proposal head, and the backbone if `lr` names it."""

    kind: ClassVar[str] = "proposals"
    weights: ClassVar[tuple[str, ...]] = BOXES

    def run(self, model: JointModel, context: Context) -> JointModel:
        return context.train(ProposalTask(self, model, context.corpus), self.train)

    def warm(self, data: WarmData, before: Sequence[Stage]) -> None:
        """After a warm start the boxes stay as they are."""

    def on_boxes(self, proposer: str) -> None:
        """Other boxes need no proposal head."""


class ProposalTask(VisualTask):
    """The goal is the share of boxed phrases that a proposal covers at IoU 0.5."""

    goal = "recall@0.5"

    def __init__(self, stage: ProposalStage, model: JointModel, corpus: Corpus) -> None:
        """Raises ValueError if the data has no phrase boxes."""
        super().__init__(stage, model, corpus)
        self.require_boxes("the proposal head", "use proposer 'grid'")

    def loss(self, model: JointModel, batch: Sequence[int]) -> Tensor:
        """The proposal head's loss on random windows of the photographs."""
        return self.look(model, batch, self.windows(len(batch)))[1]

    def evaluate(self, model: JointModel) -> Mapping[str, float]:
        """Recall of the proposals on the validation split."""
        return proposal_recall(model, self.corpus.val, self.stage.proposer, self.stage.nms)


@torch.no_grad()
def proposal_recall(
    model: JointModel, photographs: SquarePhotographs, proposer: str, nms: float
) -> dict[str, float]:
    """Percentage of the boxed phrases that one of 19 boxes or the frame covers, at IoU 0.5 and 0.7.

    Empty if no phrase has a box.
    """
    best: list[Tensor] = []
    for chunk in chunks(len(photographs), EVALUATED):
        looked = look(model.vision, photographs.batch(chunk))
        chosen_BI4 = choose_boxes(looked.logit_BN, looked.box_BN4, proposer, nms)
        for truth_G5, chosen_I4 in zip(photographs.truth[chunk], chosen_BI4.cpu(), strict=True):
            best_G = box_iou(truth_G5[:, :4], chosen_I4).amax(1)
            best.append(best_G.repeat_interleave(truth_G5[:, 4].long()))

    best_N = torch.cat(best)
    if not len(best_N):
        return {}
    return {f"recall@{t}": 100 * (best_N >= t).float().mean().item() for t in (0.5, 0.7)}
