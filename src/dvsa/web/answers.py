"""From what the model says to what goes over the wire."""

import math
from dataclasses import asdict

import numpy as np

from dvsa import segments
from dvsa.captioning import sampler
from dvsa.model import View
from dvsa.records import Alignment, Caption
from dvsa.web import schemas


def photo(view: View, identifier: str) -> schemas.Photo:
    """All that the model says about a photograph by itself."""
    manifest = view.model.bundle.manifest
    caption = view.caption() if "frame" in manifest.voices else Caption("", 0.0, (), ())
    return schemas.Photo(
        id=identifier, name=view.photo.name, width=view.photo.width, height=view.photo.height,
        proposer=view.proposer, beta=manifest.beta,
        regions=[schemas.Region(**asdict(region)) for region in view.regions],
        caption=said(view, caption), phrases=phrases(view),
        alignment=alignment(view, caption.text) if caption.words else None,
    )  # fmt: skip


def phrases(view: View) -> list[schemas.Phrase]:
    """A phrase for each region but the frame, of which the caption speaks."""
    count = len(view.box_I4) - 1
    if count == 0 or "region" not in view.model.bundle.manifest.voices:
        return []
    feature_BIF = np.repeat(view.feature_IF[None], count, axis=0)
    written = view.model.write(feature_BIF, np.arange(count), subject="region")
    return [schemas.Phrase(region=i, caption=said(view, captions[0])) for i, captions in enumerate(written)]


def captions(view: View, question: schemas.CaptionQuestion) -> schemas.Captions:
    """Captions by one of three ways of search; raises ValueError where the bundle has no captioner."""
    if question.method == "sample":
        frame_B = np.full(question.n, len(view.box_I4) - 1)
        drawn = view.model.write(
            np.repeat(view.feature_IF[None], question.n, axis=0),
            frame_B,
            sampler=sampler(question.temperature, seed=question.seed),
        )
        found = sorted((caption for (caption,) in drawn), key=lambda caption: -caption.logprob)
    else:
        found = view.captions(1 if question.method == "greedy" else question.beam)[: question.n]
    return schemas.Captions(captions=[said(view, caption) for caption in found])


def said(view: View, caption: Caption) -> schemas.Said:
    """A caption with its evidence: the best region of each of its words, before the MRF."""
    laid = view.align(caption.text).words if caption.words else ()
    words = [
        schemas.SaidWord(**asdict(word), logprob=logprob)
        for word, logprob in zip(laid, caption.logprobs, strict=False)  # END has a logprob, and is no word
    ]
    return schemas.Said(text=caption.text, logprob=caption.logprob, words=words)


def alignment(view: View, sentence: str, beta: schemas.Beta | None = None) -> schemas.Alignment:
    """A sentence on a photograph; raises ValueError where it has no words or more than 500."""
    found = view.align(sentence, None if beta is None else float(beta))
    return schemas.Alignment(
        **asdict(found) | {"beta": "inf" if math.isinf(found.beta) else found.beta},
        marginals=_marginals(found),
    )


def _marginals(found: Alignment) -> list[list[float]]:
    dot_TI = np.array(found.scores)
    known_T = np.array([word.known for word in found.words])
    if not known_T.any():
        return [[1 / dot_TI.shape[1]] * dot_TI.shape[1]] * len(dot_TI)
    p_NI = segments.marginals(dot_TI[known_T], found.beta)
    return [p_NI[n].tolist() for n in segments.nearest_known(known_T)]
