"""Search results as a contact sheet: one self-contained HTML page without scripts.

The question is the heading. Each photograph is a clean thumbnail; its boxes and the words' scores show under
the pointer, with the keyboard focus, or after a tap. Every text is escaped.
"""

import base64
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from string import Template
from typing import Final

from PIL import Image

from dvsa.index.values import Hit
from dvsa.notebook import PALETTE, text
from dvsa.photo import Photo
from dvsa.records import FRAME, Box
from dvsa.text import FUNCTION_WORDS

THUMBNAIL_SIDE: Final = 320
"""Length of the longer side of a thumbnail, in pixels."""

QUALITY: Final = 72
"""Of the thumbnails, which are WebP: about 12 KB each, so that a page of 200 has some 3 MB."""

_UNITS: Final = 1000
"""Width and height of the drawing of boxes over a thumbnail."""


@dataclass(frozen=True, slots=True)
class Card:
    """A photograph of a contact sheet; it does not hold the decoded picture."""

    hit: Hit
    webp: bytes
    """The thumbnail."""
    width: int
    """Of the thumbnail, in pixels."""
    height: int
    others: int = 0
    """How many near duplicates stand behind the photograph."""


def card(hit: Hit, photo: Photo, others: int = 0) -> Card:
    """The card of a result with its decoded photograph."""
    image, stream = photo.image.copy(), io.BytesIO()
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    image.save(stream, "WEBP", quality=QUALITY)
    return Card(hit, stream.getvalue(), *image.size, others)


def contact_sheet(question: str, about: str, cards: Sequence[Card]) -> str:
    """The page of some results, in their order.

    Args:
        question: the heading.
        about: a line below it, such as how many results there are.
        cards: the results.
    """
    folder = files("dvsa") / "templates"
    style = (folder / "contact_sheet.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return Template((folder / "contact_sheet.html").read_text("utf-8")).substitute(
        title=text(question),
        about=text(about),
        style=style,
        style_hash=f"sha256-{digest}",
        cards="\n".join(map(_item, cards)),
    )


def counted(shown: int, found: int) -> str:
    """How many photographs a page shows, and how many it leaves out because they cannot be read.

    >>> counted(3, 3), counted(1, 2)[:30]
    ('3 photographs', '1 photograph; 1 more is left o')
    """
    count = f"{shown:,} photograph{'s' * (shown != 1)}"
    if shown == found:
        return count
    these, their = ("are", "their files are") if found - shown > 1 else ("is", "its file is")
    return f"{count}; {found - shown:,} more {these} left out, because {their} missing, changed or unreadable"


def _item(shown: Card) -> str:
    """One result."""
    known, hit = shown.hit.photograph, shown.hit
    name = text(known.path.rpartition("/")[2])
    colour = _colours(hit)
    boxes = "".join(_box(hit.boxes[region], kind) for region, kind in colour.items() if kind != "cf")
    words = " ".join(_word(hit, t, colour) for t in range(len(hit.alignment.words)))

    source = f"data:image/webp;base64,{base64.b64encode(shown.webp).decode()}"
    size = f'width="{shown.width}" height="{shown.height}"'
    picture = f'<img src="{source}" {size} alt="{name}">'
    drawing = (
        f'<svg viewBox="0 0 {_UNITS} {_UNITS}" preserveAspectRatio="none" aria-hidden="true">{boxes}</svg>'
    )
    facts = [name, text((known.taken or "")[:10]), f"score {hit.score:z.1f}"]
    facts += [f"{shown.others} more like this"] if shown.others else []
    return (
        f'<li><figure tabindex="0"><div class="fit">{picture}{drawing}<p class="words">{words}</p></div>'
        f"<figcaption>{' · '.join(filter(None, facts))}</figcaption></figure></li>"
    )


def _word(hit: Hit, t: int, colour: Mapping[int, str]) -> str:
    """A word with its evidence on the colour of its region."""
    word = hit.alignment.words[t]
    if word.region is None:
        return f'<span class="weak">{text(word.text)} –</span>'
    kind = "" if word.text in FUNCTION_WORDS else colour.get(word.region, "weak")
    return f'<span class="{kind}">{text(word.text)} {text(hit.alignment.evidence(t, word.region))}</span>'


def _colours(hit: Hit) -> dict[int, str]:
    """The class of the colour of each region that supports a content word; the whole photograph is grey."""
    order = dict.fromkeys(
        word.region
        for word in hit.alignment.words
        if word.region is not None and word.supported and word.text not in FUNCTION_WORDS
    )
    return {
        region: "cf" if hit.boxes[region] == FRAME else f"c{n % len(PALETTE)}"
        for n, region in enumerate(order)
    }


def _box(box: Box, kind: str) -> str:
    """A box, dark around the line so that it shows on any photograph."""
    x0, y0, x1, y1 = (round(edge * _UNITS, 1) for edge in box)
    place = f'x="{x0:g}" y="{y0:g}" width="{x1 - x0:g}" height="{y1 - y0:g}"'
    return f'<g class="{kind}"><rect class="halo" {place}/><rect class="edge" {place}/></g>'
