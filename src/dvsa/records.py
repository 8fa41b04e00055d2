"""Frozen values that the parts of the package exchange, and the legend of shape letters.

Shape letters, used as suffixes of array names (`v_ID` is regions by embedding):

    K photographs   I regions    L sentences   T words      D embedding
    B batch         V vocabulary F features    N any count  H, W, C height, width, channels

A *box* is `(x0, y0, x1, y1)` in fractions of the photograph's width and height, so `0 <= x0 < x1 <= 1`.
It is the same on the original photograph and on the square that the network sees.
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from dvsa import notebook

Box = tuple[float, float, float, float]
"""`(x0, y0, x1, y1)` in fractions of the photograph's width and height."""

Subject = Literal["frame", "region"]
"""What a captioner writes about: a whole photograph or one region."""
SUBJECTS: tuple[Subject, ...] = get_args(Subject)

FRAME: Box = (0.0, 0.0, 1.0, 1.0)
"""The whole photograph; always the last region of a view."""

UNFAMILIAR: Final = "Unlike anything it learnt from: it may be wrong about this photograph."
"""What people are told of a photograph that is not familiar; see `Description.familiar`."""


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a photograph."""

    index: int
    """Position in the view's list of regions, from 0."""
    box: Box
    """In fractions of width and height."""
    pixels: tuple[int, int, int, int]
    """The same box in pixels of the original photograph, after EXIF orientation."""
    score: float
    """The proposer's confidence in [0, 1]; 1 for the frame, fixed boxes and boxes given by the user."""


def percent(probability: float) -> str:
    """A probability as people see it: nothing is quite certain.

    >>> percent(0.934), percent(0.996)
    ('93%', '>99%')
    """
    return ">99%" if probability > 0.99 else f"{probability:.0%}"


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that a photograph shows."""

    name: str
    region: int
    """Where it is seen best."""
    probability: float
    """That the photograph shows it, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a sentence with its best region, before the MRF (paper, section 3.1)."""

    text: str
    known: bool
    """Whether the vocabulary has the word. An unknown word has no region and scores 0."""
    region: int | None
    score: float
    """`max over regions i of v_i . s_t`: what the word adds to the score of the sentence."""
    supported: bool
    """Whether a region shows it: whether the score is above the bundle's `support` times the length of the
    word's vector. Function words are always supported."""
    probability: float | None = None
    """How probable it is that the photograph shows what the word says, in [0, 1]. Unlike scores, the
    probabilities of different words compare. None for function words, for unknown ones, and if the bundle has
    no calibration."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Neighbouring words that the MRF assigns to one region (paper, section 3.1.4)."""

    first: int
    """Index of the first word."""
    last: int
    """Index of the last word, inclusive."""
    text: str
    region: int
    score: float
    """Sum over the segment's words of `v_region . s_t`."""


@dataclass(frozen=True, slots=True, repr=False)
class Alignment:
    """A sentence aligned with a photograph."""

    sentence: str
    beta: float
    score: float
    """The MaxSim score of the photograph and the sentence: the sum of the words' scores."""
    words: tuple[Word, ...]
    segments: tuple[Segment, ...]
    scores: tuple[tuple[float, ...], ...]
    """`v_i . s_t` for every word (outer) and region (inner); zeros for unknown words."""

    def __repr__(self) -> str:
        """The segments with their regions.

        >>> Alignment("a dog", 0.0, 2.5, (), (Segment(0, 1, "a dog", 4, 2.5),), ())
        <Alignment of 'a dog': score 2.50; 'a dog' on region 4>
        """
        segments = ", ".join(f"{segment.text!r} on region {segment.region}" for segment in self.segments)
        return f"<Alignment of {self.sentence!r}: score {self.score:.2f}; {segments or 'no known word'}>"

    def evidence(self, t: int, region: int) -> str:
        """What people see of word `t` on a region: how probable the photograph shows it.

        Function words have no probability. Without a calibration, it is the score.

        >>> the, dog = Word("the", True, 0, 0.5, True), Word("dog", True, 0, 4.2, True)
        >>> Alignment("the dog", 0.0, 4.7, (the, dog), (), ((0.5,), (4.2,))).evidence(1, 0)
        '4.20'
        >>> from dataclasses import replace
        >>> dog = replace(dog, probability=0.934)
        >>> found = Alignment("the dog", 0.0, 4.7, (the, dog), (), ((0.5,), (4.2,)))
        >>> found.evidence(0, 0), found.evidence(1, 0)
        ('', '93%')
        """
        word = self.words[t]
        if not word.known:
            return "unknown"
        if all(word.probability is None for word in self.words):
            return f"{self.scores[t][region]:z.2f}"
        return "" if word.probability is None else percent(word.probability)

    def marks(self) -> tuple[notebook.Mark, ...]:
        """The words, each with the region of its segment, for a notebook.

        >>> Alignment("", 0.0, 0.0, (), (), ()).marks()
        ()
        """
        region = {t: s.region for s in self.segments for t in range(s.first, s.last + 1)}
        notes = [
            f"region {region[t]}, {self._told(t)}score {self.scores[t][region[t]]:.2f}"
            if t in region
            else "unknown word"
            for t in range(len(self.words))
        ]
        return tuple(
            notebook.Mark(word.text, region.get(t), note, word.supported)
            for t, (word, note) in enumerate(zip(self.words, notes, strict=True))
        )

    def _told(self, t: int) -> str:
        probability = self.words[t].probability
        return "" if probability is None else f"{percent(probability)} probable, "

    def _repr_html_(self) -> str:
        """The words on the colours of their regions."""
        marks = self.marks()
        line = notebook.line(f"score {self.score:.2f}", f"beta {self.beta:g}")
        return notebook.block(notebook.words(marks, notebook.colours(mark.region for mark in marks)), line)


@dataclass(frozen=True, slots=True)
class Caption:
    """A generated sentence with its log-probabilities."""

    text: str
    logprob: float
    """Natural logarithm of the probability of the sentence, including END."""
    words: tuple[str, ...]
    logprobs: tuple[float, ...]
    """One for each word, and one for END if the sentence is complete."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A caption of one region."""

    region: Region
    caption: Caption


@dataclass(frozen=True, slots=True)
class Description:
    """Everything that the model says about one photograph."""

    photo: str
    width: int
    height: int
    proposer: str
    """How the regions were chosen: `head`, `coverage`, `grid`, `frame`, or `given` by the user."""
    caption: Caption
    regions: tuple[Region, ...]
    phrases: tuple[Phrase, ...]
    alignment: Alignment | None
    """The alignment of the given sentence, or of the caption if no sentence was given."""
    things: tuple[Thing, ...] = ()
    """What the photograph shows; see `View.things`."""
    distance: float | None = None
    """How far the photograph is from those that the model knows; see `View.distance`."""
    familiar: bool = True
    """Whether it is like those; see `View.familiar`."""
