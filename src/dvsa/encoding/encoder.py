"""An encoder that works in this process: threads read photographs and run the graphs of a model on them."""

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Final

import numpy as np

from dvsa.ahead import chunks, in_order
from dvsa.aligning import Support, words_on_regions
from dvsa.arrays import Floats
from dvsa.data.photographs import NamedSource
from dvsa.encoding.values import Encoded, Encoder, Facts, Settings, SupportedCaption
from dvsa.model import Model
from dvsa.photo import Photo, read, squash
from dvsa.sentence import Sentence

PHOTOS_PER_CALL: Final = 4
"""Photographs that a thread encodes at once: on a CPU more are not faster."""


def encoder(model: Model, settings: Settings | None = None, workers: int | None = None) -> Encoder:
    """An encoder that works in this process.

    Args:
        model: load it with `threads=1`, because each worker runs the graphs for itself.
        settings: what to give of each photograph.
        workers: the number of threads; None for one per core.

    Raises:
        ValueError: the bundle cannot give what is asked for.

    >>> import dvsa
    >>> from dvsa.data.gather import find
    >>> encode = encoder(dvsa.load(threads=1), Settings(captions=False))
    >>> (encoded,) = encode(find(["examples/cat.jpg"]))
    >>> encoded.facts[0].width, encoded.v_GID.shape
    (451, (1, 20, 256))
    """
    settings = settings or Settings()
    settings.check(model.bundle)

    def encode(sources: Iterable[NamedSource]) -> Iterator[Encoded]:
        some = partial(encode_some, model, settings)
        return in_order(some, chunks(sources, PHOTOS_PER_CALL), workers or os.cpu_count() or 1)

    return encode


def encode_some(model: Model, settings: Settings, sources: Sequence[NamedSource]) -> Encoded:
    """Read and encode a few photographs in one batch.

    >>> import dvsa
    >>> from dvsa.data.gather import find
    >>> encoded = encode_some(dvsa.load(), Settings(), find(["examples/cat.jpg"]))
    >>> encoded.captions[0].caption.text
    'a cat is sitting on a wall'
    """
    opened = [open_photograph(source) for source in sources]
    facts = tuple(fact for fact, _ in opened)
    photos = [photo for _, photo in opened if photo is not None]
    bundle = model.bundle
    if not photos:
        return nothing(facts, bundle.manifest.embedding)

    pixels_BHWC = np.stack([squash(photo, bundle.side) for photo in photos])
    fine, coarse, score_BN, box_BN4 = model.look(pixels_BHWC)
    proposer = settings.proposer(bundle)
    proposed = [model.propose(score_BN[b], box_BN4[b], proposer) for b in range(len(photos))]
    box_BI4, score_BI = (np.stack(arrays) for arrays in zip(*proposed, strict=True))

    feature_BIF, v_BID = model.encode(fine, coarse, box_BI4, photos)
    captions = written(model, feature_BIF, v_BID) if settings.captions else ()
    return Encoded(facts, box_BI4, score_BI, v_BID, captions)


def open_photograph(named: NamedSource) -> tuple[Facts, Photo | None]:
    """Read and decode a photograph; None, with the reason in its facts, if that fails.

    >>> from pathlib import Path
    >>> from dvsa.data import Source
    >>> open_photograph(("none.jpg", Source(Path("none.jpg"))))
    (Facts(path='none.jpg', width=None, height=None, error='none.jpg: No such file or directory'), None)
    """
    path, source = named
    try:
        photo = read(source.read(), name=path)
    except OSError as error:
        return Facts(path, error=f"{path}: {error.strerror}"), None
    except ValueError as error:
        return Facts(path, error=str(error)), None
    return Facts(path, photo.width, photo.height), photo


def nothing(facts: tuple[Facts, ...], embedding: int) -> Encoded:
    """The result for photographs of which none could be read.

    >>> nothing((Facts("none.jpg", error="none.jpg: the file is empty"),), 256).v_GID.shape
    (0, 1, 256)
    """
    box_GI4, score_GI, v_GID = (np.empty((0, 1, *rest), np.float32) for rest in ((4,), (), (embedding,)))
    return Encoded(facts, box_GI4, score_GI, v_GID)


def written(model: Model, feature_BIF: Floats, v_BID: Floats) -> tuple[SupportedCaption, ...]:
    """The best caption of each photograph, the first of `View.captions`, also of unfamiliar photographs.

    >>> import dvsa
    >>> view = dvsa.load().open("examples/cat.jpg")
    >>> (found,) = written(view.model, view.feature_IF[None], view.v_ID[None])
    >>> found.caption.words == view.captions()[0].words
    True
    """
    frame_B = np.full(len(v_BID), v_BID.shape[1] - 1)
    captions = [found[0] for found in model.write(feature_BIF, frame_B, v_BID=v_BID)]
    sentences = model.read_many([caption.text for caption in captions])
    support = model.bundle.manifest.evidence
    return tuple(
        SupportedCaption(caption, supported(sentence, v_ID, support))
        for caption, sentence, v_ID in zip(captions, sentences, v_BID, strict=True)
    )


def supported(sentence: Sentence, v_ID: Floats, support: Support) -> tuple[bool, ...]:
    """Whether a region supports each word of a sentence; see `dvsa.aligning.words_on_regions`.

    >>> dog = Sentence("the dog", ("the", "dog"), np.array([True, True]), np.eye(2, dtype=np.float32))
    >>> supported(dog, np.eye(2, dtype=np.float32)[:1], Support(0.5))
    (True, False)
    """
    dot_TI = sentence.s_TD @ v_ID.T
    return tuple(word.supported for word in words_on_regions(sentence, dot_TI, support))
