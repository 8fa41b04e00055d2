"""The one form into which every layout is read."""

from collections import defaultdict
from dataclasses import dataclass, field

from dvsa.data.dataset import Problem


@dataclass(frozen=True, slots=True)
class Listing:
    """What the lists of a data set say, including their faults."""

    name: str
    """The name of the data set."""
    entries: list[tuple[str, str]] = field(default_factory=list)
    """(photograph, split) as listed: a photograph may be listed twice, or have no file or no sentences."""
    sentences: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """The sentences of each photograph, as written."""
    featured: bool = False
    """Whether the folder has features of the photographs, in a layout of `given_regions`."""
    problems: list[Problem] = field(default_factory=list)
