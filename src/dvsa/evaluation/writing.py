"""Captions and phrases of regions, scored against people's sentences (paper, sections 4.2 and 4.3)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dvsa.arrays import Floats, IntArray
from dvsa.data import Example, GroundedPhrase
from dvsa.evaluation.encoding import (
    Encoded,
    Progress,
    batches,
    encode,
    look,
    require_boxes,
    require_sentences,
)
from dvsa.evaluation.evidence import Evidence, Judged, owned
from dvsa.metrics.added import with_models
from dvsa.metrics.bootstrap import estimate
from dvsa.metrics.captions import CaptionScores, score
from dvsa.metrics.clipscore import ImageTextModel
from dvsa.metrics.figures import Report
from dvsa.metrics.spice import program
from dvsa.model import Model
from dvsa.photo import read
from dvsa.records import FRAME, Caption, Subject

CAPTIONS = 50
"""Captions in a batch of the search."""


def captions(
    model: Model,
    examples: Sequence[Example],
    *,
    beam: int | None = None,
    length_power: float | None = None,
    with_meteor: bool = True,
    keep: Callable[[str, Caption], object] | None = None,
    spice: Path | None = None,
    clip: ImageTextModel | None = None,
    encoded: Encoded | None = None,
    progress: Progress | None = None,
) -> Judged:
    """One caption for each whole photograph, scored against the photograph's own sentences.

    Args:
        model: writes the captions.
        examples: the split.
        beam: width of the search; the bundle's default if None.
        length_power: as in `Model.write`; the bundle's default if None.
        with_meteor: whether to run METEOR, which takes 10 seconds to start.
        keep: is called with the name and the caption of every photograph.
        spice: the folder of SPICE's jar; without it there is no SPICE.
        clip: a CLIP model; without it there is no CLIPScore.
        encoded: what `encode` returned for this model and these examples; computed if None.
        progress: is called with what is done, how many are done, and the total.

    Raises:
        ValueError: there are no photographs, one cannot be read, or one has no sentences; or SPICE fails.
    """
    require_sentences(examples)
    if spice is not None:
        program(spice)
    encoded = encoded or encode(model, examples, progress)
    search = _Search.of(model, beam, length_power)

    frame_K = np.full(len(examples), encoded.feature_KIF.shape[1] - 1)
    written = _write(
        model, encoded.feature_KIF, frame_K, "frame", search, "writing captions", progress, encoded.v_KID
    )
    if keep is not None:
        for example, caption in zip(examples, written, strict=True):
            keep(example.name, caption)

    references = {example.name: example.sentences for example in examples}
    scores = _scored(references, written, with_meteor)
    hypotheses = {example.name: caption.text for example, caption in zip(examples, written, strict=True)}
    source = {example.name: example for example in examples}
    scores = with_models(
        *(scores, references, hypotheses),
        spice=spice,
        clip=clip,
        read=lambda name: read(source[name].read(), name=name),
        progress=progress,
    )
    proposer = encoded.proposer or model.bundle.manifest.proposer
    rerank = model.bundle.manifest.rerank
    report = scores.report().with_settings(proposer=proposer, **search._asdict(), rerank=rerank)
    return Judged(report, Evidence("captions", scores.photos, scores.statistics))


def regions(
    model: Model,
    examples: Sequence[Example],
    *,
    beam: int | None = None,
    length_power: float | None = None,
    with_meteor: bool = True,
    progress: Progress | None = None,
) -> Judged:
    """Phrases for given boxes, scored against people's phrases for the same things.

    An item is a chain of Flickr30k Entities that has boxes. Its region is the union of the boxes; its
    references are all its phrases in the photograph's sentences. The captioner of regions sees the region and
    the frame. The part `full_frame_model` has the figures of the captioner of whole photographs, which sees
    only the region, as if it were a photograph. Intervals are over photographs, each with all its chains.

    The arguments are those of `captions`.

    Raises:
        ValueError: there are no photographs, one cannot be read, no phrase has a box, or the bundle has no
            captioner for regions or for frames.
    """
    require_boxes(examples)
    boxed = [example for example in examples if chains(example)]
    references = references_of_chains(boxed)
    search = _Search.of(model, beam, length_power)
    feature_N2F = np.concatenate(list(features_of_chains(model, boxed, progress)))
    owner_N = np.repeat(np.arange(len(boxed)), [len(chains(example)) for example in boxed])

    def judge(subject: Subject, feature_NIF: Floats, what: str) -> tuple[Report, CaptionScores]:
        focus_N = np.zeros(len(feature_NIF), np.int64)
        written = _write(model, feature_NIF, focus_N, subject, search, what, progress)
        scores = _scored(references, written, with_meteor)
        report = over_photographs(scores, owner_N)
        return report.with_settings(proposer="given", captioner=subject, **search._asdict()), scores

    ours, our_scores = judge("region", feature_N2F, "writing phrases of regions")
    theirs, their_scores = judge("frame", feature_N2F[:, :1], "writing phrases as of photographs")

    arrays = {
        "owner_N": owner_N,
        **{f"region {name}": array for name, array in our_scores.statistics.items()},
        **{f"frame {name}": array for name, array in their_scores.statistics.items()},
    }
    names = tuple(example.name for example in boxed)
    return Judged(replace(ours, parts={"full_frame_model": theirs}), Evidence("regions", names, arrays))


class _Search(NamedTuple):
    """The parameters of the search for captions."""

    beam: int
    length_power: float

    @classmethod
    def of(cls, model: Model, beam: int | None, length_power: float | None) -> "_Search":
        """These parameters, with the bundle's defaults for None."""
        manifest = model.bundle.manifest
        return cls(
            manifest.beam if beam is None else beam,
            manifest.length_power if length_power is None else length_power,
        )


def _write(
    model: Model,
    feature_NIF: Floats,
    focus_N: NDArray[np.int64],
    subject: Subject,
    search: _Search,
    what: str,
    progress: Progress | None,
    v_NID: Floats | None = None,
) -> list[Caption]:
    """The best caption of each of N regions."""
    width, power = search
    written = []
    for n in batches(range(len(focus_N)), CAPTIONS, what, progress):
        v_BID = None if v_NID is None else v_NID[n]
        hypotheses = model.write(
            feature_NIF[n], focus_N[n], subject=subject, width=width, length_power=power, v_BID=v_BID
        )
        written += [best for best, *_ in hypotheses]
    return written


def _scored(
    references: Mapping[str, Sequence[str]], written: Sequence[Caption], with_meteor: bool
) -> CaptionScores:
    """The scores of captions that are in the order of their references."""
    hypotheses = {name: caption.text for name, caption in zip(references, written, strict=True)}
    return score(references, hypotheses, with_meteor=with_meteor)


def over_photographs(scores: CaptionScores, owner_N: IntArray) -> Report:
    """The report of items such as regions, with intervals over their photographs; `owner_N` has these."""
    photos = int(owner_N[-1]) + 1
    figures = estimate(lambda index_N: scores.figures(owned(owner_N, index_N)), photos)
    return scores.report_of(figures).with_settings(photos=photos, chains=len(owner_N))


def chains(example: Example) -> dict[str, list[GroundedPhrase]]:
    """The phrases of each chain that has boxes; all phrases of a chain have the same boxes."""
    found: dict[str, list[GroundedPhrase]] = {}
    for phrase in example.phrases:
        if phrase.boxes:
            found.setdefault(phrase.chain, []).append(phrase)
    return found


def references_of_chains(examples: Sequence[Example]) -> dict[str, list[str]]:
    """All phrases of each chain with boxes, by `PHOTOGRAPH#CHAIN`, in the order of `features_of_chains`."""
    return {
        f"{example.name}#{chain}": [phrase.text for phrase in phrases]
        for example in examples
        for chain, phrases in chains(example).items()
    }


def features_of_chains(
    model: Model, examples: Sequence[Example], progress: Progress | None
) -> Iterator[Floats]:
    """For each photograph, features (C, 2, F): of the region of each of its C chains, and of the frame."""
    remaining = iter(examples)
    for photos, fine, coarse, _, _ in look(model, examples, progress):
        for b, photo in enumerate(photos):
            box_C4 = [phrases[0].box for phrases in chains(next(remaining)).values()]
            box_BI4 = np.array([[*box_C4, FRAME]], np.float32)
            feature_BIF, _ = model.encode(fine[b : b + 1], coarse[b : b + 1], box_BI4, [photo])
            yield feature_BIF[0, [(c, -1) for c in range(len(box_C4))]]
