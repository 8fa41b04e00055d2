"""Learning regions and alignment: the network of both sides, and the two tasks that train it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from dvsa.data import Example
from dvsa.learn import objective, sentence
from dvsa.learn.bank import Photographs, choose_boxes, region_features
from dvsa.learn.proposals import cluster_shapes, paired_iou, proposal_loss
from dvsa.learn.sentence import SentenceConfig
from dvsa.learn.trainer import batches, chunks
from dvsa.learn.vision import Vision, VisionConfig
from dvsa.metrics import ranking
from dvsa.text import Vocabulary, pad, words


class AlignmentModel(nn.Module):
    """Photographs and sentences in one space."""

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
    nms: float = 0.7
    lr: Mapping[str, float] | None = None
    """Learning-rate factors by the beginning of a parameter's name; whatever it does not name stays fixed."""
    proposal_weight: float = 1.0
    """Weight of the proposal head's loss where the trunk is trained."""
    flip: bool = False
    """Whether photographs are mirrored at random; needs the trunk in the loop."""

    def scale(self, parameter: str) -> float:
        """The learning-rate factor of a parameter; the longest matching beginning of its name decides."""
        found = [prefix for prefix in (self.lr or {}) if parameter.startswith(prefix)]
        return (self.lr or {})[max(found, key=len)] if found else 0.0

    @property
    def live(self) -> bool:
        """Whether photographs go through the trunk at every step, instead of once at the start."""
        return self.flip or self.scale("vision.backbone.") > 0 or self.scale("vision.proposals.") > 0


class Corpus:
    """Two splits as training sees them, and the networks' common sizes."""

    def __init__(
        self,
        train: Sequence[Example],
        val: Sequence[Example],
        vocabulary: Vocabulary,
        size: int,
        device: torch.device,
    ) -> None:
        self.vocabulary, self.device = vocabulary, device
        self.train, self.val = Photographs(train, size, device), Photographs(val, size, device)
        self.train_ids, self.val_ids = (
            [[vocabulary.encode(words(s)) for s in e.sentences] for e in split] for split in (train, val)
        )

    def anchors(self, count: int) -> Tensor:
        """Anchor shapes (A, 2) for the phrase boxes of the training split."""
        box_N4 = np.array([p.box for e in self.train.examples for p in e.phrases if p.box is not None])
        if not len(box_N4):
            return torch.linspace(0.1, 1.0, count)[:, None].expand(-1, 2)
        return torch.from_numpy(cluster_shapes(box_N4[:, 2:] - box_N4[:, :2], count))

    def padded(self, ids: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Sentences as ids (L, T) and mask (L, T) on the device; at least one place wide."""
        ids_LT, real_LT = pad(ids)
        return torch.from_numpy(ids_LT).to(self.device), torch.from_numpy(real_LT).to(self.device)


class ProposalTask:
    """Train the proposal head on the phrase boxes, with the trunk as it is."""

    goal = "recall@0.5"

    def __init__(self, name: str, model: AlignmentModel, corpus: Corpus, options: AlignmentOptions) -> None:
        self.name, self.model, self.corpus, self.options = name, model, corpus, options
        val = corpus.val.examples
        if not any(p.box for e in val for p in e.phrases) or not any(
            p.box for e in corpus.train.examples for p in e.phrases
        ):
            raise ValueError(
                "the proposal head learns from phrase boxes, and this data has none: use proposer 'grid'"
            )

    def build(self) -> nn.Module:
        return self.model

    def lr_scale(self, parameter: str) -> float:
        return self.options.scale(parameter)

    def steps_per_epoch(self, batch: int) -> int:
        return max(1, len(self.corpus.train) // batch)

    def loss(self, model: nn.Module, step: int, batch: int, seed: int) -> Tensor:
        _, index = batches(len(self.corpus.train), step, batch, seed)
        return _look(model, self.corpus, index, _flips(len(index), self.options.flip))[3]

    def evaluate(self, model: nn.Module) -> Mapping[str, float]:
        return proposal_recall(model, self.corpus.val, self.options)


def _flips(count: int, flip: bool) -> Tensor:
    return torch.rand(count) < (0.5 if flip else 0.0)


def mirrored(truth_G5: Tensor) -> Tensor:
    """True boxes on the photograph with left and right exchanged."""
    return torch.cat([1 - truth_G5[:, 2:3], truth_G5[:, 1:2], 1 - truth_G5[:, 0:1], truth_G5[:, 3:]], 1)


def _look(
    model: nn.Module, corpus: Corpus, index: Sequence[int], flip_B: Tensor
) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor], Tensor]:
    """Maps, candidates and the proposal loss of a batch of training photographs, some mirrored."""
    pixels_BHWC = corpus.train.batch(index)
    mirror_B = flip_B.to(pixels_BHWC.device)[:, None, None, None]
    pixels_BHWC = torch.where(mirror_B, pixels_BHWC.flip(2), pixels_BHWC)
    with torch.autocast(corpus.device.type, torch.bfloat16, enabled=corpus.device.type == "cuda"):
        fine, coarse, logit_BN, box_BN4 = model.vision.look(pixels_BHWC)
    anchor_N4 = model.vision.proposals.centred_anchors(*fine.shape[-2:])
    truth = [
        mirrored(corpus.train.truth[k]) if f else corpus.train.truth[k]
        for k, f in zip(index, flip_B.tolist(), strict=True)
    ]
    return fine, coarse, (logit_BN, box_BN4), proposal_loss(logit_BN.float(), box_BN4, anchor_N4, truth)


@torch.no_grad()
def proposal_recall(
    model: nn.Module, photographs: Photographs, options: AlignmentOptions
) -> dict[str, float]:
    """Share of the boxed phrases that one of 19 boxes or the frame covers, in percent, at two thresholds."""
    best: list[Tensor] = []
    for chunk in chunks(len(photographs), 50):
        with torch.autocast(
            photographs.device.type, torch.bfloat16, enabled=photographs.device.type == "cuda"
        ):
            _, _, logit_BN, box_BN4 = model.vision.look(photographs.batch(chunk))
        chosen_BI4 = choose_boxes(logit_BN.float(), box_BN4, "head", options.nms)
        for example, box_I4 in zip(photographs.examples[chunk], chosen_BI4, strict=True):
            true_N4 = box_I4.new_tensor([p.box for p in example.phrases if p.box is not None]).reshape(-1, 4)
            pairs = (true_N4.repeat_interleave(len(box_I4), 0), box_I4.repeat(len(true_N4), 1))
            best.append(paired_iou(*pairs).reshape(len(true_N4), len(box_I4)).amax(1))
    best_N = torch.cat(best)
    return {f"recall@{t}": 100 * (best_N >= t).float().mean().item() for t in (0.5, 0.7)}


class AlignmentTask:
    """Train regions and words to find one another; the goal is the mean of R@1, R@5 and R@10 both ways."""

    goal = "mean recall"

    def __init__(self, name: str, model: AlignmentModel, corpus: Corpus, options: AlignmentOptions) -> None:
        self.name, self.model, self.corpus, self.options = name, model, corpus, options
        if not options.live:
            self.train_KIF, self.val_KIF = (
                region_features(model.vision, split, options.proposer, options.nms)
                for split in (corpus.train, corpus.val)
            )

    def build(self) -> nn.Module:
        return self.model

    def lr_scale(self, parameter: str) -> float:
        return self.options.scale(parameter)

    def steps_per_epoch(self, batch: int) -> int:
        return max(1, len(self.corpus.train) // batch)

    def loss(self, model: nn.Module, step: int, batch: int, seed: int) -> Tensor:
        _, index = batches(len(self.corpus.train), step, batch, seed)
        if self.options.live:
            fine, coarse, candidates, proposals = _look(
                model, self.corpus, index, _flips(len(index), self.options.flip)
            )
            chosen_BI4 = choose_boxes(
                *(c.detach().float() for c in candidates), self.options.proposer, self.options.nms
            )
            v_KID = model.vision.encode(fine, coarse, chosen_BI4)[1]
            beside = self.options.proposal_weight * proposals
        else:
            v_KID = model.vision.regions(self.train_KIF[index].float())
            beside = v_KID.new_zeros(())
        s_LTD, real_LT, owner_L = self._sentences(model, index)
        S_KL = objective.SCORES[self.options.score](v_KID, s_LTD, real_LT)
        return objective.LOSSES[self.options.loss](S_KL, owner_L) + beside

    def _sentences(self, model: nn.Module, index: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        """Some sentences of each photograph, drawn anew each time, with their photograph's place in the batch."""
        ids, owner = [], []
        for place, k in enumerate(index):
            drawn = torch.randperm(len(self.corpus.train_ids[k]))[: self.options.sentences].tolist()
            ids += [self.corpus.train_ids[k][n] for n in drawn]
            owner += [place] * len(drawn)
        ids_LT, real_LT = self.corpus.padded(ids)
        return model.sentence(ids_LT, real_LT), real_LT, torch.tensor(owner, device=self.corpus.device)

    @torch.no_grad()
    def evaluate(self, model: nn.Module) -> Mapping[str, float]:
        """Recalls on the validation split, and of the proposals where they are trained along."""
        v_KID = torch.cat([self._val_vectors(model, chunk) for chunk in chunks(len(self.corpus.val), 50)])
        ids = [s for sentences in self.corpus.val_ids for s in sentences]
        owner_L = np.repeat(np.arange(len(self.corpus.val)), [len(s) for s in self.corpus.val_ids])
        columns = []
        for chunk in chunks(len(ids), 100):
            ids_LT, real_LT = self.corpus.padded(ids[chunk])
            s_LTD = model.sentence(ids_LT, real_LT)
            columns.append(objective.SCORES[self.options.score](v_KID, s_LTD, real_LT).cpu())
        figures = recalls(torch.cat(columns, 1).numpy(), owner_L)
        if self.options.scale("vision.proposals."):
            figures |= proposal_recall(model, self.corpus.val, self.options)
        return figures

    def _val_vectors(self, model: nn.Module, chunk: slice) -> Tensor:
        if not self.options.live:
            v_KID: Tensor = model.vision.regions(self.val_KIF[chunk].float())
            return v_KID
        with torch.autocast(
            self.corpus.device.type, torch.bfloat16, enabled=self.corpus.device.type == "cuda"
        ):
            fine, coarse, logit_BN, box_BN4 = model.vision.look(self.corpus.val.batch(chunk))
        chosen_BI4 = choose_boxes(logit_BN.float(), box_BN4, self.options.proposer, self.options.nms)
        encoded: tuple[Tensor, Tensor] = model.vision.encode(fine, coarse, chosen_BI4)
        return encoded[1]


def recalls(S_KL: np.ndarray, owner_L: np.ndarray) -> dict[str, float]:
    """R@1, R@5 and R@10 in both directions under short names, with their mean."""
    ranks = ranking.rank(S_KL, owner_L)
    sides = {"p2s": ranking.summary(ranks.photo_rank_K), "s2p": ranking.summary(ranks.sentence_rank_L)}
    figures = {
        f"{side} {k}": v for side, summary in sides.items() for k, v in summary.items() if k != "Med r"
    }
    return {"mean recall": float(np.mean(list(figures.values()))), **figures}
