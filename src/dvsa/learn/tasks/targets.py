"""What a captioner learns to write: pairs of a region and the words for it."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torchvision.ops import box_iou  # type: ignore[import-untyped]

from dvsa import segments
from dvsa.learn.loop.order import chunks
from dvsa.learn.loop.progress import progress
from dvsa.learn.loop.transfer import on_device
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.nets.vision_config import GEOMETRY
from dvsa.learn.tasks.corpus import Corpus
from dvsa.learn.tasks.ragged import Flat, Ids, PhraseTarget, SentenceIds
from dvsa.learn.tasks.rows_ahead import Rows
from dvsa.text import FUNCTION_WORDS, START, START_PHRASE, Vocabulary

ALIGNED = 50
"""Photographs whose sentences are aligned at once."""
Sentences = Sequence[Sequence[Ids]]
"""For each photograph, its sentences."""


class CaptionTarget(NamedTuple):
    """One thing to write."""

    photograph: int
    focus: int
    """The region to describe; the last one is the frame."""
    start: int
    """The id of the word that begins the text."""
    words: tuple[int, ...]


class Targets(Flat[CaptionTarget]):
    """Targets in flat arrays.

    >>> targets = Targets([CaptionTarget(0, 19, START, (7, 4)), CaptionTarget(2, 3, START_PHRASE, (5,))])
    >>> len(targets), targets[1].words
    (2, (5,))
    """

    def __init__(self, targets: Iterable[CaptionTarget]) -> None:
        """Read each target once."""
        heads = array("i")

        def words() -> Iterator[Ids]:
            for target in targets:
                heads.extend(target[:3])
                yield target.words

        self._words = SentenceIds([ids] for ids in words())
        self._heads = np.array(heads).reshape(-1, 3)

    def __len__(self) -> int:
        return len(self._words)

    def item(self, k: int) -> CaptionTarget:
        """Target k."""
        photograph, focus, start = self._heads[k].tolist()
        return CaptionTarget(photograph, focus, start, tuple(self._words.sentence(k, 0)))


def of_frames(feature_KIF: Rows, sentences: Sentences) -> Iterator[CaptionTarget]:
    """Every sentence, for its whole photograph."""
    frame = feature_KIF.shape[1] - 1
    for k, own in enumerate(sentences):
        for sentence in filter(None, own):
            yield CaptionTarget(k, frame, START, tuple(sentence))


@torch.no_grad()
def of_segments(
    model: JointModel, feature_KIF: Rows, sentences: Sentences, corpus: Corpus, beta: float
) -> Iterator[CaptionTarget]:
    """The (region, segment) pairs that the chain MRF finds in each photograph's own sentences."""
    model.eval()
    with progress("aligning segments", len(sentences), quiet=corpus.quiet) as advance:
        for chunk in chunks(len(sentences), ALIGNED):
            # The products of all words of some photographs' sentences with the regions of their photograph.
            owned = [(k, sentence) for k in range(chunk.start, chunk.stop) for sentence in sentences[k]]
            v_KID = model.vision.regions(feature_KIF[chunk].float())
            ids_LT, real_LT = corpus.padded([sentence for _, sentence in owned])
            owner_L = on_device(np.array([k - chunk.start for k, _ in owned], np.int64), v_KID.device)
            dot_LTI = (model.sentence(ids_LT, real_LT) @ v_KID[owner_L].mT).cpu().numpy()

            for (k, sentence), dot_TI in zip(owned, dot_LTI, strict=True):
                region_T = segments.viterbi(dot_TI[: len(sentence)], beta)
                for first, last, region in segments.segments(region_T):
                    said = tuple(sentence[first : last + 1])
                    yield CaptionTarget(k, region, START_PHRASE, said)
            advance(chunk.stop - chunk.start)


def with_content(targets: Iterable[CaptionTarget], vocabulary: Vocabulary) -> Iterator[CaptionTarget]:
    """The targets that have more than function words; "on a" has not."""
    return (x for x in targets if not set(vocabulary.decode(x.words)) <= FUNCTION_WORDS)


def of_boxes(
    feature_KIF: Rows, sentences: Sentences, phrases: Sequence[Sequence[Sequence[PhraseTarget]]]
) -> Iterator[CaptionTarget]:
    """People's phrases, each for the region with the highest IoU with its box, if that is at least 0.5.

    So a captioner learns from regions such as it will describe, not from boxes that people drew.
    """
    for chunk in chunks(len(sentences), ALIGNED):
        box_KI4 = feature_KIF[chunk][..., -GEOMETRY:-1].float().cpu()
        for k in range(chunk.start, chunk.stop):
            # The best region of each phrase of the photograph.
            own = zip(sentences[k], phrases[k], strict=True)
            pairs = [(sentence, phrase) for sentence, named in own for phrase in named]
            true_P4 = torch.tensor([phrase.box for _, phrase in pairs]).reshape(-1, 4)
            overlap_P, region_P = box_iou(true_P4, box_KI4[k - chunk.start]).max(1)

            best = zip(pairs, overlap_P.tolist(), region_P.tolist(), strict=True)
            for (sentence, phrase), overlap, region in best:
                if overlap >= 0.5:
                    said = tuple(sentence[t] for t in phrase.places)
                    yield CaptionTarget(k, region, START_PHRASE, said)
