"""The one form into which every layout is read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dvsa.data.dataset import Problem, Source


@dataclass(frozen=True, slots=True)
class Row:
    """What one place of a list says about a photograph."""

    photo: str
    """The photograph's name, as written."""
    sentences: Sequence[str] = ()
    """As written."""
    split: str | None = ""
    """Empty if the photograph is listed without a split; None if this place does not list photographs."""
    where: str = ""
    """The file and the line, for errors."""
    folder: str = ""
    """The folder, from that of the data set, from which the name may be meant."""
    source: Source | None = None
    """The photograph itself, if the list contains it."""
    whole: bool = False
    """Whether this place says all about a photograph, so that another place contradicts it."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What the lists of a data set say, including their faults."""

    name: str
    """The name of the data set."""
    rows: list[Row] = field(default_factory=list)
    """A photograph may have several rows, have no file or have no sentences."""
    files: list[Path] = field(default_factory=list)
    """The files that were read."""
    layout: str = ""
    """The layout's name."""
    why: str = ""
    """What in the folder decided for this layout."""
    featured: bool = False
    """Whether the folder has features of the photographs, in a layout of `given_regions`."""
    problems: list[Problem] = field(default_factory=list)
    searched: bool = False
    """Whether the problems already name the other files that look like lists."""
