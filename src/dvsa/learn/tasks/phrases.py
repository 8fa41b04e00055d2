"""The boxed phrases of a batch of sentences, and their scores with regions."""

from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from dvsa.arrays import IntArray
from dvsa.learn.loop import processes
from dvsa.learn.loop.transfer import on_device
from dvsa.learn.nets.regions import paired_iou
from dvsa.learn.nets.vision_config import GEOMETRY
from dvsa.learn.tasks.ragged import BoxedPhrases

UNIT = 64
"""Where steps are recorded, the number of phrases is padded to a multiple of this."""
SHARPNESS = 20.0
"""Factor on the cosine of a phrase with a region before the softmax over regions."""


class Phrases(NamedTuple):
    """The boxed phrases of some sentences, on the device."""

    photo_P: Tensor
    """The photograph of each."""
    sentence_P: Tensor
    """Its sentence."""
    inside_PT: Tensor
    """1 at its words, 0 elsewhere."""
    box_P4: Tensor
    """Its box. Padding has an empty box at the corner, which no region covers."""

    @classmethod
    def of(
        cls,
        found: BoxedPhrases,
        owner_L: IntArray,
        words: int,
        device: torch.device,
        unit: int = 1,
    ) -> Self:
        """The phrases of sentences of at most `words` words.

        `owner_L` is the photograph of each sentence. If there is a `unit`, the phrases are padded to a
        multiple of it; all processes call this at the same time, and get the same number.
        """
        real = len(found.sentence_P)
        count = real if unit == 1 else processes.largest(real + -real % unit)
        photo_P, sentence_P = np.zeros((2, count), np.int64)
        inside_PT, box_P4 = np.zeros((count, words), np.float32), np.zeros((count, 4), np.float32)
        sentence_P[:real], box_P4[:real] = found.sentence_P, found.box_P4
        photo_P[:real] = owner_L[found.sentence_P]
        inside_PT[found.phrase_M, found.place_M] = 1
        return cls(*(on_device(array, device) for array in (photo_P, sentence_P, inside_PT, box_P4)))


def phrase_scores(
    v_KID: Tensor, s_LTD: Tensor, feature_KIF: Tensor, phrases: Phrases
) -> tuple[Tensor, Tensor]:
    """The scores of each phrase with the regions of its photograph (P, I), and their IoU with its box (P, I).

    A score is `SHARPNESS` times the cosine. The length of a phrase's vector is its weight in the sentence and
    says nothing about its place; a loss on the product would push all phrases to weigh more.

    Args:
        v_KID: region vectors.
        s_LTD: word vectors.
        feature_KIF: features of the regions, which hold their boxes.
        phrases: the phrases of these sentences.
    """
    phrase_PD = torch.einsum("pt,ptd->pd", phrases.inside_PT, s_LTD[phrases.sentence_P])
    own_PID = v_KID[phrases.photo_P]
    dot_PI = SHARPNESS * torch.einsum("pd,pid->pi", functional.normalize(phrase_PD, dim=-1), own_PID)
    box_PI4 = feature_KIF[phrases.photo_P, :, -GEOMETRY:-1]
    return dot_PI, paired_iou(box_PI4, phrases.box_P4[:, None])
