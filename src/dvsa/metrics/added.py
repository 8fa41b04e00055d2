"""SPICE and CLIPScore beside the other caption metrics, from programs and models that somebody has."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dvsa.metrics.captions import CaptionScores
from dvsa.metrics.clipscore import PROMPT, WEIGHT, ImageTextModel, Progress, clip_scores
from dvsa.metrics.figures import Setting
from dvsa.metrics.spice import spice as spice_scores
from dvsa.photo import Photo


def with_models(
    scores: CaptionScores,
    references: Mapping[str, Sequence[str]],
    hypotheses: Mapping[str, str],
    *,
    spice: Path | None = None,
    clip: ImageTextModel | None = None,
    read: Callable[[str], Photo] | None = None,
    progress: Progress | None = None,
) -> CaptionScores:
    """The scores with SPICE, CLIPScore and RefCLIPScore, each if it is asked for.

    Args:
        scores: of these captions.
        references: sentences by photograph.
        hypotheses: one sentence for each of these photographs.
        spice: the folder of SPICE's jar.
        clip: a CLIP model.
        read: reads a photograph by its name, for `clip`.
        progress: is called with what is done, how many are done, and the total.

    Raises:
        ValueError: SPICE fails, or a photograph cannot be read.

    >>> from dvsa.metrics.captions import score
    >>> references, hypotheses = {"1.jpg": ["a dog runs"]}, {"1.jpg": "a dog"}
    >>> scores = score(references, hypotheses, with_meteor=False)
    >>> with_models(scores, references, hypotheses) == scores
    True
    """
    if spice is not None:
        if progress is not None:
            progress("SPICE", 0, len(references))
        score_K = spice_scores(references, hypotheses, spice)
        scores = scores.with_metric("SPICE", score_K, jar="1.0")
        if progress is not None:
            progress("SPICE", len(references), len(references))

    if clip is not None and read is not None:
        found = clip_scores(clip, read, references, hypotheses, progress)
        details: dict[str, Setting] = {"model": clip.name, "prompt": PROMPT.strip(), "weight": WEIGHT}
        details |= {"tok": "CLIP", "case": "CLIP", "punct": "kept"}
        for name, score_K in found.items():
            scores = scores.with_metric(name, score_K, **details)
    return scores
