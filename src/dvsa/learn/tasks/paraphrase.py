"""Reading before seeing: sentences that were written for one photograph learn to find one another.

The score is the alignment's, with the words of another sentence in the place of regions:

    S(a, b) = sum over words t of a of  max over words u of b of  s_t . s_u / |s_u|

So words that speak of the same things come together before the first photograph is seen, and that can be
learnt from sentences whose photographs are not there, of which there are more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from dvsa.learn.loop.trainer import batches, chunks, epoch_steps
from dvsa.learn.tasks import objective
from dvsa.learn.tasks.alignment import AlignmentModel
from dvsa.learn.tasks.corpus import Corpus
from dvsa.metrics import ranking

Group = Sequence[Sequence[int]]
"""The sentences of one photograph, as ids of known words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ParaphraseOptions:
    """How sentences are read."""

    longest: int = 16
    """Words of a sentence that are read; the rest is left out."""

    def __post_init__(self) -> None:
        if self.longest < 1:
            raise ValueError(f"the longest sentence must have a word at least, not {self.longest}")


class ParaphraseTask:
    """InfoNCE on pairs of sentences; the goal is the mean recall of one by the other on val."""

    goal = "mean recall"

    def __init__(
        self,
        name: str,
        model: AlignmentModel,
        corpus: Corpus,
        read: Sequence[Group],
        options: ParaphraseOptions,
    ) -> None:
        """Learn from the training split's sentences and from those that are `read` beside them."""
        self.name, self.model, self.corpus, self.options = name, model, corpus, options
        self.groups, self.val = (
            self._readable(groups) for groups in ([*corpus.train_ids, *read], corpus.val_ids)
        )
        if not (self.groups and self.val):
            raise ValueError("no photograph has two sentences with known words: leave this stage out")

    def _readable(self, groups: Sequence[Group]) -> list[Group]:
        cut = [[s[: self.options.longest] for s in group if s] for group in groups]
        return [group for group in cut if len(group) > 1]

    def build(self) -> AlignmentModel:
        return self.model

    def lr_scale(self, parameter: str) -> float:
        return 1.0 if parameter.startswith("sentence.") else 0.0

    def steps_per_epoch(self, batch: int) -> int:
        return epoch_steps(len(self.groups), batch)

    def loss(self, model: AlignmentModel, step: int, batch: int, seed: int) -> Tensor:
        drawn = [self.groups[n] for n in batches(len(self.groups), step, batch, seed)]
        pairs = [torch.randperm(len(group))[:2].tolist() for group in drawn]
        a, b = ([group[pair[side]] for group, pair in zip(drawn, pairs, strict=True)] for side in (0, 1))
        S_ab, S_ba = self._scores(model, a, b)
        own_L = torch.arange(len(drawn), device=S_ab.device)
        return (objective.info_nce(S_ab, own_L) + objective.info_nce(S_ba, own_L)) / 2

    def _scores(self, model: AlignmentModel, a: Group, b: Group) -> tuple[Tensor, Tensor]:
        """S(b, a) and S(a, b) of all sentences: rows are the ones searched, columns the words that search."""
        (s_a, real_a), (s_b, real_b) = (self._encode(model, side) for side in (a, b))
        return (
            objective.maxsim(directions(s_a, real_a), s_b, real_b),
            objective.maxsim(directions(s_b, real_b), s_a, real_a),
        )

    def _encode(self, model: AlignmentModel, sentences: Group) -> tuple[Tensor, Tensor]:
        ids_LT, real_LT = self.corpus.padded(sentences)
        return model.sentence(ids_LT, real_LT), real_LT

    @torch.no_grad()
    def evaluate(self, model: AlignmentModel) -> Mapping[str, float]:
        """Recalls of each photograph's second sentence by its first on the validation split."""
        asked, wanted = ([group[side] for group in self.val] for side in (0, 1))
        u_KTD = directions(*self._encode(model, wanted))
        rows = []
        for chunk in chunks(len(asked), 100):
            s_LTD, real_LT = self._encode(model, asked[chunk])
            rows.append(objective.maxsim(u_KTD, s_LTD, real_LT).cpu())
        rank_L = ranking.rank(torch.cat(rows, 1).numpy(), np.arange(len(asked))).sentence_rank_L
        figures = {key: value for key, value in ranking.summary(rank_L).items() if key != "Med r"}
        return figures | {"mean recall": float(np.mean(list(figures.values())))}


def directions(s_LTD: Tensor, real_LT: Tensor) -> Tensor:
    """Words as other words find them: of length 1. The first stands for pads too; that changes no maximum."""
    u_LTD = functional.normalize(s_LTD, dim=-1)
    return torch.where(real_LT[..., None], u_LTD, u_LTD[:, :1])
