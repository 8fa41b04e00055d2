"""A sentence on the regions of a photograph: the regions of words and of phrases, and the segments."""

from typing import Final, NamedTuple

import numpy as np

from dvsa.arrays import FloatArray
from dvsa.boxes import expected_iou
from dvsa.records import Alignment, Word
from dvsa.segments import spans
from dvsa.sentence import Sentence
from dvsa.text import FUNCTION_WORDS


class Support(NamedTuple):
    """What the match of a word says: its best score with a region, divided by the length of its vector.

    The score alone says little, because some words have long vectors. runs/support.py measures both numbers.
    """

    threshold: float = 0.0
    """The match above which a region supports the word; a cosine if the vectors of regions have length 1."""
    slope: float = 0.0
    """How fast the probability that the photograph shows it changes with the match; 0 if it is not known."""

    def probability(self, match: float) -> float | None:
        """sigmoid(slope (match - threshold)): 1/2 at the threshold. None without a calibration.

        >>> Support(0.3, 20.0).probability(0.3), Support(0.3).probability(0.9)
        (0.5, None)
        """
        if not self.slope:
            return None
        return float(0.5 + 0.5 * np.tanh(0.5 * self.slope * (match - self.threshold)))


UNKNOWN: Final = Support()
"""The support of a bundle without a calibration."""


def align(sentence: Sentence, v_ID: FloatArray, *, beta: float, support: Support) -> Alignment:
    """Align a sentence with the regions of a photograph.

    Args:
        sentence: the sentence, with at least one word.
        v_ID: vectors of the regions.
        beta: preference for longer segments in the MRF; 0 or more, and may be infinite.
        support: see `words_on_regions`.

    >>> known_T, s_ND = np.array([True, False, True]), np.array([[2.0, 0.0], [0.0, 1.0]])
    >>> sentence = Sentence("Red zyzzyva runs", ("red", "zyzzyva", "runs"), known_T, s_ND)
    >>> alignment = align(sentence, np.eye(2), beta=0.5, support=Support(0.3))
    >>> alignment.score, [word.region for word in alignment.words]
    (3.0, [0, None, 1])
    >>> [(segment.text, segment.region) for segment in alignment.segments]
    [('red zyzzyva', 0), ('runs', 1)]
    """
    dot_TI = np.zeros((len(sentence.words), len(v_ID)), np.float32)
    dot_TI[sentence.known_T] = sentence.s_ND @ v_ID.T
    return Alignment(
        sentence=sentence.text,
        beta=beta,
        score=float(dot_TI.max(1).sum()),
        words=words_on_regions(sentence, dot_TI, support),
        segments=spans(sentence.words, sentence.known_T, dot_TI, beta),
        scores=tuple(tuple(map(float, dot_I)) for dot_I in dot_TI),
    )


def words_on_regions(sentence: Sentence, dot_TI: FloatArray, support: Support) -> tuple[Word, ...]:
    """The words of a sentence, each with its best region.

    Function words, such as "the", are always supported; other unknown words never are.

    Args:
        sentence: the sentence.
        dot_TI: the products v_i . s_t; the rows of unknown words are not used for support.
        support: what a match says.

    >>> sentence = Sentence("the dog", ("the", "dog"), np.array([True, True]), np.array([[1.0], [2.0]]))
    >>> the, dog = words_on_regions(sentence, np.array([[0.1], [0.5]]), Support(0.3, 20.0))
    >>> the.supported, dog.supported, round(dog.probability, 2)
    (True, False, 0.27)
    """
    length_T = np.ones(len(sentence.words))
    length_T[sentence.known_T] = np.linalg.norm(sentence.s_ND, axis=1)
    return tuple(
        _word(word, bool(known), dot_I, float(length), support)
        for word, known, dot_I, length in zip(sentence.words, sentence.known_T, dot_TI, length_T, strict=True)
    )


def _word(word: str, known: bool, dot_I: FloatArray, length: float, support: Support) -> Word:
    best = float(dot_I.max())
    needed, function = support.threshold * length, word in FUNCTION_WORDS
    return Word(
        text=word,
        known=known,
        region=int(dot_I.argmax()) if known else None,
        score=best,
        supported=function or (known and best > needed),
        probability=support.probability(best / max(length, 1e-9)) if known and not function else None,
    )


def locate(s_ND: FloatArray, v_ID: FloatArray, box_I4: FloatArray, sharpness: float) -> int:
    """The index of the region where a phrase is.

    The vector of the phrase is the sum s of the vectors of its words. If `sharpness` is 0, the answer is the
    region with the highest v_i . s. Otherwise region i is the right one with probability
    softmax_i(sharpness cos(v_i, s)), and the answer is the region with the highest expected IoU with the
    right one.

    Args:
        s_ND: vectors of the known words of the phrase; may be empty.
        v_ID: vectors of the regions, of length 1 if `sharpness` is above 0.
        box_I4: boxes of the regions.
        sharpness: factor on the cosines in the softmax.

    >>> v_ID, box_I4 = np.eye(2), np.array([[0, 0, 0.5, 0.5], [0, 0, 1, 1]])
    >>> locate(np.array([[0.2, 0.1]]), v_ID, box_I4, sharpness=0)
    0
    """
    return int(region_scores(s_ND, v_ID, box_I4, sharpness).argmax())


def region_scores(s_ND: FloatArray, v_ID: FloatArray, box_I4: FloatArray, sharpness: float) -> FloatArray:
    """How well each region fits a phrase, (I,): `locate` answers with the highest.

    The arguments are those of `locate`. The scores are expected IoUs in [0, 1], or products v_i . s if
    `sharpness` is 0.

    >>> v_ID, box_I4 = np.eye(2), np.array([[0, 0, 0.5, 0.5], [0, 0, 1, 1]])
    >>> region_scores(np.array([[0.2, 0.1]]), v_ID, box_I4, sharpness=0).tolist()
    [0.2, 0.1]
    """
    s_D = s_ND.sum(axis=0)
    dot_I: FloatArray = v_ID @ s_D
    if not sharpness:
        return dot_I

    logit_I = sharpness * dot_I / max(float(np.linalg.norm(s_D)), 1e-9)
    weight_I = np.exp(logit_I - logit_I.max())
    return expected_iou(box_I4, weight_I / weight_I.sum())
