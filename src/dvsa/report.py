"""Descriptions of photographs as one self-contained HTML page.

The page is built as a tree. The standard library writes it and escapes every text. Texts of users appear in
elements only, never in attributes. Style and script are inline, and the Content-Security-Policy of the page
allows only their hashes, so nothing else can run.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from string import Template
from typing import Final
from xml.etree.ElementTree import Element, tostring

from dvsa.draw import named_regions
from dvsa.notebook import PALETTE
from dvsa.photo import Photo
from dvsa.records import FRAME, UNFAMILIAR, Alignment, Caption, Description, Region, Thing, percent

REPORT_SIDE: Final = 1200
"""Length of the longer side of the photographs in the page, in pixels."""

_UNITS: Final = 1000
"""Width of every drawing in SVG units, so that lines and numbers have the same size on all photographs."""

_GROUP: Final = {"role": "group", "aria-label": "The photograph and its regions"}


def report(items: Sequence[tuple[Photo, Description]]) -> str:
    """The HTML page with the regions, caption, phrases and aligned sentence of each photograph.

    A word with the pointer or the keyboard focus highlights its region, and a region highlights its words.
    """
    folder = files("dvsa") / "templates"
    style, script = ((folder / name).read_text("utf-8") for name in ("report.css", "report.js"))

    title = f"dvsa: {len(items)} photograph{'s' * (len(items) != 1)}"
    body = [_tag("h1", {}, title)]
    if len(items) > 1:
        links = [
            _tag(
                "li",
                {},
                _tag("a", {"href": f"#photo-{n}"}, description.photo, ": ", description.caption.text),
            )
            for n, (_, description) in enumerate(items, 1)
        ]
        body.append(_tag("nav", {"aria-label": "Photographs"}, _tag("ol", {}, *links)))
    body.append(_tag("main", {}, *(_article(n, *item) for n, item in enumerate(items, 1))))

    return Template((folder / "report.html").read_text("utf-8")).substitute(
        title=title,
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        body="\n".join(tostring(part, "unicode", method="html") for part in body),
    )


def _hash(text: str) -> str:
    """The hash of an inline style or script, as a Content-Security-Policy names it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _tag(name: str, attributes: Mapping[str, str], *children: Element | str) -> Element:
    """An element with children in the order given."""
    element = Element(name, dict(attributes))
    for child in children:
        if isinstance(child, Element):
            element.append(child)
        elif len(element):
            element[-1].tail = (element[-1].tail or "") + child
        else:
            element.text = (element.text or "") + child
    return element


_LEGEND = _tag(
    "p", {}, _tag("span", {"class": "unsupported"}, "dotted line"), ": no region supports the word"
)


class _Marks:
    """How the regions of a description are marked: their names, colours and linking attributes."""

    def __init__(self, description: Description) -> None:
        self.names = named_regions(description)
        self.frames = {region.index for region in description.regions if region.box == FRAME}
        self.colours = {index: f"c{k % len(PALETTE)}" for k, index in enumerate(self.names)}

    def attributes(self, region: int, *classes: str) -> dict[str, str]:
        colour = "cf" if region in self.frames else self.colours.get(region, "")
        return {"class": " ".join([*classes, colour]).strip(), "data-region": str(region)}

    def title(self, region: Region) -> str:
        if region.index in self.frames:
            return "the whole photograph"
        return f"region {region.index}: {self.names.get(region.index, 'no phrase')}"

    def key(self, region: int) -> Element:
        return _tag("span", self.attributes(region, "key"), "frame" if region in self.frames else str(region))


def _article(n: int, photo: Photo, description: Description) -> Element:
    """The part of the page about one photograph."""
    marks = _Marks(description)
    size = f"{photo.width} × {photo.height} pixels"
    origin = f"{size}, {len(description.regions)} regions (proposer: {description.proposer})"
    columns = [
        _tag("h2", {"id": f"title-{n}"}, description.caption.text),
        _tag("p", {"class": "quiet"}, description.photo, " · ", origin),
        *([] if description.familiar else [_tag("p", {}, UNFAMILIAR)]),
    ]

    tables = [_phrases(description, marks)] if description.phrases else []
    if description.alignment is not None:
        columns += _sentence(description.alignment, marks)
        tables.append(_heat(description.alignment, description.regions, marks))
    columns += _caption(description.caption)
    columns += _things(description.things, marks)

    return _tag(
        "article",
        {"id": f"photo-{n}", "aria-labelledby": f"title-{n}"},
        _figure(photo, description.regions, marks),
        _tag("div", {}, *columns),
        _tag("div", {"class": "whole"}, *tables),
    )


def _figure(photo: Photo, regions: Sequence[Region], marks: _Marks) -> Element:
    """The photograph as an SVG drawing with the boxes and numbers of its regions."""
    high = _UNITS * photo.height / photo.width
    place = {"width": f"{_UNITS}", "height": f"{high:.6g}"}
    shapes, tags = [_tag("image", {"href": _data_url(photo), "preserveAspectRatio": "none", **place})], []

    # Small regions come last, so that the pointer reaches them.
    by_area = sorted(regions, key=lambda r: -(r.box[2] - r.box[0]) * (r.box[3] - r.box[1]))
    for region in by_area:
        x0, y0, x1, y1 = region.box
        edges = {"x": x0 * _UNITS, "y": y0 * high, "width": (x1 - x0) * _UNITS, "height": (y1 - y0) * high}
        corner = {"x": f"{edges['x'] + 9:.6g}", "y": f"{edges['y'] + 11:.6g}"}
        rectangle = {name: f"{value:.6g}" for name, value in edges.items()}

        named = region.index in marks.names
        classes = [] if named else ["unnamed"]
        focus = {"tabindex": "0", "role": "img"} if named else {}
        shapes.append(
            _tag(
                "g",
                marks.attributes(region.index, "region", *classes) | focus,
                _tag("title", {}, marks.title(region)),
                _tag("rect", {"class": "halo", **rectangle}),
                _tag("rect", {"class": "edge", **rectangle}),
            )
        )
        tags.append(_tag("text", marks.attributes(region.index, "tag", *classes) | corner, str(region.index)))

    drawing = _tag("svg", {"viewBox": f"0 0 {_UNITS} {high:.6g}", **_GROUP}, *shapes, *tags)
    hint = "Point at a word, a region or a row, or move through them with the Tab key."
    return _tag("figure", {}, drawing, _tag("figcaption", {"aria-live": "polite"}, hint))


def _data_url(photo: Photo) -> str:
    """The photograph as a JPEG in a data URL."""
    return f"data:image/jpeg;base64,{base64.b64encode(photo.jpeg(REPORT_SIDE)).decode()}"


def _caption(caption: Caption) -> list[Element]:
    """The words of a caption, and its end if it has one, with their log-probabilities."""
    words = [*caption.words, *["(end)"] * (len(caption.logprobs) - len(caption.words))]
    pairs = zip(words, caption.logprobs, strict=True)
    cells = [_tag("span", {"class": "token word"}, word, _tag("small", {}, f"{p:z.2f}")) for word, p in pairs]
    title = f"Caption: log-probability {caption.logprob:z.2f}"
    return [_tag("h3", {}, title), _tag("div", {"class": "words"}, *cells)]


def _things(things: Sequence[Thing], marks: _Marks) -> list[Element]:
    """What the photograph shows, each thing with its region."""
    if not things:
        return []
    cells = [
        _tag(
            "button",
            {"type": "button", **marks.attributes(thing.region, "word")},
            thing.name,
            _tag("small", {}, "" if thing.probability == 1 else percent(thing.probability)),
        )
        for thing in things
    ]
    return [_tag("h3", {}, "Things"), _tag("div", {"class": "words"}, *cells)]


def _sentence(alignment: Alignment, marks: _Marks) -> list[Element]:
    """The words of an aligned sentence, and a table of its segments."""
    segment_of = {
        t: segment for segment in alignment.segments for t in range(segment.first, segment.last + 1)
    }
    words = []
    for t, word in enumerate(alignment.words):
        if segment := segment_of.get(t):
            said = alignment.evidence(t, segment.region)
            kind = "aligned word" if word.supported else "aligned unsupported word"
            attributes = {"type": "button", **marks.attributes(segment.region, kind)}
            words.append(_tag("button", attributes, word.text, _tag("small", {}, said)))
        else:
            words.append(_tag("span", {"class": "aligned word"}, word.text, _tag("small", {}, "–")))

    rows = [
        _tag(
            "tr",
            marks.attributes(segment.region),
            _tag("td", {}, marks.key(segment.region)),
            _tag("td", {}, segment.text),
            _tag("td", {"class": "number"}, f"{segment.score:z.2f}"),
        )
        for segment in alignment.segments
    ]

    return [
        _tag("h3", {}, f"Sentence on the regions: score {alignment.score:z.2f}, beta {alignment.beta:g}"),
        _tag("div", {"class": "words"}, *words),
        *([] if all(word.supported for word in alignment.words) else [_LEGEND]),
        _tag("h3", {}, "Segments"),
        _table(["Region", "Words", "Score"], rows),
    ]


def _phrases(description: Description, marks: _Marks) -> Element:
    """The table of phrases."""
    rows = [
        _tag(
            "tr",
            marks.attributes(phrase.region.index),
            _tag("td", {}, marks.key(phrase.region.index)),
            _tag("td", {}, phrase.caption.text),
            _tag("td", {"class": "number"}, f"{phrase.caption.logprob:z.2f}"),
            _tag("td", {"class": "number"}, "{}, {}, {}, {}".format(*phrase.region.pixels)),
            _tag("td", {"class": "number"}, f"{phrase.region.score:z.2f}"),
        )
        for phrase in description.phrases
    ]
    heads = ["Region", "Phrase", "Log-probability", "Box in pixels: x0, y0, x1, y1", "Box score"]
    return _tag("div", {}, _tag("h3", {}, "Phrases of regions"), _table(heads, rows))


def _heat(alignment: Alignment, regions: Sequence[Region], marks: _Marks) -> Element:
    """The table of `v_i . s_t`, words by regions; the cell of a word's segment is framed."""
    region_of = {
        t: segment.region for segment in alignment.segments for t in range(segment.first, segment.last + 1)
    }
    top = max((score for row in alignment.scores for score in row), default=0.0)
    rows = []
    for t, (word, scores) in enumerate(zip(alignment.words, alignment.scores, strict=True)):
        cells = [_tag("th", {"scope": "row"}, word.text)]
        for region, score in zip(regions, scores, strict=True):
            heat = f"h{round(9 * score / top)}" if score > 0 else "h0"
            framed = ["of-segment"] if region_of.get(t) == region.index else []
            cells.append(_tag("td", marks.attributes(region.index, "number", heat, *framed), f"{score:z.1f}"))
        rows.append(_tag("tr", {}, *cells))

    heads: list[Element | str] = ["Word", *(marks.key(region.index) for region in regions)]
    summary = "Score of every word on every region (framed: the word's segment)"
    return _tag("details", {"open": ""}, _tag("summary", {}, summary), _table(heads, rows, "heat"))


def _table(heads: Sequence[Element | str], rows: Sequence[Element], kind: str = "") -> Element:
    """A table with a row of heads, in a box that scrolls."""
    head = _tag("tr", {}, *(_tag("th", {"scope": "col"}, text) for text in heads))
    table = _tag("table", {"class": kind}, _tag("thead", {}, head), _tag("tbody", {}, *rows))
    return _tag("div", {"class": "scroll", "tabindex": "0"}, table)
