"""What to search an index for: a sentence, a photograph, a part of a photograph, or vectors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dvsa import maxsim, text
from dvsa.aligning import UNKNOWN, Support
from dvsa.arrays import Floats
from dvsa.boxes import from_pixels, reaches_beyond
from dvsa.model import Model, View
from dvsa.photo import Photo
from dvsa.sentence import Sentence, check_length, joined

RELEVANCE: Final = 1.3
"""How far above the bundle's `support` the words of an answer match, on average (runs/relevance.py)."""


@dataclass(frozen=True, eq=False, slots=True)
class Query:
    """Vectors to search for; a photograph's score is the sum over them of the best region's dot product.

    The vectors are those of the words of a sentence, or of the regions of a photograph. A similar photograph
    is therefore one that has, for each region of the query, a region like it:

        S(p, q) = sum over regions j of the query of  max over regions i of the photograph of  v_i . v_j
    """

    sentence: Sentence
    """The sentence; for other queries, a name for each vector in place of words."""
    support: Support = UNKNOWN
    """What the match of a word says."""
    told: int = 0
    """How many of the vectors, from the first, are those of words. Only words have a calibrated support."""
    without: tuple["Query", ...] = ()
    """What a photograph must not show."""
    ignored: tuple[Sentence, ...] = ()
    """Parts of the question that do not count, because the model does not know what they ask for."""

    @property
    def text(self) -> str:
        """The sentence, or a description of the vectors.

        >>> Query.of_vectors(np.eye(2, 256), name="two axes").text
        'two axes'
        """
        return self.sentence.text

    @property
    def nearest(self) -> Mapping[str, tuple[str, ...]]:
        """The unknown words of all parts of the question, each with the known words that are nearest to it.

        >>> import dvsa
        >>> Query.asked(dvsa.load(), "a dog", without=["a bottlecap"]).nearest
        {'bottlecap': ('bottle', 'cap')}
        """
        parts = (self.sentence, *(query.sentence for query in self.without), *self.ignored)
        return {word: near for part in parts for word, near in part.nearest.items()}

    @property
    def s_ND(self) -> Floats:
        """The vectors: one for each known word.

        >>> Query.of_vectors(np.eye(2, 256)).s_ND.shape
        (2, 256)
        """
        return self.sentence.s_ND

    @property
    def is_calibrated(self) -> bool:
        """Whether `fits` can tell answers from other photographs.

        >>> Query.of_vectors(np.eye(2, 256)).is_calibrated
        False
        """
        return self.told > 0 and self.support.threshold > 0

    def fits(self, v_ID: Floats) -> bool:
        """Whether a photograph answers the question: its regions support the words.

        The score of the words must reach `RELEVANCE` times their support, the sum of what each word needs:

            sum over words t of  max over regions i of v_i . s_t   >=   RELEVANCE support sum over t of |s_t|

        A query without words fits everything.

        >>> import dvsa
        >>> view = dvsa.load().open("examples/cat.jpg")
        >>> asked = (Query.of_sentence(view.model, text) for text in ("a cat", "a spaceship docking"))
        >>> [query.fits(view.v_ID) for query in asked]
        [True, False]
        """
        return not self.is_calibrated or _supports(
            self.s_ND[: self.told], v_ID, RELEVANCE * self.support.threshold
        )

    def excludes(self, v_ID: Floats) -> bool:
        """Whether a photograph shows what it must not show: its words have support, on average.

        >>> import dvsa
        >>> view = dvsa.load().open("examples/cat.jpg")
        >>> wall, cat = (Query.of_sentence(view.model, text) for text in ("a wall", "a cat"))
        >>> Query.combined([(wall, 1.0)], without=[cat]).excludes(view.v_ID)
        True
        """
        return any(_supports(query.s_ND, v_ID, query.support.threshold) for query in self.without)

    @classmethod
    def of_sentence(cls, model: Model, sentence: str) -> "Query":
        """Search by a sentence, or by several: each is read for itself, and their scores are added.

        Raises:
            ValueError: there are no words, too many, or none that the model knows.

        >>> import dvsa
        >>> Query.of_sentence(dvsa.load(), "Two dogs play in the snow.").sentence.words
        ('two', 'dogs', 'play', 'in', 'the', 'snow')
        """
        read = _read(model, sentence)
        read.require_known()
        return cls(read, model.bundle.manifest.evidence, len(read.s_ND))

    @classmethod
    def asked(
        cls,
        model: Model,
        sentence: str | None = None,
        like: "Query | None" = None,
        weight: float | None = None,
        without: Sequence[str] = (),
    ) -> "Query":
        """A whole question. A part that the model does not know does not count; the others still do.

        Such a part has unknown words, and no known ones or only function words, such as "a spaceship".

        Args:
            model: the model that made the index.
            sentence: what a photograph shows.
            like: the query of a photograph, or of a part of one.
            weight: what it counts beside the sentence; by default 1.
            without: sentences for what no result may show.

        Raises:
            ValueError: nothing known is asked for, a sentence is empty or too long, or the weight invalid.

        >>> import dvsa
        >>> query = Query.asked(dvsa.load(), "a dog", without=["a zyzzyva", "snow"])
        >>> query.text, [part.text for part in query.ignored]
        ('a dog, without snow', ['a zyzzyva'])
        """
        if weight is not None and (sentence is None or like is None):
            raise ValueError(f"the weight {weight:g} has no effect: give a sentence and a photograph")
        read = [] if sentence is None else [_read(model, sentence)]
        unwanted = [_read(model, text) for text in without]
        ignored = [one for one in unwanted if not _says_something(one)]
        if like is not None:
            ignored[:0] = [one for one in read if not _says_something(one)]
        elif read:
            read[0].require_known()  # it is all that can be searched for

        evidence = model.bundle.manifest.evidence
        parts, forbidden = (
            [cls(one, evidence, len(one.s_ND)) for one in some if one not in ignored]
            for some in (read, unwanted)
        )
        weighted = [(part, 1.0) for part in parts]
        if like is not None:
            weighted.append((like, weight if parts and weight is not None else 1.0))
        alone = len(weighted) == 1 and not forbidden
        whole = weighted[0][0] if alone else cls.combined(weighted, forbidden)
        return replace(whole, ignored=tuple(ignored))

    @classmethod
    def combined(cls, parts: Sequence[tuple["Query", float]], without: Sequence["Query"] = ()) -> "Query":
        """Search by several queries at once, such as a sentence and a photograph.

        The vectors of each part are scaled so that the sum of their lengths is its weight times that of the
        first part: a photograph with many regions does not drown a short sentence.

        Args:
            parts: queries and their weights.
            without: sentences for what no result may show.

        Raises:
            ValueError: there are no parts, a weight is not above 0, or one of `without` is no sentence or has
                no calibration.

        >>> import dvsa
        >>> model = dvsa.load()
        >>> cat, like = Query.of_sentence(model, "a cat"), Query.of_photo(model, "examples/cat.jpg")
        >>> Query.combined([(cat, 1.0), (like, 0.5)]).text
        'a cat + 0.5 regions of cat.jpg'
        """
        if not parts:
            raise ValueError("there is nothing to search for: give at least one query")
        if bad := [weight for _, weight in parts if not 0 < weight < np.inf]:
            raise ValueError(f"the weight {bad[0]:g} is invalid: give a number above 0")
        ordered = sorted(parts, key=lambda part: not part[0].told)  # words come first
        support = max(query.support for query, _ in parts)
        if any(not query.is_calibrated for query in without):
            raise ValueError(
                "what is not wanted must be a sentence, and the bundle must have a calibration of words"
            )

        whole = _length(parts[0][0].s_ND)
        scaled = [
            replace(q.sentence, s_ND=q.s_ND * np.float32(weight * whole / max(_length(q.s_ND), 1e-9)))
            for q, weight in ordered
        ]
        names = [q.text if weight == 1 else f"{weight:g} {q.text}" for q, weight in parts]
        name = " + ".join(names) + "".join(f", without {query.text}" for query in without)
        told = sum(query.told for query, _ in parts)
        return cls(joined(name, scaled), support, told, tuple(without))

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


def _read(model: Model, sentence: str) -> Sentence:
    """A text of one sentence or several, each read for itself; raises ValueError as `Query.of_sentence`."""
    check_length(sentence, text.words(sentence))
    return joined(sentence, [model.read(one) for one in text.sentences(sentence)])


def _says_something(sentence: Sentence) -> bool:
    """Whether the known words of a sentence ask for something; function words beside unknown ones do not."""
    known = {word for word, known in zip(sentence.words, sentence.known_T, strict=True) if known}
    return bool(known - text.FUNCTION_WORDS) or bool(sentence.known_T.all())


def _supports(s_ND: Floats, v_ID: Floats, least: float) -> bool:
    """Whether the words match with at least `least`, as a share of the lengths of their vectors."""
    return maxsim.score(v_ID, s_ND) >= least * _length(s_ND)


def _length(s_ND: Floats) -> float:
    """The sum of the lengths of vectors."""
    return float(np.linalg.norm(s_ND, axis=1).sum())


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
