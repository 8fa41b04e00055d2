"""Where the model sees the words and phrases of a sentence, against the boxes of Flickr30k Entities."""

import math
from collections.abc import Sequence

import numpy as np

from dvsa.aligning import locate
from dvsa.boxes import iou
from dvsa.data import Example, GroundedPhrase
from dvsa.evaluation.aligning import aligned
from dvsa.evaluation.encoding import (
    Encoded,
    Progress,
    encode,
    require_boxes,
)
from dvsa.evaluation.evidence import Evidence, Judged
from dvsa.metrics.grounding import Grounding, covered, ground
from dvsa.model import Model
from dvsa.segments import word_regions


def grounding(
    model: Model,
    examples: Sequence[Example],
    *,
    beta: float | None = None,
    encoded: Encoded | None = None,
    progress: Progress | None = None,
) -> Judged:
    """How many phrases are found: `R@1 IoU0.5` and `pointing`; and how many any proposal covers.

    `covered IoU0.5` is the upper bound of the first, `covered IoU0.7` the same for closer boxes.

    Args:
        model: proposes the regions and aligns the words.
        examples: the split.
        beta: where it is None, a phrase goes where `View.locate` puts it; else to the region on which the MRF
            with this beta puts most of its words, the better proposal of two with equally many.
        encoded: what `encode` gave for this model and these examples, to spare the work.
        progress: is told how far the work is.

    Raises:
        ValueError: there are no photographs, one cannot be read, no phrase has a box, or beta is negative.
    """
    require_boxes(examples)
    encoded = encoded or encode(model, examples, progress)
    phrases, sharpness = _boxed(examples), model.bundle.manifest.sharpness
    predicted, truth, photos = [], [], []
    for line in aligned(model, examples, list(phrases), encoded.v_KID, progress):
        path_T = None if beta is None else word_regions(line.known_T, line.dot_TI, beta)
        for phrase in phrases[line.photo, line.sentence]:
            place, box_I4 = slice(phrase.first, phrase.last + 1), encoded.box_KI4[line.photo]
            if path_T is None:
                region = locate(line.s_TD[place], encoded.v_KID[line.photo], box_I4, sharpness)
            else:
                region = int(np.bincount(path_T[place]).argmax())
            predicted.append(box_I4[region])
            truth.append(phrase.box)
            photos.append(examples[line.photo].name)
    truth_N4 = np.array(truth)
    found = ground(np.array(predicted), truth_N4, photos)
    bound = covered(
        {example.name: encoded.box_KI4[k] for k, example in enumerate(examples)}, truth_N4, photos
    )
    judged = Grounding(found.owner_N, {**found.found, **bound.found})
    if beta is not None:
        rule = "majority of the MRF's path in the phrase"
    elif sharpness:
        rule = f"expected IoU at sharpness {sharpness:g}"
    else:
        rule = "largest sum of v.s over the phrase"
    report = judged.report().with_settings(
        proposer=model.bundle.manifest.proposer,
        rule=rule,
        beta="inf" if beta == math.inf else beta,  # JSON has no infinity
    )
    arrays = {"owner_N": judged.owner_N, **judged.found}
    return Judged(report, Evidence("grounding", tuple(sorted(set(photos))), arrays))


def word_accuracy(
    model: Model,
    examples: Sequence[Example],
    *,
    beta: float | None = None,
    encoded: Encoded | None = None,
    progress: Progress | None = None,
) -> float:
    """Of the words in phrases with boxes, the percentage that the MRF puts on a region with IoU >= 0.5.

    The arguments and errors are those of `grounding`, but where beta is None it is the bundle's own.
    """
    require_boxes(examples)
    encoded = encoded or encode(model, examples, progress)
    beta = model.bundle.manifest.beta if beta is None else beta
    phrases = _boxed(examples)
    right: list[bool] = []
    for line in aligned(model, examples, list(phrases), encoded.v_KID, progress):
        box_T4 = encoded.box_KI4[line.photo, word_regions(line.known_T, line.dot_TI, beta)]
        for phrase in phrases[line.photo, line.sentence]:
            overlap_T1 = iou(box_T4[phrase.first : phrase.last + 1], np.array([phrase.box]))
            right.extend(overlap_T1[:, 0] >= 0.5)
    return 100 * float(np.mean(right))


def _boxed(examples: Sequence[Example]) -> dict[tuple[int, int], list[GroundedPhrase]]:
    """The phrases with boxes of each sentence that has some, by (photograph, sentence)."""
    phrases: dict[tuple[int, int], list[GroundedPhrase]] = {}
    for k, example in enumerate(examples):
        for phrase in example.phrases:
            if phrase.boxes:
                phrases.setdefault((k, phrase.sentence), []).append(phrase)
    return phrases
