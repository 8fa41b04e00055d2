"""Builds the API's responses from what the model says."""

import math
from dataclasses import asdict

import numpy as np

from dvsa import segments
from dvsa.captioning import sampler
from dvsa.model import View
from dvsa.records import Alignment, Caption
from dvsa.web import schemas


def photo(view: View, identifier: str) -> schemas.PhotoJson:
    """The regions, caption, phrases, things and caption alignment of a photograph."""
    manifest = view.model.bundle.manifest
    best = view.caption() if "frame" in manifest.voices else Caption("", 0.0, (), ())
    spoken = phrases(view)

    return schemas.PhotoJson(
        id=identifier,
        name=view.photo.name,
        width=view.photo.width,
        height=view.photo.height,
        proposer=view.proposer,
        beta=manifest.beta,
        distance=view.distance,
        familiar=view.familiar,
        regions=[schemas.RegionJson(**asdict(region)) for region in view.regions],
        caption=caption(view, best),
        phrases=[
            schemas.PhraseJson(region=i, caption=caption(view, phrase, share=0.0))
            for i, phrase in enumerate(spoken)
        ],
        things=things(view, [best, *(spoken[i] for i in view.best_regions() if spoken)]),
        alignment=alignment(view, best.text) if best.words else None,
    )


def things(view: View, captions: list[Caption]) -> list[schemas.ThingJson]:
    """What the photograph shows, as `View.things` says it for these captions."""
    return [schemas.ThingJson(**asdict(thing)) for thing in view.things(captions)]


def phrases(view: View) -> list[Caption]:
    """A phrase for each region except the frame; the frame has the caption."""
    count = len(view.box_I4) - 1
    if count == 0 or "region" not in view.model.bundle.manifest.voices:
        return []
    feature_BIF = np.repeat(view.feature_IF[None], count, axis=0)
    written = view.model.write(feature_BIF, np.arange(count), subject="region")
    return [captions[0] for captions in written]


def captions(view: View, request: schemas.CaptionRequest) -> schemas.CaptionsJson:
    """Captions by greedy search, beam search or sampling; raises ValueError without a captioner."""
    if request.method == "sample":
        frame_B = np.full(request.n, len(view.box_I4) - 1)
        drawn = view.model.write(
            np.repeat(view.feature_IF[None], request.n, axis=0),
            frame_B,
            sampler=sampler(request.temperature, seed=request.seed),
        )
        samples = [caption(view, sample) for (sample,) in drawn]
        return schemas.CaptionsJson(captions=sorted(samples, key=lambda sample: -sample.value))

    found = view.captions(1 if request.method == "greedy" else request.beam)[: request.n]
    return schemas.CaptionsJson(captions=[caption(view, one) for one in found])


def caption(view: View, written: Caption, share: float | None = None) -> schemas.CaptionJson:
    """A caption, with the best region of each word (before the MRF) and its log-probability.

    Args:
        view: the photograph.
        written: the caption.
        share: what the score with the photograph counts for its value; the bundle's share if None.
    """
    manifest = view.model.bundle.manifest
    words = view.align(written.text).words if written.words else ()
    natural = written.logprob / max(len(written.logprobs), 1) ** manifest.length_power
    supported = sum(word.score for word in words)

    return schemas.CaptionJson(
        text=written.text,
        logprob=written.logprob,
        value=natural + (manifest.rerank if share is None else share) * supported,
        words=[
            schemas.CaptionWordJson(**asdict(word), logprob=logprob)
            for word, logprob in zip(words, written.logprobs, strict=False)  # the last logprob is that of END
        ],
    )


def alignment(view: View, sentence: str, beta: schemas.Beta | None = None) -> schemas.AlignmentJson:
    """The alignment of a sentence; raises ValueError if it has no words or more than 500."""
    read = view.model.read(sentence)
    found = view.align(read, None if beta is None else float(beta))
    return schemas.AlignmentJson(
        **asdict(found) | {"beta": "inf" if math.isinf(found.beta) else found.beta},
        marginals=_marginals(found),
        unknown={word: list(near) for word, near in read.nearest.items()},
    )


def _marginals(found: Alignment) -> list[list[float]]:
    """The probability of each region for each word, as `schemas.AlignmentJson.marginals` describes it."""
    dot_TI = np.array(found.scores)
    known_T = np.array([word.known for word in found.words])
    if not known_T.any():
        return [[1 / dot_TI.shape[1]] * dot_TI.shape[1]] * len(dot_TI)
    p_NI = segments.marginals(dot_TI[known_T], found.beta)
    return [p_NI[n].tolist() for n in segments.nearest_known(known_T)]
