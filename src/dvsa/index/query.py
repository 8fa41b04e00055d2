"""What one can ask an index: a sentence, a photograph, a part of one, or vectors of one's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dvsa.boxes import from_pixels
from dvsa.model import Floats, Model
from dvsa.photo import Photo
from dvsa.sentence import Sentence


@dataclass(frozen=True, eq=False, slots=True)
class Query:
    """Vectors, each of which goes to its best region in a photograph; the score is the sum over them.

    The words of a sentence are such vectors, and so are the regions of a photograph. Similar photographs are
    therefore those that have, for each region of the query, a region like it:

        S(p, q) = sum over regions j of the query of  max over regions i of the photograph of  v_i . v_j
    """

    sentence: Sentence
    """The sentence; or a name for each vector in place of words."""
    support: float = 0.0
    """The score, as a share of the length of a word's vector, above which a region supports the word."""

    @property
    def text(self) -> str:
        """The sentence, or what the vectors are."""
        return self.sentence.text

    @property
    def s_ND(self) -> Floats:
        """One vector for each known word."""
        return self.sentence.s_ND

    @classmethod
    def of_sentence(cls, model: Model, sentence: str) -> "Query":
        """Ask with a sentence; raises ValueError if it has no words, too many words, or no known word."""
        read = model.read(sentence)
        read.require_known()
        return cls(read, model.bundle.manifest.support)

    @classmethod
    def of_photo(
        cls, model: Model, photo: str | Path | bytes | Photo, box: Sequence[float] | None = None
    ) -> "Query":
        """Ask with all regions of a photograph, or with one box on it.

        Args:
            model: the model that made the index.
            photo: a file, the bytes of one, or a decoded photograph.
            box: the part that counts: x0, y0, x1, y1 in pixels; what lies beyond the photograph is cut off.

        Raises:
            PhotoError: the photograph cannot be read.
            ValueError: the box has no area within the photograph.
        """
        view = model.open(photo)
        v_ND = view.v_ID
        if box is not None:  # regions see one another, so the box must be seen among those that an index has
            wide, high = view.photo.width, view.photo.height
            part_4 = np.clip(from_pixels(np.asarray([box], np.float64), wide, high)[0], 0, 1)
            if part_4.shape != (4,) or not (part_4[:2] < part_4[2:]).all():
                raise ValueError(f"the box {tuple(box)} is no part of {wide} x {high} pixels: x0, y0, x1, y1")
            v_ND = model.open(view.photo, regions=np.vstack([part_4[None], view.box_I4[:-1]])).v_ID[:1]
        whose = "regions" if box is None else "a part"
        return cls.of_vectors(v_ND, f"{whose} of {view.photo.name}", "region")

    @classmethod
    def of_vectors(
        cls, s_ND: NDArray[np.floating], name: str = "vectors of one's own", each: str = "vector"
    ) -> "Query":
        """Ask with vectors (N, D); raises ValueError unless they are finite and at least one."""
        s_ND = np.asarray(s_ND, np.float32)
        if s_ND.ndim != 2 or not len(s_ND) or not np.isfinite(s_ND).all():
            raise ValueError(f"vectors to search by must be (N, D) and finite: these are {s_ND.shape}")
        words = tuple(f"{each} {n}" for n in range(len(s_ND)))
        return cls(Sentence(name, words, np.ones(len(s_ND), np.bool_), s_ND))
