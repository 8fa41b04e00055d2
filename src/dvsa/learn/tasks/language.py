"""The stage that teaches a captioner the language from sentences alone, before it sees a photograph.

There are more sentences than photographs: `dvsa train --sentences` brings those of others. The captioner is
shown one region whose features are all 0.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar

import torch
from torch import Tensor

from dvsa.learn.nets import captioner
from dvsa.learn.nets.captioner import Captioner
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.tasks.captions import Asked, teacher_forcing
from dvsa.learn.tasks.context import Context
from dvsa.learn.tasks.corpus import Corpus
from dvsa.learn.tasks.ragged import Ids, SentenceIds
from dvsa.learn.tasks.stage import Stage, WarmData, WritingStage
from dvsa.records import Subject
from dvsa.text import END, START

JUDGED = 500
"""Sentences of val that are judged at once."""


@dataclass(frozen=True, kw_only=True)
class LanguageStage(WritingStage):
    """Train a captioner, which another stage continues, on sentences without photographs."""

    kind: ClassVar[str] = "language"

    max_words: int = 24
    """Longer sentences are left out."""

    def __post_init__(self) -> None:
        if self.max_words < 1 or self.after or self.captioner.standardise:
            raise ValueError(
                f"a language stage needs max_words of at least 1, no `after`, and a captioner that does not "
                f"standardise features: {self}"
            )

    @property
    def writes_of(self) -> tuple[Subject, ...]:
        """Nothing yet."""
        return ()

    def run(self, model: JointModel, context: Context) -> JointModel:
        context.train(LanguageTask(self, model, context.corpus, context.extra), self.train)
        return model

    def warm(self, data: WarmData, before: Sequence[Stage]) -> None:
        """The captioner that is continued knows the language."""


class LanguageTask:
    """Teacher forcing on sentences; the goal is the perplexity of val's, with a minus sign."""

    goal = "negative perplexity"
    recordable = True

    def __init__(
        self, stage: LanguageStage, model: JointModel, corpus: Corpus, extra: Iterable[Sequence[Ids]] = ()
    ) -> None:
        """Learn from the training split's sentences and from `extra` ones.

        Raises:
            ValueError: a split has no sentence that is short enough.
        """
        self.name, self.stage, self.corpus = stage.name, stage, corpus
        self.features = model.vision.features
        self.train, self.val = (
            SentenceIds(
                [sentence] for own in groups for sentence in own if 0 < len(sentence) <= stage.max_words
            )
            for groups in (chain(corpus.train_ids, extra), corpus.val_ids)
        )
        if not (self.train and self.val):
            raise ValueError(f"no sentence has at most {stage.max_words} known words: leave this stage out")

    def __len__(self) -> int:
        return len(self.train)

    def build(self) -> Captioner:
        """A new network."""
        return captioner.build(
            self.stage.captioner, self.features, captioner.log_frequencies(self.corpus.vocabulary)
        )

    def lr_scale(self, parameter: str) -> float:
        """The whole captioner is trained."""
        return 1.0

    def expecting(self, batches: Iterable[Sequence[int]]) -> AbstractContextManager[None]:
        """Sentences are in memory."""
        return nullcontext()

    def inputs(self, net: Captioner, batch: Sequence[int]) -> Asked:
        """Some sentences."""
        return self._asked(self.train, batch, together=True)

    def loss(self, net: Captioner, inputs: Asked) -> Tensor:
        """Cross-entropy of the true words."""
        return teacher_forcing(net, inputs)

    def _asked(self, sentences: SentenceIds, places: Sequence[int], *, together: bool = False) -> Asked:
        """The words of sentences, before one region without features."""
        target_BT, real_BT = self.corpus.padded(
            [[*sentences.sentence(k, 0), END] for k in places], together=together
        )
        feature_B1F = torch.zeros(len(target_BT), 1, self.features, device=target_BT.device)
        focus_B = torch.zeros_like(target_BT[:, 0])
        token_BT = torch.cat([torch.full_like(target_BT[:, :1], START), target_BT[:, :-1]], 1)
        return Asked(feature_B1F, focus_B, token_BT, target_BT, real_BT)

    @torch.no_grad()
    def evaluate(self, net: Captioner) -> Mapping[str, float]:
        """Exp of the mean of -ln p over the words and ENDs of val's sentences, with a minus sign."""
        nats, count = 0.0, 0
        for first in range(0, len(self.val), JUDGED):
            asked = self._asked(self.val, range(first, min(first + JUDGED, len(self.val))))
            words = int(asked.real_BT.sum())
            nats, count = nats + words * teacher_forcing(net, asked).item(), count + words
        return {self.goal: -float(torch.tensor(nats / count).exp())}
