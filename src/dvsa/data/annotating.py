"""Phrases with their boxes, written in the format of Flickr30k Entities beside a data set in any layout."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from dvsa import photo
from dvsa.data.dataset import DataError, Example, GroundedPhrase
from dvsa.data.names import without_suffix
from dvsa.text import words

FOLDER = "entities"
"""The folder that `load` looks for in a data set."""

_CHAIN, _KIND = re.compile(r"[0-9]+"), re.compile(r"[^\s/\]]+")


def annotate(examples: Sequence[Example], names: Sequence[str], out: Path) -> list[GroundedPhrase]:
    """Write `entities/Sentences` and `entities/Annotations` into the folder of a data set.

    Nothing is written if no example has a phrase. Coordinates are pixels of the photographs as they are, with
    decimals where a box does not end at a pixel.

    Args:
        examples: the photographs.
        names: their names in the new data set.
        out: its folder.

    Returns:
        The phrases that the format cannot hold: they overlap with another phrase of their sentence, or their
        chain is no number, or has other boxes in another phrase.

    Raises:
        DataError: a name leads out of the folder.
        OSError: a photograph cannot be read, or a file cannot be written.
    """
    if not any(example.phrases for example in examples):
        return []
    lost: list[GroundedPhrase] = []
    for example, key in zip(examples, _keys(names), strict=True):
        boxes = {p.chain: p.boxes for p in reversed(example.phrases)}
        kept = [p for p in example.phrases if _fits(p) and p.boxes == boxes[p.chain]]
        lines = [_marked(n, sentence, kept) for n, sentence in enumerate(example.sentences)]
        marked = [p for _, own in lines for p in own]
        lost += [p for p in example.phrases if not any(p is other for other in marked)]

        text = "".join(f"{line}\n" for line, _ in lines)
        _write(out / FOLDER / "Sentences", f"{key}.txt", text.encode())
        chains = {p.chain: p for p in marked if p.chain != "0" or p.boxes}
        _write(out / FOLDER / "Annotations", f"{key}.xml", _xml(example, key, list(chains.values())))
    return lost


def _keys(names: Sequence[str]) -> list[str]:
    """What the files of each photograph are called: its path without suffix, unless two share that."""
    count = Counter(without_suffix(name) for name in names)
    return [name if count[without_suffix(name)] > 1 else without_suffix(name) for name in names]


def _fits(phrase: GroundedPhrase) -> bool:
    """Whether the mark of a phrase can be written."""
    kinds = phrase.kinds
    return bool(_CHAIN.fullmatch(phrase.chain) and kinds and all(_KIND.fullmatch(kind) for kind in kinds))


def _marked(
    number: int, sentence: str, phrases: Sequence[GroundedPhrase]
) -> tuple[str, list[GroundedPhrase]]:
    """A sentence with marks around its phrases, and those phrases without what overlaps an earlier one."""
    # Which written word each word is; punctuation that stands alone is none. Brackets are marks here.
    written = [token.replace("[", "").replace("]", "") for token in sentence.split()]
    place = [n for n, token in enumerate(written) for _ in words(token)]

    marked, end = [], -1
    for phrase in sorted((p for p in phrases if p.sentence == number), key=lambda p: (p.first, p.last)):
        if end < phrase.first <= phrase.last < len(place):
            first, last = place[phrase.first], place[phrase.last]
            if place[phrase.first - 1 : phrase.first] == [first] or place[
                phrase.last + 1 : phrase.last + 2
            ] == [last]:
                continue  # of several words that are written as one, a mark can only take all
            written[first] = f"[/EN#{phrase.chain}/{'/'.join(phrase.kinds)} {written[first]}"
            written[last] += "]"
            marked.append(phrase)
            end = phrase.last
    return " ".join(token for token in written if token), marked


def _xml(example: Example, key: str, phrases: Sequence[GroundedPhrase]) -> bytes:
    """The annotation file of a photograph, with the boxes of these chains."""
    width, height = photo.size(example.read(), example.name)
    root = ElementTree.Element("annotation")
    ElementTree.SubElement(root, "filename").text = key.rpartition("/")[2]
    size = ElementTree.SubElement(root, "size")
    for name, value in (("width", width), ("height", height), ("depth", 3)):
        ElementTree.SubElement(size, name).text = str(value)

    # Pixels count from 1, and both ends are inside of a box.
    for phrase in phrases:
        for x0, y0, x1, y1 in phrase.boxes:
            box = ElementTree.SubElement(_thing(root, phrase), "bndbox")
            ends = {"xmin": x0 * width + 1, "ymin": y0 * height + 1, "xmax": x1 * width, "ymax": y1 * height}
            for name, end in ends.items():
                ElementTree.SubElement(box, name).text = _number(end)
        if not phrase.boxes:
            ElementTree.SubElement(_thing(root, phrase), "nobndbox").text = "1"
    ElementTree.indent(root)
    content: bytes = ElementTree.tostring(root, encoding="utf-8")
    return content


def _thing(root: ElementTree.Element, phrase: GroundedPhrase) -> ElementTree.Element:
    """A new object of a phrase's chain."""
    thing = ElementTree.SubElement(root, "object")
    ElementTree.SubElement(thing, "name").text = phrase.chain
    return thing


def _number(value: float) -> str:
    """A whole number if it is one, up to rounding."""
    return str(round(value)) if abs(value - round(value)) < 1e-6 else repr(value)


def _write(folder: Path, name: str, content: bytes) -> None:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise DataError(f"{name} leads out of its folder: rename it")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
