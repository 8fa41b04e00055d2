"""Frozen values that pass between the parts of the package, and the legend of shape letters.

Shape letters, used as suffixes of array names (`v_ID` is regions by embedding):

    K photographs   I regions    L sentences   T words      D embedding
    B batch         V vocabulary F features    N any count  H, W, C height, width, channels

A *box* is `(x0, y0, x1, y1)` in fractions of the photograph's width and height, so `0 <= x0 < x1 <= 1`:
it means the same on the original and on the squashed square that the network sees.
"""

from dataclasses import dataclass
from typing import Literal, get_args

Box = tuple[float, float, float, float]

Subject = Literal["frame", "region"]
"""What a captioner writes about: a whole photograph or one region."""
SUBJECTS: tuple[Subject, ...] = get_args(Subject)

FRAME: Box = (0.0, 0.0, 1.0, 1.0)
"""The whole photograph; always the last region of a view."""


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a photograph that words can speak of."""

    index: int
    """Place in the view's list of regions, from 0."""
    box: Box
    """In fractions of width and height."""
    pixels: tuple[int, int, int, int]
    """The same box in pixels of the original photograph, after its EXIF orientation."""
    score: float
    """The proposer's confidence in [0, 1]; 1 for the whole frame and for boxes that a user gave."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a sentence with its best region, before the MRF (paper, section 3.1)."""

    text: str
    known: bool
    """False when the vocabulary lacks the word; it then has no region and scores 0."""
    region: int | None
    score: float
    """`max over regions i of v_i . s_t`: the word's share of the sentence's score."""
    supported: bool
    """Whether a region speaks for it: its score, over the length of its vector, is above
    the bundle's `support`. Function words need none."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Neighbouring words that the MRF puts on one region (paper, section 3.1.4)."""

    first: int
    """Index of the first word."""
    last: int
    """Index of the last word, inclusive."""
    text: str
    region: int
    score: float
    """Sum over the segment's words of `v_region . s_t`."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """A sentence on a photograph."""

    sentence: str
    beta: float
    score: float
    """The MaxSim score of the photograph and the sentence: the sum of its words' scores."""
    words: tuple[Word, ...]
    segments: tuple[Segment, ...]
    scores: tuple[tuple[float, ...], ...]
    """`v_i . s_t` for every word (outer) and region (inner); zeros for unknown words."""


@dataclass(frozen=True, slots=True)
class Caption:
    """A generated sentence with its evidence."""

    text: str
    logprob: float
    """Natural logarithm of the sentence's probability, END included."""
    words: tuple[str, ...]
    logprobs: tuple[float, ...]
    """One for each word, and one for END where the sentence came to its end."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A caption of one region."""

    region: Region
    caption: Caption


@dataclass(frozen=True, slots=True)
class Description:
    """All that the model says about one photograph."""

    photo: str
    width: int
    height: int
    proposer: str
    """How the regions were chosen: `head`, `coverage`, `grid`, `frame`, or `given` by the user."""
    caption: Caption
    regions: tuple[Region, ...]
    phrases: tuple[Phrase, ...]
    alignment: Alignment | None
    """The alignment of the sentence asked for; of the caption itself when none was given."""
