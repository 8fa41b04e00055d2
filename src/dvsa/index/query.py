"""What to search an index for: a sentence, a photograph, a part of a photograph, or vectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dvsa.arrays import Floats
from dvsa.boxes import from_pixels, reaches_beyond
from dvsa.model import Model, View
from dvsa.photo import Photo
from dvsa.sentence import Sentence


@dataclass(frozen=True, eq=False, slots=True)
class Query:
    """Vectors to search for; a photograph's score is the sum over them of the best region's dot product.

    The vectors are those of the words of a sentence, or of the regions of a photograph. A similar photograph
    is therefore one that has, for each region of the query, a region like it:

        S(p, q) = sum over regions j of the query of  max over regions i of the photograph of  v_i . v_j
    """

    sentence: Sentence
    """The sentence; for other queries, a name for each vector in place of words."""
    support: float = 0.0
    """The score, as a share of the length of a word's vector, above which a region supports the word."""

    @property
    def text(self) -> str:
        """The sentence, or a description of the vectors.

        >>> Query.of_vectors(np.eye(2, 256), name="two axes").text
        'two axes'
        """
        return self.sentence.text

    @property
    def s_ND(self) -> Floats:
        """The vectors: one for each known word.

        >>> Query.of_vectors(np.eye(2, 256)).s_ND.shape
        (2, 256)
        """
        return self.sentence.s_ND

    @classmethod
    def of_sentence(cls, model: Model, sentence: str) -> "Query":
        """Search by a sentence; raises ValueError if it has no words, too many words, or no known word.

        >>> import dvsa
        >>> Query.of_sentence(dvsa.load(), "Two dogs play in the snow.").sentence.words
        ('two', 'dogs', 'play', 'in', 'the', 'snow')
        """
        read = model.read(sentence)
        read.require_known()
        return cls(read, model.bundle.manifest.support)

    @classmethod
    def of_photo(
        cls, model: Model, photo: str | Path | bytes | Photo, box: Sequence[float] | None = None
    ) -> "Query":
        """Search by all regions of a photograph, or by one box on it.

        >>> import dvsa
        >>> query = Query.of_photo(dvsa.load(), "examples/cat.jpg", box=(50, 20, 200, 180))
        >>> query.s_ND.shape
        (1, 256)

        Args:
            model: the model that made the index.
            photo: a file, the bytes of one, or a decoded photograph.
            box: the part to search by: x0, y0, x1, y1 in pixels of the upright photograph.

        Raises:
            PhotoError: the photograph cannot be read.
            ValueError: the box has no area, or reaches beyond the photograph.
        """
        view = model.open(photo)
        if box is None:
            return cls.of_vectors(view.v_ID, f"regions of {view.photo.name}", "region")
        return cls.of_vectors(_box_vector(view, box), f"a part of {view.photo.name}", "region")

    @classmethod
    def of_vectors(
        cls, s_ND: NDArray[np.floating], name: str = "given vectors", each: str = "vector"
    ) -> "Query":
        """Search by vectors (N, D); raises ValueError unless they are finite and at least one.

        >>> query = Query.of_vectors(np.eye(2, 256))
        >>> query.text, query.sentence.words
        ('given vectors', ('vector 0', 'vector 1'))
        """
        s_ND = np.asarray(s_ND, np.float32)
        if s_ND.ndim != 2 or not len(s_ND) or not np.isfinite(s_ND).all():
            raise ValueError(f"vectors to search by must be (N, D) and finite: these are {s_ND.shape}")

        names = tuple(f"{each} {n}" for n in range(len(s_ND)))
        return cls(Sentence(name, names, np.ones(len(s_ND), np.bool_), s_ND))


def _box_vector(view: View, box: Sequence[float]) -> Floats:
    """The vector (1, D) of a box on a photograph.

    The network lets regions attend to one another, so the box is encoded together with the photograph's own
    regions, as they are in an index.
    """
    wide, high = view.photo.width, view.photo.height
    part_4 = np.clip(from_pixels(np.asarray([box], np.float64), wide, high)[0], 0, 1)
    if part_4.shape != (4,) or not (part_4[:2] < part_4[2:]).all():
        raise ValueError(f"the box {tuple(box)} is not a part of {wide} x {high} pixels: give x0, y0, x1, y1")
    if reaches_beyond(np.asarray([box], np.float64), wide, high).any():
        raise ValueError(
            f"the box {tuple(box)} reaches beyond the upright photograph of {wide} x {high} pixels: "
            "give a part of it"
        )
    return view.model.open(view.photo, regions=np.vstack([part_4[None], view.box_I4[:-1]])).v_ID[:1]
