"""Rows of encoded photographs as arrays, and how far those of two encoders are apart."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from dvsa.arrays import Floats
from dvsa.boxes import iou
from dvsa.encoding import Encoded, SupportedCaption

SAME = 0.01
"""Boxes whose edges differ by less are the same region."""


@dataclass(frozen=True)
class Rows:
    """The rows of the photographs that could be read."""

    box_GI4: Floats
    score_GI: Floats
    v_GID: Floats
    captions: tuple[SupportedCaption, ...]

    @classmethod
    def of(cls, parts: Iterable[Encoded]) -> "Rows":
        """All results of an encoder."""
        held = list(parts)
        box_GI4, score_GI, v_GID = (
            np.concatenate([getattr(part, name) for part in held])
            for name in ("box_GI4", "score_GI", "v_GID")
        )
        return cls(box_GI4, score_GI, v_GID, tuple(said for part in held for said in part.captions))


def compared(found: Rows, wanted: Rows) -> dict[str, float]:
    """How far rows are apart: shares that are the same, and the largest differences of same regions.

    A region is the same if it was chosen in the same place; `regions_found` counts those chosen in any place.
    `best_iou` is the mean IoU of a region with the most similar one of the other encoder.
    """
    edges_GII = np.abs(found.box_GI4[:, :, None] - wanted.box_GI4[:, None]).max(-1)
    apart_GI = edges_GII.diagonal(axis1=1, axis2=2)
    same_GI = apart_GI < SAME
    overlap_GI = [
        iou(ours, theirs).max(1) for ours, theirs in zip(found.box_GI4, wanted.box_GI4, strict=True)
    ]

    # The context of a region changes with the others, so vectors are also compared where all are the same.
    whole_G = same_GI.all(1)
    score_GI = np.abs(found.score_GI - wanted.score_GI)
    v_GI = np.abs(found.v_GID - wanted.v_GID).max(-1)
    figures = {
        "photographs_same": float(whole_G.mean()),
        "regions_same": float(same_GI.mean()),
        "regions_found": float((edges_GII.min(2) < SAME).mean()),
        "best_iou": float(np.mean(overlap_GI)),
        "box": float(apart_GI[same_GI].max(initial=0)),
        "score": float(score_GI[same_GI].max(initial=0)),
        "vector": float(v_GI[same_GI].max(initial=0)),
        "vector_of_same_photographs": float(v_GI[whole_G].max(initial=0)),
    }
    if found.captions:
        texts = [
            (ours.caption.text == theirs.caption.text, ours, theirs)
            for ours, theirs in zip(found.captions, wanted.captions, strict=True)
        ]
        gaps = [abs(ours.caption.logprob - theirs.caption.logprob) for same, ours, theirs in texts if same]
        figures["captions_same"] = sum(same for same, _, _ in texts) / len(texts)
        figures["caption_logprob"] = max(gaps, default=0.0)
    return figures
