"""What encoding in bulk makes of photographs, and the options that change it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, get_args

from dvsa.arrays import Floats
from dvsa.bundle import Bundle
from dvsa.data.photographs import NamedSource
from dvsa.records import Caption
from dvsa.regions import PROPOSERS

OWN: Final = "own"
"""The bundle's own proposer."""

VectorType = Literal["float16", "float32"]
"""The type in which vectors are written."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What is written of each photograph.

    >>> Settings(captions=False).regions
    'own'
    """

    regions: str = OWN
    """How regions are chosen: `own` for the bundle's own proposer, or one of `dvsa.regions.PROPOSERS`."""
    captions: bool = True
    """Whether each photograph gets a caption."""
    vectors: VectorType = "float16"

    def __post_init__(self) -> None:
        if self.regions not in (OWN, *PROPOSERS):
            raise ValueError(f"regions are {self.regions!r}: choose from {', '.join((OWN, *PROPOSERS))}")
        if self.vectors not in get_args(VectorType):
            raise ValueError(f"vectors are {self.vectors!r}: choose from {', '.join(get_args(VectorType))}")

    def check(self, bundle: Bundle) -> None:
        """Raise ValueError if the bundle cannot give what is asked for.

        >>> Settings().check(Bundle.open())
        """
        bundle.require_eye()
        if self.captions and "frame" not in bundle.manifest.voices:
            name = bundle.manifest.name
            raise ValueError(f"bundle {name} has no captioner of photographs: leave the captions out")

    def proposer(self, bundle: Bundle) -> str:
        """The proposer that chooses the regions.

        >>> Settings().proposer(Bundle.open())
        'coverage'
        """
        return bundle.manifest.proposer if self.regions == OWN else self.regions


@dataclass(frozen=True, slots=True)
class Facts:
    """A photograph that was read, or the reason why it could not be read.

    >>> Facts("/album/dog.jpg", 640, 480).error is None
    True
    """

    path: str
    width: int | None = None
    """In pixels, after the EXIF orientation is applied; None if the photograph could not be read."""
    height: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class SupportedCaption:
    """A caption of a whole photograph."""

    caption: Caption
    supported: tuple[bool, ...]
    """For each word, whether a region supports it; see `dvsa.records.Word.supported`."""


@dataclass(frozen=True, eq=False, slots=True)
class Encoded:
    """Some photographs (K) in their order, and arrays with a row for each one that could be read (G)."""

    facts: tuple[Facts, ...]
    box_GI4: Floats
    """In fractions of width and height; the last region is the frame."""
    score_GI: Floats
    """The proposer's confidence in [0, 1]."""
    v_GID: Floats
    captions: tuple[SupportedCaption, ...] = ()
    """One for each photograph that could be read, if captions are asked for."""


Encoder = Callable[[Iterable[NamedSource]], Iterator[Encoded]]
"""Encodes photographs a few at a time, in their order; each one is in exactly one of the results."""
