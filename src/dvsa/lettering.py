"""Text of any script in pictures: each word is drawn in the first font that has all of its characters."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import as_file, files
from itertools import groupby
from typing import Final

from PIL import ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_NOTO: Final = (
    "NotoSans[wght].ttf",
    *(
        f"NotoSans{script}[wght].ttf"
        for script in (
            *("Arabic", "Armenian", "Bengali", "Devanagari", "Ethiopic", "Georgian", "Gujarati", "Gurmukhi"),
            *("Hebrew", "Kannada", "Khmer", "Lao", "Malayalam", "Myanmar", "Oriya", "Sinhala", "Tamil"),
            *("Telugu", "Thai", "Symbols"),
        )
    ),
)
_CJK: Final = "NotoSansCJK-VF.otf.ttc"
_SIMPLIFIED_CHINESE: Final = 2
"""The face of the collection with the forms of simplified Chinese; it has kana and hangul, too."""
_REGULAR: Final = 400
"""The weight of normal text."""

_MISSING: Final = "\uffff"
"""A code point that no font has: it is drawn as a missing character."""


_JOINERS: Final = "\u200c\u200d"
"""They join letters, or keep them apart."""


@lru_cache
def font(size: int) -> Font:
    """The font of plain English text, which Pillow brings along.

    >>> font(20).getlength("dog") > 0
    True
    """
    return ImageFont.load_default(size)


def length(text: str, size: int) -> float:
    """The length of a line of text in pixels.

    >>> length("собака", 20) > length("кот", 20) > 0
    True
    """
    return sum(run_font.getlength(run) for run_font, run in _runs(text, size))


def draw(pen: ImageDraw.ImageDraw, place: tuple[float, float], text: str, fill: str, size: int) -> None:
    """Draw a line of text; `place` is its upper left corner, as for plain English text."""
    x, y = place
    base = font(size)
    ascent = base.getmetrics()[0] if isinstance(base, ImageFont.FreeTypeFont) else size
    for run_font, run in _runs(text, size):
        if isinstance(run_font, ImageFont.FreeTypeFont):
            pen.text((x, y + ascent), run, fill=fill, font=run_font, anchor="ls")
        else:  # without FreeType there is one font, and no anchors
            pen.text((x, y), run, fill=fill, font=run_font)
        x += run_font.getlength(run)


def _runs(text: str, size: int) -> Iterator[tuple[Font, str]]:
    """The text in parts that have one font each."""
    parts: list[tuple[str | None, str]] = []
    for part in re.findall(r"\s+|\S+", "".join(map(_visible, unicodedata.normalize("NFC", text)))):
        # A space belongs to the word before it, so that words of one script keep their direction.
        name = parts[-1][0] if part.isspace() and parts else _first_with(part)
        # A word of several scripts: character by character, and marks belong to the letter before them.
        parts += [(name, part)] if name is not _NONE else _by_character(part)
    for name, group in groupby(parts, key=lambda item: item[0]):
        yield _sized(name, size), "".join(part for _, part in group)


def _visible(character: str) -> str:
    """A character as it can be drawn: nothing for one that only controls, such as a direction of text."""
    kind = unicodedata.category(character)
    if kind in ("Cs", "Cn", "Co"):
        return _MISSING
    if character.isspace():
        return " "
    return "" if kind in ("Cc", "Cf") and character not in _JOINERS else character


def _by_character(word: str) -> Iterator[tuple[str | None, str]]:
    """The characters of a word with the names of their fonts."""
    name: str | None = None
    for character in word:
        if not _joins(character):
            found = _first_with(character)
            name = None if found is _NONE else found
        yield name, character


def _joins(character: str) -> bool:
    """Whether a character is drawn together with the one before it, or not at all."""
    return unicodedata.category(character) in ("Mn", "Mc", "Me", "Cf")


_NONE: Final = ""
"""In place of the name of a font: no font has all characters."""


@lru_cache(4096)
def _first_with(word: str) -> str | None:
    """The first font that has all characters of a word; None for that of plain text, or `_NONE`."""
    wanted = {character for character in word if not (_joins(character) or character.isspace())}
    names = (None, *_NOTO, _CJK, "NotoEmoji[wght].ttf")
    return next((name for name in names if all(_has(name, character) for character in wanted)), _NONE)


@lru_cache(1 << 16)
def _has(name: str | None, character: str) -> bool:
    """Whether a font has a character."""
    probe = _sized(name, 16)
    return bytes(probe.getmask(character)) != _drawn_as_missing(name) or character == _MISSING


@cache
def _drawn_as_missing(name: str | None) -> bytes:
    """How a font draws characters that it does not have."""
    return bytes(_sized(name, 16).getmask(_MISSING))


@lru_cache(256)
def _sized(name: str | None, size: int) -> Font:
    """A font by the name of its file; None for that of plain text."""
    if name is None:
        return font(size)
    collection = name == _CJK
    resource = files("manimgx_fonts_cjk" if collection else "manimgx_fonts") / name
    with as_file(resource) as path:
        sized = ImageFont.truetype(path, size, index=_SIMPLIFIED_CHINESE if collection else 0)
    sized.set_variation_by_axes([_REGULAR])
    return sized
