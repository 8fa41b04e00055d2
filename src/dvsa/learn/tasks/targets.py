"""What a captioner learns from: pairs of something to look at and the words for it."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torchvision.ops import box_iou  # type: ignore[import-untyped]

from dvsa import segments
from dvsa.learn.loop.progress import progress
from dvsa.learn.nets.vision import GEOMETRY
from dvsa.learn.tasks.alignment import AlignmentModel
from dvsa.learn.tasks.corpus import Corpus, Mention
from dvsa.text import FUNCTION_WORDS, START, START_PHRASE, Vocabulary

Ids = Sequence[Sequence[Sequence[int]]]
"""Of photographs, sentences and known words."""


class Lesson(NamedTuple):
    """One thing to write: the photograph, the region to speak of, how to begin, and the words."""

    photograph: int
    focus: int
    start: int
    words: tuple[int, ...]


def of_frames(feature_KIF: Tensor, ids: Ids) -> list[Lesson]:
    """Every sentence, for its whole photograph."""
    frame = feature_KIF.shape[1] - 1
    return [Lesson(k, frame, START, tuple(s)) for k, own in enumerate(ids) for s in own if s]


@torch.no_grad()
def of_segments(
    model: AlignmentModel, feature_KIF: Tensor, ids: Ids, corpus: Corpus, beta: float
) -> list[Lesson]:
    """The (region, segment) pairs that the chain MRF finds in each photograph's own sentences."""
    model.eval()
    found = []
    with progress("aligning segments", len(ids), quiet=corpus.quiet) as advance:
        for k, own in enumerate(ids):
            v_ID = model.vision.regions(feature_KIF[k : k + 1].float())[0]
            ids_LT, real_LT = corpus.padded(own)
            dot_LTI = (model.sentence(ids_LT, real_LT) @ v_ID.T).cpu().numpy()
            for sentence, dot_TI in zip(own, dot_LTI, strict=True):
                region_T = segments.viterbi(dot_TI[: len(sentence)], beta)
                for first, last, region in segments.segments(region_T):
                    found.append(Lesson(k, region, START_PHRASE, tuple(sentence[first : last + 1])))
            advance(1)
    return found


def with_content(lessons: Iterable[Lesson], vocabulary: Vocabulary) -> list[Lesson]:
    """Those that say more than function words, such as "on a", do."""
    return [x for x in lessons if not set(vocabulary.decode(x.words)) <= FUNCTION_WORDS]


def of_boxes(feature_KIF: Tensor, ids: Ids, said: Sequence[Sequence[Sequence[Mention]]]) -> list[Lesson]:
    """People's phrases, each for the region that overlaps its box most, by an IoU of 0.5 or more.

    So what is learnt from are the regions that will be spoken of, not boxes that people drew.
    """
    found = []
    box_KI4 = feature_KIF[..., -GEOMETRY:-1].float().cpu()
    for k, (own, named) in enumerate(zip(ids, said, strict=True)):
        pairs = [(s, m) for s, mentions in zip(own, named, strict=True) for m in mentions]
        true_P4 = torch.tensor([m.box for _, m in pairs]).reshape(-1, 4)
        overlap_P, region_P = box_iou(true_P4, box_KI4[k]).max(1)
        found += [
            Lesson(k, region, START_PHRASE, tuple(sentence[t] for t in mention.places))
            for (sentence, mention), overlap, region in zip(
                pairs, overlap_P.tolist(), region_P.tolist(), strict=True
            )
            if overlap >= 0.5
        ]
    return found
