"""What ImageNet's 1,000 classes are called, alone and together: `king penguin`, `penguin`, `bird`, `animal`.

A backbone that was trained on ImageNet knows these classes. The list classes.tsv is made by runs/classes.py,
with the names of timm and of WordNet 3.0 (Princeton University).
"""

from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

CLASSES: Final = 1000
"""How many classes there are."""


class Name(NamedTuple):
    """What some classes are called."""

    classes: tuple[int, ...]
    words: tuple[str, ...]


@cache
def names() -> tuple[Name, ...]:
    """All names, first those of single classes. A class or a group of classes may have several.

    >>> [" ".join(name.words) for name in names() if name.classes == (145,)]
    ['king penguin', 'penguin']
    >>> max(len(name.classes) for name in names() if name.words == ("animal",))
    398
    """
    text = (files("dvsa") / "classes.tsv").read_text("utf-8")
    rows = (line.split("\t") for line in text.splitlines())
    return tuple(
        Name(tuple(map(int, classes.split(","))), tuple(name.split()))
        for classes, own in rows
        for name in own.split("|")
    )
