"""The paper's own figures (Karpathy and Fei-Fei 2015); they are typed only here."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Published(NamedTuple):
    """A figure of the paper."""

    value: float
    verified: bool = True
    """Whether it was found in a second source as well; otherwise it is printed with a dagger."""

    def __str__(self) -> str:
        return f"{self.value:.1f}{'' if self.verified else '†'}"


Figures = Mapping[str, Published]

_RANKS = ("R@1", "R@5", "R@10", "Med r")
_BLEU = ("BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4")


def _ranks(*values: float) -> Figures:
    """Recalls, which are verified, and the median rank, which is not."""
    return {name: Published(value, name != "Med r") for name, value in zip(_RANKS, values, strict=True)}


def _bleu(values: Sequence[float], verified: Sequence[bool], **others: Published) -> Figures:
    bleu = {name: Published(value, sure) for name, value, sure in zip(_BLEU, values, verified, strict=True)}
    return {**bleu, **{name.replace("_", "-"): figure for name, figure in others.items()}}


NO, YES = (False,) * 4, (True,) * 4

RANKING: Mapping[str, Mapping[str, Figures]] = {
    "flickr8k": {
        "photo_to_sentence": _ranks(16.5, 40.6, 54.2, 7.6),
        "sentence_to_photo": _ranks(11.8, 32.1, 44.7, 12.4),
    },
    "flickr30k": {
        "photo_to_sentence": _ranks(22.2, 48.2, 61.4, 4.8),
        "sentence_to_photo": _ranks(15.2, 37.7, 50.5, 9.2),
    },
    "coco": {
        "photo_to_sentence": _ranks(16.5, 39.2, 52.0, 9.0),
        "sentence_to_photo": _ranks(10.7, 29.6, 42.2, 14.0),
    },
    "coco, first 1,000": {
        "photo_to_sentence": _ranks(38.4, 69.9, 80.5, 1.0),
        "sentence_to_photo": _ranks(27.4, 60.2, 74.8, 3.0),
    },
}
"""By data set and direction: the BRNN of the paper's tables 1 and 2."""

CAPTIONS: Mapping[str, Figures] = {
    "flickr8k": _bleu((57.9, 38.3, 24.5, 16.0), NO),
    "flickr30k": _bleu((57.3, 36.9, 24.0, 15.7), YES),
    "coco": _bleu(
        (62.5, 45.0, 32.1, 23.0),
        (False, False, False, True),
        METEOR=Published(19.5, False),
        CIDEr=Published(66.0),
    ),
}
"""By data set: captions of whole photographs."""

REGIONS: Mapping[str, Figures] = {
    "nearest": _bleu((22.9, 10.5, 0.0, 0.0), NO),
    "full-frame": _bleu(
        (14.2, 6.0, 2.2, 0.0), NO, METEOR=Published(13.3), ROUGE_L=Published(21.0), CIDEr=Published(20.3)
    ),
    "region": _bleu(
        (35.2, 23.0, 16.1, 14.8), NO, METEOR=Published(15.8), ROUGE_L=Published(35.1), CIDEr=Published(61.6)
    ),
    "people": _bleu((61.5, 45.2, 30.1, 22.0), NO),
}
"""By system: phrases of regions."""
