"""The stage that trains the sentence encoder on text alone: sentences about one photograph find one another.

The score is the alignment's, with the words of another sentence in place of regions:

    S(a, b) = sum over words t of a of  max over words u of b of  s_t . s_u / |s_u|

So words for the same things come together before the first photograph is seen. This also works with sentences
whose photographs are missing, and there are more of those.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from dvsa.learn.loop import processes
from dvsa.learn.loop.order import chunks
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.nets.sentence import TransformerEncoder
from dvsa.learn.tasks import objective
from dvsa.learn.tasks.context import Context
from dvsa.learn.tasks.corpus import Corpus
from dvsa.learn.tasks.ragged import Ids, SentenceIds
from dvsa.learn.tasks.stage import WORDS, Stage, WarmData
from dvsa.metrics import ranking

Group = Sequence[Ids]
"""The sentences about one photograph."""
Padded = tuple[Tensor, Tensor]
"""Ids (L, T) of the words of some sentences, and which of them are real (L, T)."""


@dataclass(frozen=True, kw_only=True)
class ParaphraseStage(Stage):
    """Train the sentence encoder on pairs of sentences."""

    kind: ClassVar[str] = "paraphrase"
    weights: ClassVar[tuple[str, ...]] = WORDS

    max_words: int = 16
    """Longer sentences are cut off here."""

    def __post_init__(self) -> None:
        if self.max_words < 1:
            raise ValueError(f"max_words must be at least 1, not {self.max_words}")

    def run(self, model: JointModel, context: Context) -> JointModel:
        return context.train(ParaphraseTask(self, model, context.corpus, context.extra), self.train)

    def warm(self, data: WarmData, before: Sequence[Stage]) -> None:
        """After a warm start the encoder has read already."""


class ParaphraseTask:
    """InfoNCE on pairs of sentences; the goal is the mean recall of one by the other on val."""

    goal = "mean recall"

    def __init__(
        self, stage: ParaphraseStage, model: JointModel, corpus: Corpus, extra: Sequence[Group] = ()
    ) -> None:
        """Learn from the training split's sentences and from `extra` ones.

        Raises:
            ValueError: no photograph of a split has two sentences with known words.
        """
        self.name, self.stage, self.model, self.corpus = stage.name, stage, model, corpus
        self.groups, self.val = (
            SentenceIds(self._usable(groups)) for groups in (chain(corpus.train_ids, extra), corpus.val_ids)
        )
        if not (self.groups and self.val):
            raise ValueError("no photograph has two sentences with known words: leave this stage out")

    def _usable(self, groups: Iterable[Group]) -> Iterator[Group]:
        cut = ([s[: self.stage.max_words] for s in group if s] for group in groups)
        return (group for group in cut if len(group) > 1)

    def __len__(self) -> int:
        return len(self.groups)

    def build(self) -> JointModel:
        """The joint model as the stage before left it."""
        return self.model

    def lr_scale(self, parameter: str) -> float:
        """Only the sentence encoder is trained."""
        return 1.0 if parameter.startswith("sentence.") else 0.0

    @property
    def recordable(self) -> bool:
        """Not with a transformer."""
        return not isinstance(self.model.sentence, TransformerEncoder)

    def expecting(self, batches: Iterable[Sequence[int]]) -> AbstractContextManager[None]:
        """Sentences are in memory."""
        return nullcontext()

    def inputs(self, model: JointModel, batch: Sequence[int]) -> tuple[Padded, Padded]:
        """Two random sentences of each group."""
        _, number_L = self.groups.some(np.array(batch), 2)
        first, second = (self.corpus.drawn(self.groups, number_L[side::2]) for side in (0, 1))
        return first, second

    def loss(self, model: JointModel, inputs: tuple[Padded, Padded]) -> Tensor:
        """Find the second sentence of each pair by the first, and the first by the second."""
        a, b = ((model.sentence(ids_LT, real_LT), real_LT) for ids_LT, real_LT in inputs)
        S_ab, S_ba = scores(a, b), scores(b, a)
        own_L = torch.arange(len(S_ab), device=S_ab.device)
        return (objective.info_nce(S_ab, own_L) + objective.info_nce(S_ba, own_L)) / 2

    def _encode(self, model: JointModel, sentences: Group) -> tuple[Tensor, Tensor]:
        ids_LT, real_LT = self.corpus.padded(sentences)
        return model.sentence(ids_LT, real_LT), real_LT

    @torch.no_grad()
    def evaluate(self, model: JointModel) -> Mapping[str, float]:
        """Recalls of each validation photograph's second sentence by its first."""
        asked, wanted = ([group[side] for group in self.val] for side in (0, 1))
        u_KTD = directions(*self._encode(model, wanted))
        columns = []
        for chunk in chunks(len(asked), 100):
            s_LTD, real_LT = self._encode(model, asked[chunk])
            columns.append(objective.maxsim(u_KTD, s_LTD, real_LT).cpu())

        rank_L = ranking.rank(torch.cat(columns, 1).numpy(), np.arange(len(asked))).sentence_rank_L
        figures = {key: value for key, value in ranking.summary(rank_L).items() if key != "Med r"}
        return figures | {"mean recall": float(np.mean(list(figures.values())))}


def scores(of: Padded, against: Padded) -> Tensor:
    """The scores of the sentences of all processes with the others of all processes.

    Each process computes those of its own.
    """
    (own_LTD, own_LT), (s_LTD, real_LT) = of, against
    all_LTD, all_LT = processes.gathered(s_LTD), processes.gathered(real_LT)
    return processes.gathered(objective.maxsim(directions(own_LTD, own_LT), all_LTD, all_LT))


def directions(s_LTD: Tensor, real_LT: Tensor) -> Tensor:
    """Word vectors of length 1, for other words to find; padding repeats the first word of a sentence."""
    u_LTD = functional.normalize(s_LTD, dim=-1)
    return torch.where(real_LT[..., None], u_LTD, u_LTD[:, :1])
