"""Learning regions and alignment: the network of both sides, and the two tasks that train it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import box_iou  # type: ignore[import-untyped]

from dvsa.learn.loop.trainer import batches, chunks, epoch_steps
from dvsa.learn.nets import sentence
from dvsa.learn.nets.proposals import paired_iou, proposal_loss
from dvsa.learn.nets.sentence import SentenceConfig
from dvsa.learn.nets.vision import GEOMETRY, Looked, Standardise, Vision, VisionConfig
from dvsa.learn.tasks import augmentation as views
from dvsa.learn.tasks import objective
from dvsa.learn.tasks.augmentation import WHOLE, View
from dvsa.learn.tasks.corpus import (
    Corpus,
    Mention,
    Photographs,
    choose_boxes,
    look,
    region_features,
)
from dvsa.metrics import ranking
from dvsa.regions import PROPOSERS

SHARPNESS = 20.0
"""What the cosine of a phrase with a region is multiplied by before the softmax over regions."""


class AlignmentModel(nn.Module):
    """Photographs and sentences in one space."""

    vision: Vision
    sentence: nn.Module

    def __init__(
        self,
        vision: VisionConfig,
        sentences: SentenceConfig,
        vocabulary: int,
        anchors_A2: Tensor | None = None,
        word_VD: Tensor | None = None,
        pretrained: bool = True,
    ) -> None:
        super().__init__()
        self.vision = Vision(vision, anchors_A2, pretrained)
        self.sentence = sentence.build(sentences, vocabulary, word_VD)


@dataclass(frozen=True, kw_only=True, slots=True)
class AlignmentOptions:
    """What a stage of alignment learns, and from what."""

    score: str = "maxsim"
    loss: str = "max_margin"
    sentences: int = 1
    """Sentences of each photograph in a batch."""
    proposer: str = "head"
    """Where regions come from: `head` after NMS; `coverage`, the candidates of it that together cover most;
    `grid`; or `frame` for the whole photograph alone."""
    nms: float = 0.5
    lr: Mapping[str, float] = field(default_factory=dict)
    """Learning-rate factors by the beginning of a parameter's name; whatever it does not name stays fixed."""
    proposal_weight: float = 1.0
    """Weight of the proposal head's loss where the trunk is trained."""
    grounding: float = 0.0
    """Weight of the supervised loss on the boxes of phrases; 0 learns from sentences alone."""
    each_word: bool = False
    """Whether each word of a phrase has to find the box by itself too, not only all together."""
    flip: bool = False
    """Whether photographs are mirrored at random; needs the trunk in the loop, as the next does."""
    least: float = 1.0
    """The least share of a photograph's width and height that a view of it shows."""
    most: float = 1.0
    """The greatest; a view that reaches beyond the photograph repeats its edges."""

    def __post_init__(self) -> None:
        if self.score not in objective.SCORES or self.loss not in objective.LOSSES:
            scores, losses = ", ".join(objective.SCORES), ", ".join(objective.LOSSES)
            raise ValueError(f"no such score or loss in {self}; there are {scores}; {losses}")
        if self.proposer not in PROPOSERS or self.sentences < 1:
            known = ", ".join(PROPOSERS)
            raise ValueError(f"the proposer must be one of {known}, and sentences at least 1: {self}")
        if not 0 < self.least <= self.most:
            raise ValueError(f"views show shares of 0 < least <= most of a side: {self}")

    def scale(self, parameter: str) -> float:
        """The learning-rate factor of a parameter; the longest matching beginning of its name decides."""
        found = [prefix for prefix in self.lr if parameter.startswith(prefix)]
        return self.lr[max(found, key=len)] if found else 0.0

    @property
    def live(self) -> bool:
        """Whether photographs go through the trunk at every step, instead of once at the start."""
        return (
            self.flip
            or self.least < 1
            or self.scale("vision.backbone.") > 0
            or self.scale("vision.proposals.") > 0
        )


class _PhotographTask:
    """What both tasks share: steps over batches of training photographs, and the head's loss on them."""

    def __init__(self, name: str, model: AlignmentModel, corpus: Corpus, options: AlignmentOptions) -> None:
        self.name, self.model, self.corpus, self.options = name, model, corpus, options

    def build(self) -> AlignmentModel:
        return self.model

    def lr_scale(self, parameter: str) -> float:
        return self.options.scale(parameter)

    def steps_per_epoch(self, batch: int) -> int:
        return epoch_steps(len(self.corpus.train), batch)

    def _views(self, count: int) -> list[View]:
        """What is seen of so many photographs this time."""
        return views.draw(count, flip=self.options.flip, least=self.options.least, most=self.options.most)

    def _demand_boxes(self, learner: str, advice: str) -> None:
        if not all(any(map(len, split.truth)) for split in (self.corpus.train, self.corpus.val)):
            raise ValueError(f"{learner} learns from phrase boxes, and this data has none: {advice}")

    def _look(
        self, model: AlignmentModel, index: Sequence[int], seen: Sequence[View]
    ) -> tuple[Looked, Tensor]:
        """Look at views of training photographs; also how far the head is from their phrase boxes."""
        photographs = self.corpus.train
        looked = look(model.vision, views.show(photographs.batch(index), seen))
        truth = [view.truth(photographs.truth[k]) for k, view in zip(index, seen, strict=True)]
        anchor_N4 = model.vision.proposals.centred_anchors(*looked.fine.shape[-2:])
        return looked, proposal_loss(looked.logit_BN, looked.box_BN4, anchor_N4, truth)


class ProposalTask(_PhotographTask):
    """Train the proposal head on the phrase boxes, with the trunk as it is."""

    goal = "recall@0.5"

    def __init__(self, name: str, model: AlignmentModel, corpus: Corpus, options: AlignmentOptions) -> None:
        super().__init__(name, model, corpus, options)
        self._demand_boxes("the proposal head", "use proposer 'grid'")

    def loss(self, model: AlignmentModel, step: int, batch: int, seed: int) -> Tensor:
        index = batches(len(self.corpus.train), step, batch, seed)
        return self._look(model, index, self._views(len(index)))[1]

    def evaluate(self, model: AlignmentModel) -> Mapping[str, float]:
        return proposal_recall(model, self.corpus.val, self.options)


@torch.no_grad()
def proposal_recall(
    model: AlignmentModel, photographs: Photographs, options: AlignmentOptions
) -> dict[str, float]:
    """Share of the boxed phrases that one of 19 boxes or the frame covers, in percent, at two thresholds.

    Empty where no phrase has a box.
    """
    best: list[Tensor] = []
    for chunk in chunks(len(photographs), 50):
        looked = look(model.vision, photographs.batch(chunk))
        chosen_BI4 = choose_boxes(looked.logit_BN, looked.box_BN4, options.proposer, options.nms)
        for truth_G5, chosen_I4 in zip(photographs.truth[chunk], chosen_BI4.cpu(), strict=True):
            best_G = box_iou(truth_G5[:, :4], chosen_I4).amax(1)
            best.append(best_G.repeat_interleave(truth_G5[:, 4].long()))
    best_N = torch.cat(best)
    if not len(best_N):
        return {}
    return {f"recall@{t}": 100 * (best_N >= t).float().mean().item() for t in (0.5, 0.7)}


class AlignmentTask(_PhotographTask):
    """Train regions and words to find one another.

    The goal is the mean of R@1, R@5 and R@10 both ways; where grounding is taught too, the mean of that and
    of the share of boxed phrases whose best region has an IoU of at least 0.5.
    """

    def __init__(self, name: str, model: AlignmentModel, corpus: Corpus, options: AlignmentOptions) -> None:
        super().__init__(name, model, corpus, options)
        self.goal = "recall and grounding" if options.grounding else "mean recall"
        if options.grounding:
            self._demand_boxes("grounding", "set its weight to 0")
        if not options.live:
            self.train_KIF, self.val_KIF = (
                region_features(model.vision, split, options.proposer, options.nms)
                for split in (corpus.train, corpus.val)
            )
            if isinstance(model.vision.regions.standard, Standardise):
                model.vision.regions.standard.measure(self.train_KIF)

    def loss(self, model: AlignmentModel, step: int, batch: int, seed: int) -> Tensor:
        index = batches(len(self.corpus.train), step, batch, seed)
        seen = self._views(len(index)) if self.options.live else [WHOLE] * len(index)
        if self.options.live:
            looked, proposals = self._look(model, index, seen)
            feature_KIF = self._pool(model, looked)
            loss = self.options.proposal_weight * proposals
        else:
            feature_KIF = self.train_KIF[index].float()
            loss = feature_KIF.new_zeros(())
        v_KID = model.vision.regions(feature_KIF)
        drawn = self._draw(index)
        ids_LT, real_LT = self.corpus.padded([self.corpus.train_ids[index[place]][n] for place, n in drawn])
        s_LTD = model.sentence(ids_LT, real_LT)
        S_KL = objective.SCORES[self.options.score](v_KID, s_LTD, real_LT)
        loss = loss + objective.LOSSES[self.options.loss](
            S_KL, ids_LT.new_tensor([place for place, _ in drawn])
        )
        if self.options.grounding:
            said = [(place, self._mentions(index[place], n, seen[place])) for place, n in drawn]
            loss = loss + self.options.grounding * objective.grounding(
                *phrase_scores(v_KID, s_LTD, feature_KIF, said)
            )
        return loss

    def _mentions(self, k: int, n: int, view: View) -> list[Mention]:
        """What sentence n of training photograph k teaches about the boxes of a view."""
        placed = [(m, view.box(m.box)) for m in self.corpus.train_mentions[k][n]]
        own = [Mention(m.places, box) for m, box in placed if box is not None]
        return own + [Mention((t,), m.box) for m in own for t in m.places] if self.options.each_word else own

    def _pool(self, model: AlignmentModel, looked: Looked) -> Tensor:
        """Features (K, I, F) of the regions that the proposer chooses."""
        chosen_KI4 = choose_boxes(looked.logit_BN, looked.box_BN4, self.options.proposer, self.options.nms)
        return model.vision.pool(looked.fine, looked.coarse, chosen_KI4)

    def _draw(self, index: Sequence[int]) -> list[tuple[int, int]]:
        """Some sentences of each photograph, drawn anew: its place in the batch, the sentence's number."""
        numbers = [torch.randperm(len(self.corpus.train_ids[k]))[: self.options.sentences] for k in index]
        return [(place, n) for place, drawn in enumerate(numbers) for n in drawn.tolist()]

    @torch.no_grad()
    def evaluate(self, model: AlignmentModel) -> Mapping[str, float]:
        """Recalls on the validation split, and of the proposals where they are trained along."""
        feature_KIF = torch.cat([self._val_features(model, c) for c in chunks(len(self.corpus.val), 50)])
        v_KID = torch.cat([model.vision.regions(feature_KIF[c]) for c in chunks(len(self.corpus.val), 50)])
        ids = [s for sentences in self.corpus.val_ids for s in sentences]
        owner_L = np.repeat(np.arange(len(self.corpus.val)), [len(s) for s in self.corpus.val_ids])
        said = [m for own in self.corpus.val_mentions for m in own]
        columns, grounded = [], []
        for chunk in chunks(len(ids), 100):
            ids_LT, real_LT = self.corpus.padded(ids[chunk])
            s_LTD = model.sentence(ids_LT, real_LT)
            columns.append(objective.SCORES[self.options.score](v_KID, s_LTD, real_LT).cpu())
            if self.options.grounding:
                pairs = list(zip(owner_L[chunk].tolist(), said[chunk], strict=True))
                dot_PI, iou_PI = phrase_scores(v_KID, s_LTD, feature_KIF, pairs)
                grounded.append(iou_PI.gather(1, dot_PI.argmax(1, keepdim=True))[:, 0] >= 0.5)
        figures = recalls(torch.cat(columns, 1).numpy(), owner_L)
        if self.options.grounding:
            figures["grounding"] = 100 * torch.cat(grounded).float().mean().item()
            figures[self.goal] = (figures["mean recall"] + figures["grounding"]) / 2
        if self.options.scale("vision.proposals."):
            figures |= proposal_recall(model, self.corpus.val, self.options)
        return figures

    def _val_features(self, model: AlignmentModel, chunk: slice) -> Tensor:
        if self.options.live:
            return self._pool(model, look(model.vision, self.corpus.val.batch(chunk)))
        return self.val_KIF[chunk].float()


def phrase_scores(
    v_KID: Tensor, s_LTD: Tensor, feature_KIF: Tensor, said: Sequence[tuple[int, Sequence[Mention]]]
) -> tuple[Tensor, Tensor]:
    """For each phrase its score with every region (P, I), and the regions' IoU with its true box (P, I).

    The score is of the phrase's direction alone. Its length is how much it weighs in its sentence, which says
    nothing about where it is; a loss on the product itself would have to make all phrases weigh more.
    `said[l]` is the photograph of sentence l, and the sentence's boxed phrases.
    """
    rows = [(k, n, mention) for n, (k, own) in enumerate(said) for mention in own]
    photo_P = torch.tensor([k for k, _, _ in rows], dtype=torch.int64, device=v_KID.device)
    sentence_P = torch.tensor([n for _, n, _ in rows], dtype=torch.int64, device=v_KID.device)
    inside_PT = torch.zeros(len(rows), s_LTD.shape[1])
    marks = [(p, t) for p, (_, _, mention) in enumerate(rows) for t in mention.places]
    inside_PT[tuple(torch.tensor(marks, dtype=torch.int64).reshape(-1, 2).T)] = 1.0
    phrase_PD = torch.einsum("pt,ptd->pd", inside_PT.to(s_LTD.device), s_LTD[sentence_P])
    dot_PI = SHARPNESS * torch.einsum("pd,pid->pi", functional.normalize(phrase_PD, dim=-1), v_KID[photo_P])
    true_P14 = v_KID.new_tensor([mention.box for _, _, mention in rows]).reshape(-1, 1, 4)
    box_KI4 = feature_KIF[..., -GEOMETRY:-1]
    return dot_PI, paired_iou(box_KI4[photo_P], true_P14)


def recalls(S_KL: np.ndarray, owner_L: np.ndarray) -> dict[str, float]:
    """R@1, R@5 and R@10 in both directions under short names, with their mean."""
    ranks = ranking.rank(S_KL, owner_L)
    sides = {"p2s": ranking.summary(ranks.photo_rank_K), "s2p": ranking.summary(ranks.sentence_rank_L)}
    figures = {
        f"{side} {k}": v for side, summary in sides.items() for k, v in summary.items() if k != "Med r"
    }
    return {"mean recall": float(np.mean(list(figures.values()))), **figures}
