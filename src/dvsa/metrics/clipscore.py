"""CLIPScore and RefCLIPScore (Hessel et al. 2021), with the vectors of a CLIP model that somebody has.

CLIPScore is 2.5 max(cos, 0) of photograph and caption; it needs no references. RefCLIPScore is its harmonic
mean with the cosine of the caption and its closest reference, or 0 if that is below 0. Figures of different
CLIP models do not compare.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

import numpy as np

from dvsa.arrays import Doubles, Floats, IntArray
from dvsa.photo import Photo

WEIGHT = 2.5
PROMPT = "A photo depicts "
"""Stands before every caption and every reference."""
BATCH = 32

Item = TypeVar("Item")
Progress = Callable[[str, int, int], object]


class ImageTextModel(Protocol):
    """A model with one space for photographs and texts, such as `dvsa.learn.ship.clip.Clip`."""

    name: str
    """For the signature of the figures."""

    def images(self, photos: Sequence[Photo]) -> Floats:
        """The vectors of photographs, (N, D).

        >>> from PIL import Image
        >>> class Colours:
        ...     def images(self, photos):
        ...         return np.array([photo.image.getpixel((0, 0)) for photo in photos])
        >>> Colours().images([Photo("1.png", Image.new("RGB", (1, 1), (9, 0, 0)), 1, 1)]).tolist()
        [[9, 0, 0]]
        """

    def texts(self, texts: Sequence[str]) -> Floats:
        """The vectors of texts, (N, D).

        >>> class Lengths:
        ...     def texts(self, texts):
        ...         return np.array([[len(text)] for text in texts])
        >>> Lengths().texts(["a dog"]).tolist()
        [[5]]
        """


def clip_scores(
    model: ImageTextModel,
    read: Callable[[str], Photo],
    references: Mapping[str, Sequence[str]],
    hypotheses: Mapping[str, str],
    progress: Progress | None = None,
) -> dict[str, Doubles]:
    """`CLIPScore` and `RefCLIPScore` of each of K photographs, in the order of the references.

    An empty caption scores 0.

    Args:
        model: gives the vectors.
        read: reads a photograph by its name.
        references: sentences by photograph.
        hypotheses: one sentence for each of these photographs.
        progress: is called with what is done, how many are done, and the total.

    >>> class Colours:
    ...     name = "colours"
    ...     def images(self, photos):
    ...         return np.array([[1.0, 0.0] for photo in photos])
    ...     def texts(self, texts):
    ...         return np.array([[0.6, 0.8] for text in texts])
    >>> found = clip_scores(Colours(), lambda name: None, {"1.jpg": ["a red dog"]}, {"1.jpg": "red dogs"})
    >>> {name: round(float(score_K[0]), 2) for name, score_K in found.items()}
    {'CLIPScore': 1.5, 'RefCLIPScore': 1.2}
    """
    photos = list(references)
    owner_M = np.repeat(np.arange(len(photos)), [len(references[photo]) for photo in photos])
    own_M = [PROMPT + sentence for photo in photos for sentence in references[photo]]
    said_K = [PROMPT + hypotheses[photo] for photo in photos]

    def images(names: Sequence[str]) -> Floats:
        return model.images([read(name) for name in names])

    image_KD = np.concatenate(list(_batches(images, photos, "photographs in CLIP", progress)))
    caption_KD = np.concatenate(list(_batches(model.texts, said_K, "captions in CLIP", progress)))
    reference_MD = np.concatenate(list(_batches(model.texts, own_M, "references in CLIP", progress)))

    some_K = np.array([bool(hypotheses[photo].strip()) for photo in photos])
    clip_K = np.where(some_K, clip_score(image_KD, caption_KD), 0.0)
    closest_K = np.where(some_K, closest(caption_KD, reference_MD, owner_M), 0.0)
    total_K = clip_K + closest_K
    both_K = 2 * clip_K * closest_K / np.where(total_K, total_K, 1.0)
    return {"CLIPScore": clip_K, "RefCLIPScore": both_K}


def clip_score(image_KD: Floats, caption_KD: Floats) -> Doubles:
    """2.5 max(cos, 0) of each photograph and its caption, (K,).

    >>> clip_score(np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([[3.0, 0.0], [0.0, -1.0]])).tolist()
    [2.5, 0.0]
    """
    cosine_K = (_unit(image_KD) * _unit(caption_KD)).sum(axis=1)
    return np.asarray(WEIGHT * np.maximum(cosine_K, 0))


def closest(caption_KD: Floats, reference_MD: Floats, owner_M: IntArray) -> Doubles:
    """The largest cosine of each caption with its references, or 0 if that is below 0, (K,).

    `owner_M` has the caption of each of M references.

    >>> closest(np.array([[1.0, 0.0]]), np.array([[0.6, 0.8], [0.0, 1.0]]), np.array([0, 0])).tolist()
    [0.6]
    """
    cosine_M = (_unit(reference_MD) * _unit(caption_KD)[owner_M]).sum(axis=1)
    most_K = np.zeros(len(caption_KD))
    np.maximum.at(most_K, owner_M, cosine_M)
    return most_K


def _unit(v_ND: Floats) -> Doubles:
    """The vectors with length 1."""
    v_ND64 = np.asarray(v_ND, np.float64)
    return np.asarray(v_ND64 / np.maximum(np.linalg.norm(v_ND64, axis=1, keepdims=True), 1e-12))


def _batches(
    encode: Callable[[Sequence[Item]], Floats], items: Sequence[Item], what: str, progress: Progress | None
) -> Iterator[Floats]:
    """The vectors of all items, a batch at a time."""
    for first in range(0, len(items), BATCH):
        yield encode(items[first : first + BATCH])
        if progress is not None:
            progress(what, min(first + BATCH, len(items)), len(items))
