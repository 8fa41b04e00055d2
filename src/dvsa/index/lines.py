"""The lines of JSON that say what an index knows about its photographs, checked when they are read."""

import re
from dataclasses import asdict
from typing import Final

from dvsa.index.values import Photograph

KINDS: Final[dict[str, tuple[type, ...]]] = {
    "id": (str,),
    "path": (str,),
    "file": (str,),
    "offset": (int,),
    "size": (int,),
    "width": (int,),
    "height": (int,),
    "taken": (str, type(None)),
    "fields": (dict,),
    "camera": (str,),
    "latitude": (float, int),
    "longitude": (float, int),
    "phash": (str,),
    "recorded": (int,),
    "copies": (list,),
}
"""The types of what a line says of a photograph."""


LIMITS: Final = {"latitude": 90, "longitude": 180}
"""The largest absolute values, in degrees."""

OPTIONAL: Final = ("camera", "latitude", "longitude", "phash")
"""Lines have these only if they are known."""


def photograph_of(facts: object, identifier: str) -> Photograph:
    """The photograph of a line; raises ValueError if a value is missing, unknown or of another type."""
    if not isinstance(facts, dict) or not {"id", "path", "file"} <= facts.keys() <= KINDS.keys():
        raise ValueError("it has other fields than a photograph")
    if not all(type(value) in KINDS[name] for name, value in facts.items()):
        raise ValueError("a value has another type")
    numbers = [value for name, value in facts.items() if type(value) is int and name not in LIMITS]
    if not all(0 <= number < 2**53 for number in numbers):
        raise ValueError("a number is out of range")
    if not all(type(value) is str for value in facts.get("fields", {}).values()):
        raise ValueError("a field is not a string")
    if not all(abs(facts.get(name, 0)) <= limit for name, limit in LIMITS.items()):
        raise ValueError("its place is out of range")
    if not re.fullmatch("[0-9a-f]{16}", facts.get("phash", "0" * 16)):
        raise ValueError("its perceptual hash is none")
    if facts["id"] != identifier:
        raise ValueError("it is about another photograph")
    for place in facts.get("copies", ()):
        if not isinstance(place, dict) or place.keys() != {"path", "file", "offset"}:
            raise ValueError("a copy has other fields than a place")
        if not all(type(value) in KINDS[name] for name, value in place.items()):
            raise ValueError("a value of a copy has another type")
        if not 0 <= place["offset"] < 2**53:
            raise ValueError("a number of a copy is out of range")
    return Photograph.of_facts(facts)


def facts_of(photograph: Photograph) -> dict[str, object]:
    """The facts of a photograph's line."""
    return {n: v for n, v in asdict(photograph).items() if v is not None or n not in OPTIONAL}
