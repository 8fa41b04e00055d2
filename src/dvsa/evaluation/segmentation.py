"""The segments that the MRF makes of sentences: judged by people's phrases, and collected as phrases."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from dvsa import segments
from dvsa.data import Example
from dvsa.evaluation.aligning import aligned
from dvsa.evaluation.encoding import (
    Encoded,
    Progress,
    encode,
    require_photographs,
)
from dvsa.metrics.bootstrap import IntArray
from dvsa.metrics.figures import Report
from dvsa.metrics.segmentation import around_phrases, between_regions, by_chance, count
from dvsa.model import Floats, Model


def segmentation(
    model: Model,
    examples: Sequence[Example],
    *,
    beta: float | None = None,
    encoded: Encoded | None = None,
    progress: Progress | None = None,
) -> Report:
    """Precision, recall and F1 of the boundaries of the MRF's segments against Flickr30k Entities.

    True boundaries are the edges of phrases, with a box or without. Sentences without phrases are passed
    over. Two references stand beside the model: `every gap`, whose recall is 100 and whose precision is the
    share of gaps that are true; and `by chance`, the model's own number of boundaries in each sentence at
    random places, since F1 alone depends on that number. Without any boundary all figures are 0.

    Args:
        model: aligns the words.
        examples: the split.
        beta: of the MRF; the bundle's own where it is None.
        encoded: what `encode` gave for this model and these examples, to spare the work.
        progress: is told how far the work is.

    Raises:
        ValueError: there are no photographs, one cannot be read, none has phrases, or beta is negative.
    """
    require_photographs(examples)
    phrases: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for k, example in enumerate(examples):
        for phrase in example.phrases:
            phrases.setdefault((k, phrase.sentence), []).append((phrase.first, phrase.last))
    if not phrases:
        raise ValueError(
            f"none of the {len(examples)} photographs has phrases: put Flickr30k Entities into DIR/entities, "
            "or name its folder with --entities"
        )
    encoded = encoded or encode(model, examples, progress)
    beta = model.bundle.manifest.beta if beta is None else beta
    predicted, truth = [], []
    for line in aligned(model, examples, list(phrases), encoded.v_KID, progress):
        predicted.append(between_regions(segments.word_regions(line.known_T, line.dot_TI, beta)))
        truth.append(around_phrases(phrases[line.photo, line.sentence], len(line.tokens)))
    photos = [examples[k].name for k, _ in phrases]
    references = {
        "every gap": count([np.ones_like(gaps) for gaps in truth], truth, photos).report(),
        "by chance": by_chance(predicted, truth, photos).report(),
    }
    report = replace(count(predicted, truth, photos).report(), parts=references)
    return report.with_settings(
        proposer=model.bundle.manifest.proposer,
        beta="inf" if beta == math.inf else beta,  # JSON has no infinity
        sentences=len(phrases),
    )


class Segments(NamedTuple):
    """N segments of sentences, photograph by photograph."""

    text_N: list[str]
    photo_N: IntArray
    """Index of the photograph whose sentence holds the segment."""
    region_N: IntArray
    """The region of that photograph on which the MRF put it."""
    s_ND: Floats
    """Sum of the vectors of its words; unknown words have none."""


def collect(
    model: Model,
    examples: Sequence[Example],
    v_KID: Floats,
    *,
    beta: float | None = None,
    progress: Progress | None = None,
) -> Segments:
    """All segments that the MRF makes of the photographs' own sentences; beta as in `segmentation`.

    The arrays take 4 D bytes a segment, and twice that while they are made: 100,000 segments of 1,000 numbers
    need 0.8 GB. Sentences without a known word are passed over.

    Raises:
        ValueError: there is no such sentence, or beta is negative.
    """
    beta = model.bundle.manifest.beta if beta is None else beta
    places = [(k, n) for k, example in enumerate(examples) for n in range(len(example.sentences))]
    texts, photos, regions, sums = [], [], [], []
    for line in aligned(model, examples, places, v_KID, progress):
        if not line.known_T.any():
            continue
        runs = segments.segments(segments.word_regions(line.known_T, line.dot_TI, beta))
        texts += [" ".join(line.tokens[first : last + 1]) for first, last, _ in runs]
        photos += [line.photo] * len(runs)
        regions += [region for _, _, region in runs]
        sums.append(np.add.reduceat(line.s_TD, [first for first, _, _ in runs]))
    if not sums:
        raise ValueError("no sentence has a word that the bundle knows: choose another split or bundle")
    return Segments(texts, np.array(photos), np.array(regions), np.concatenate(sums))
