"""Where a model locates the phrases and words of a sentence, against the boxes of Flickr30k Entities."""

from collections.abc import Sequence

import numpy as np

from dvsa.aligning import region_scores
from dvsa.arrays import FloatArray, Floats
from dvsa.boxes import iou
from dvsa.data import Example, GroundedPhrase
from dvsa.evaluation.encoding import Encoded, Progress, beta_setting, encode, require_boxes
from dvsa.evaluation.evidence import Evidence, Judged
from dvsa.evaluation.own_sentences import read_own
from dvsa.metrics.grounding import CATEGORY, RANKS, Grounding, covered, ground
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
    """The share of phrases that are found, `R@k IoU0.5` and `pointing`, and that any proposal covers.

    k is 1, 5 and 10; a region that is there twice counts once. `covered IoU0.5` is the upper bound of all
    three; `covered IoU0.7` is the same for closer boxes. If the phrases have categories, each of them is a
    part of the report.

    Args:
        model: proposes the regions and aligns the words.
        examples: the split.
        beta: if None, a phrase's first region is the one that `View.locate` gives, and the others follow by
            the same scores. Otherwise the MRF with this beta assigns the words to regions, and the regions
            are in the order of the numbers of words; ties go to the better proposal.
        encoded: what `encode` returned for this model and these examples; computed if None.
        progress: is called with what is done, how many are done, and the total.

    Raises:
        ValueError: there are no photographs, one cannot be read, no phrase has a box, or beta is negative.
    """
    require_boxes(examples)
    encoded = encoded or encode(model, examples, progress)
    phrases, sharpness = _boxed(examples), model.bundle.manifest.sharpness

    predicted, judged_phrases, photos = [], [], []
    for own in read_own(model, examples, list(phrases), encoded.v_KID, progress):
        known_T, s_TD = own.sentence.known_T, own.sentence.s_TD
        box_I4, v_ID = encoded.box_KI4[own.photo], encoded.v_KID[own.photo]
        path_T = None if beta is None else word_regions(known_T, own.dot_TI, beta)
        for phrase in phrases[own.photo, own.number]:
            place = slice(phrase.first, phrase.last + 1)
            if path_T is None:
                score_I = region_scores(s_TD[place], v_ID, box_I4, sharpness)
            else:
                score_I = np.bincount(path_T[place], minlength=len(box_I4)).astype(np.float32)
            predicted.append(_best(score_I, box_I4))
            judged_phrases.append(phrase)
            photos.append(examples[own.photo].name)

    truth_N4 = np.array([phrase.box for phrase in judged_phrases])
    proposals = {example.name: encoded.box_KI4[k] for k, example in enumerate(examples)}
    found = ground(predicted, truth_N4, photos)
    bound = covered(proposals, truth_N4, photos)
    judged = Grounding(found.owner_N, {**found.found, **bound.found})
    judged = judged.of_kinds([phrase.kinds for phrase in judged_phrases])

    report = judged.report().with_settings(
        proposer=encoded.proposer or model.bundle.manifest.proposer,
        rule=_rule(beta, sharpness),
        beta=beta_setting(beta),
    )
    categories = {f"{CATEGORY}{kind}": own_N for kind, own_N in judged.categories.items()}
    arrays = {"owner_N": judged.owner_N, **judged.found, **categories}
    return Judged(report, Evidence("grounding", tuple(sorted(set(photos))), arrays))


def _best(score_I: FloatArray, box_I4: Floats) -> Floats:
    """The boxes with the highest scores, the best first, as many as the figures need; no box twice."""
    ranked_I4 = box_I4[np.argsort(-score_I, kind="stable")]
    first_N = np.unique(ranked_I4, axis=0, return_index=True)[1]
    return ranked_I4[np.sort(first_N)[: max(RANKS)]]


def _rule(beta: float | None, sharpness: float) -> str:
    """How the region of a phrase is chosen, for the settings."""
    if beta is not None:
        return "majority of the MRF's path in the phrase"
    if sharpness:
        return f"expected IoU at sharpness {sharpness:g}"
    return "largest sum of v.s over the phrase"


def word_accuracy(
    model: Model,
    examples: Sequence[Example],
    *,
    beta: float | None = None,
    encoded: Encoded | None = None,
    progress: Progress | None = None,
) -> float:
    """The share of the words in phrases with boxes whose region has IoU >= 0.5, in percent.

    The MRF assigns the words to regions. The arguments and errors are those of `grounding`; if beta is None,
    the bundle's default is used.
    """
    require_boxes(examples)
    encoded = encoded or encode(model, examples, progress)
    beta = model.bundle.manifest.beta if beta is None else beta
    phrases = _boxed(examples)

    right: list[bool] = []
    for own in read_own(model, examples, list(phrases), encoded.v_KID, progress):
        box_T4 = encoded.box_KI4[own.photo, word_regions(own.sentence.known_T, own.dot_TI, beta)]
        for phrase in phrases[own.photo, own.number]:
            overlap_T1 = iou(box_T4[phrase.first : phrase.last + 1], np.array([phrase.box]))
            right.extend(overlap_T1[:, 0] >= 0.5)
    return 100 * float(np.mean(right))


def _boxed(examples: Sequence[Example]) -> dict[tuple[int, int], list[GroundedPhrase]]:
    """The phrases with boxes, by (photograph, sentence)."""
    phrases: dict[tuple[int, int], list[GroundedPhrase]] = {}
    for k, example in enumerate(examples):
        for phrase in example.phrases:
            if phrase.boxes:
                phrases.setdefault((k, phrase.sentence), []).append(phrase)
    return phrases
