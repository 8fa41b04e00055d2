"""What values show in a notebook: self-contained HTML without scripts, with every text escaped."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Final, NamedTuple

PALETTE: Final = ("#E69F00", "#56B4E9", "#009E73", "#D55E00", "#F0E442", "#0072B2", "#CC79A7")
"""The colours of Okabe and Ito, distinct for readers with any colour vision; repeated after the seventh."""

SIDE: Final = 480
"""Length of the longer side of a photograph in a notebook, in pixels: a page with many stays light."""

_UNITS: Final = 1000
"""Width of a drawing in SVG units."""


class Mark(NamedTuple):
    """A word, and the region that it belongs to."""

    text: str
    region: int | None
    note: str
    """Shown under the pointer."""
    certain: bool = True
    """Otherwise the line below the word is dotted."""


def text(value: object) -> str:
    """Any text as HTML; what cannot be encoded, such as half of a surrogate pair, becomes a question mark.

    >>> text("<b> & " + chr(0xDCFF))
    '&lt;b&gt; &amp; ?'
    """
    return escape(str(value).encode("utf-8", "replace").decode())


def colours(regions: Iterable[int | None]) -> dict[int, str]:
    """A colour for each region, in the order in which they first occur.

    >>> colours([4, None, 2, 4])
    {4: '#E69F00', 2: '#56B4E9'}
    """
    order = dict.fromkeys(region for region in regions if region is not None)
    return {region: PALETTE[k % len(PALETTE)] for k, region in enumerate(order)}


def words(marks: Sequence[Mark], colour: Mapping[int, str]) -> str:
    """Words on the colours of their regions; the first of neighbours on one region has its number.

    >>> words([Mark("dog", 3, "score 2.0")], {3: "#E69F00"}).count("<sub>3</sub>")
    1
    """
    parts, before = [], None
    for mark in marks:
        number = f"<sub>{mark.region}</sub>" if mark.region not in (None, before) else ""
        before = mark.region
        if mark.region is None:
            style = "opacity:.6"
        else:
            line = "solid" if mark.certain else "dotted"
            shade = colour[mark.region]
            style = f"background:{shade}55;border-bottom:3px {line} {shade};padding:0 .2em"
        parts.append(f'<span style="{style}" title="{text(mark.note)}">{text(mark.text)}{number}</span>')
    return f'<p style="line-height:2">{" ".join(parts)}</p>'


def picture(
    jpeg: bytes,
    width: int,
    height: int,
    boxes: Sequence[tuple[int, Sequence[float]]],
    colour: Mapping[int, str],
) -> str:
    """A photograph with the boxes of some regions.

    Args:
        jpeg: the content of a JPEG file.
        width: of the photograph, in any unit.
        height: in the same unit.
        boxes: the number of each region, and x0, y0, x1, y1 in fractions.
        colour: of regions by number; others are white.

    >>> html = picture(b"...", 200, 100, [(3, (0, 0, 0.5, 1))], {})
    >>> html.count("<rect"), 'viewBox="0 0 1000 500"' in html
    (2, True)
    """
    high = _UNITS * height / width
    shapes = [_box(region, box, colour.get(region, "#FFFFFF"), high) for region, box in boxes]
    source = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
    shown = f"width:{SIDE * min(1.0, width / height):.0f}px;max-width:100%;height:auto"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_UNITS} {high:.5g}" style="{shown}">'
        f'<image href="{source}" width="{_UNITS}" height="{high:.5g}" preserveAspectRatio="none"/>'
        f"{''.join(shapes)}</svg>"
    )


def _box(region: int, box: Sequence[float], shade: str, high: float) -> str:
    """A box with its number, dark around the lines so that it shows on any photograph."""
    left, right = (x * _UNITS for x in box[::2])
    top, bottom = (y * high for y in box[1::2])
    place = f'x="{left:.5g}" y="{top:.5g}" width="{right - left:.5g}" height="{bottom - top:.5g}" fill="none"'
    size = max(_UNITS, high) / 28
    style = f'font-size="{size:.5g}" fill="{shade}" stroke="#000" stroke-width="6" paint-order="stroke"'
    return (
        f'<rect {place} stroke="#000" stroke-opacity=".5" stroke-width="8"/>'
        f'<rect {place} stroke="{shade}" stroke-width="4"/>'
        f'<text x="{left + 8:.5g}" y="{top + size:.5g}" {style} font-family="sans-serif">{region}</text>'
    )


def block(*parts: str) -> str:
    """Parts of HTML, one below the other.

    >>> block("<p>a</p>", "<p>b</p>")
    '<div style="font-family:system-ui,sans-serif"><p>a</p><p>b</p></div>'
    """
    return f'<div style="font-family:system-ui,sans-serif">{"".join(parts)}</div>'


def line(*texts: object) -> str:
    """A quiet line of texts.

    >>> line("a", "b")
    '<p style="opacity:.8;overflow-wrap:anywhere">a · b</p>'
    """
    return f'<p style="opacity:.8;overflow-wrap:anywhere">{" · ".join(map(text, texts))}</p>'
