"""The segments that the MRF makes of sentences: judged against people's phrases, and collected."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from dvsa import segments
from dvsa.arrays import Floats, IntArray
from dvsa.data import Example
from dvsa.evaluation.encoding import (
    Encoded,
    Progress,
    beta_setting,
    encode,
    require_photographs,
)
from dvsa.evaluation.own_sentences import read_own
from dvsa.metrics.figures import Report
from dvsa.metrics.segmentation import around_phrases, between_regions, by_chance, count
from dvsa.model import Model


def segmentation(
    model: Model,
    examples: Sequence[Example],
    *,
    beta: float | None = None,
    encoded: Encoded | None = None,
    progress: Progress | None = None,
) -> Report:
    """Precision, recall and F1 of the boundaries of the MRF's segments against Flickr30k Entities.

    True boundaries are the edges of phrases, with or without a box. Sentences without phrases are skipped.
    The report has two references: `every gap` has a recall of 100, and its precision is the share of gaps
    that are true; `by chance` puts as many boundaries as the model into each sentence at random, since F1
    depends on that number. Without any boundary all figures are 0.

    Args:
        model: aligns the words.
        examples: the split.
        beta: of the MRF; the bundle's default if None.
        encoded: what `encode` returned for this model and these examples; computed if None.
        progress: is called with what is done, how many are done, and the total.

    Raises:
        ValueError: there are no photographs, one cannot be read, none has phrases, or beta is negative.
    """
    require_photographs(examples)
    phrases = _phrases(examples)
    encoded = encoded or encode(model, examples, progress)
    beta = model.bundle.manifest.beta if beta is None else beta

    predicted, truth = [], []
    for own in read_own(model, examples, list(phrases), encoded.v_KID, progress):
        region_T = segments.word_regions(own.sentence.known_T, own.dot_TI, beta)
        predicted.append(between_regions(region_T))
        truth.append(around_phrases(phrases[own.photo, own.number], len(own.sentence.words)))

    photos = [examples[k].name for k, _ in phrases]
    references = {
        "every gap": count([np.ones_like(gaps) for gaps in truth], truth, photos).report(),
        "by chance": by_chance(predicted, truth, photos).report(),
    }
    report = replace(count(predicted, truth, photos).report(), parts=references)
    return report.with_settings(
        proposer=encoded.proposer or model.bundle.manifest.proposer,
        beta=beta_setting(beta),
        sentences=len(phrases),
    )


def _phrases(examples: Sequence[Example]) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """First and last word of each phrase, by (photograph, sentence); ValueError if there are none."""
    phrases: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for k, example in enumerate(examples):
        for phrase in example.phrases:
            phrases.setdefault((k, phrase.sentence), []).append((phrase.first, phrase.last))

    if not phrases:
        raise ValueError(
            f"none of the {len(examples)} photographs has phrases: put Flickr30k Entities into DIR/entities, "
            "or name its folder with --entities"
        )
    return phrases


class CollectedSegments(NamedTuple):
    """N segments of sentences, photograph by photograph."""

    text_N: list[str]
    photo_N: IntArray
    """Index of the photograph whose sentence has the segment."""
    region_N: IntArray
    """The region of that photograph to which the MRF assigned it."""
    s_ND: Floats
    """Sum of the vectors of its known words."""


def collect(
    model: Model,
    examples: Sequence[Example],
    v_KID: Floats,
    *,
    beta: float | None = None,
    progress: Progress | None = None,
) -> CollectedSegments:
    """All segments that the MRF makes of the photographs' own sentences; beta as in `segmentation`.

    The result takes 4 D bytes for each segment, and twice that while it is made: 100,000 segments of 1,000
    numbers need 0.8 GB. Sentences without a known word are skipped.

    Raises:
        ValueError: no sentence has a known word, or beta is negative.
    """
    beta = model.bundle.manifest.beta if beta is None else beta
    places = [(k, n) for k, example in enumerate(examples) for n in range(len(example.sentences))]

    texts, photos, regions, sums = [], [], [], []
    for own in read_own(model, examples, places, v_KID, progress):
        sentence = own.sentence
        if not sentence.known_T.any():
            continue
        runs = segments.segments(segments.word_regions(sentence.known_T, own.dot_TI, beta))
        texts += [" ".join(sentence.words[first : last + 1]) for first, last, _ in runs]
        photos += [own.photo] * len(runs)
        regions += [region for _, _, region in runs]
        sums.append(np.add.reduceat(sentence.s_TD, [first for first, _, _ in runs]))

    if not sums:
        raise ValueError("no sentence has a word that the bundle knows: choose another split or bundle")
    return CollectedSegments(texts, np.array(photos), np.array(regions), np.concatenate(sums))
