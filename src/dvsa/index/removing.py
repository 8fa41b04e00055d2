"""Which photographs of an index a user means: by identifiers, paths, folders and patterns."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dvsa.data.ignoring import Patterns
from dvsa.files import composed
from dvsa.index.recording import Row
from dvsa.index.values import Photograph, Place


@dataclass(slots=True)
class Removal:
    """What is left of the photographs that are meant."""

    photographs: dict[Row, Photograph | None] = field(default_factory=dict)
    """The photographs with the places that stay, by rows; None for those that are removed altogether."""
    files: int = 0
    """How many files are removed."""
    unmatched: set[str] = field(default_factory=set)
    """Names that mean nothing in the index."""


def removal(names: Iterable[str], rows: Iterable[tuple[str, int, Photograph]]) -> Removal:
    """What removing these names leaves.

    Args:
        names: identifiers; absolute paths of files, folders and tar files; and patterns with `*`, `?` or `[]`
            as in `.gitignore`, such as `*.gif` or `/album/2019/*`.
        rows: the photographs of the index, with their segments and rows.

    >>> dog = Photograph(id="0" * 64, path="/album/dog.jpg", file="/album/dog.jpg")
    >>> removal(["/album"], [("000001", 0, dog)]).photographs
    {('000001', 0): None}
    """
    wanted = set(map(composed, names))
    patterns = {name: Patterns.parse([name], name) for name in wanted if re.search(r"[*?\[]", name)}
    found = Removal(unmatched=set(wanted))
    for segment, row, photograph in rows:
        meant = {place: _meaning(place, wanted, patterns) for place in photograph.places}
        found.unmatched.difference_update({photograph.id}, *meant.values())
        is_named = photograph.id in wanted
        stay = [] if is_named else [place for place in photograph.places if not meant[place]]
        if len(stay) < len(photograph.places):
            found.photographs[segment, row] = photograph.at(stay) if stay else None
            found.files += len(photograph.places) - len(stay)
    return found


def _meaning(place: Place, wanted: set[str], patterns: Mapping[str, Patterns]) -> set[str]:
    """The names that mean a place."""
    path = composed(place.path)
    above, paths = path, {path, composed(place.file)}
    while (parent := os.path.dirname(above)) != above:
        paths.add(parent)
        above = parent
    by_pattern = {name for name, pattern in patterns.items() if pattern.decide(path)}
    return (wanted & paths) | by_pattern
