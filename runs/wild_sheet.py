"""A page with photographs of runs/wild.toml and what a model says about them, for people to look at."""

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape

from PIL import Image
from wild_list import Wild
from wild_model import Answer

from dvsa.model import View
from dvsa.photo import Photo

SIDE = 320
"""Length of the longer side of a thumbnail, in pixels."""
STYLE = """
body { font: 14px/1.4 sans-serif; margin: 1.5em; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(320px, 1fr)); gap: 1.5em; }
figure { margin: 0; }
img { max-width: 100%; }
.good { color: #0a6b2d; }
.bad { color: #a4161a; }
"""


def page(
    half: str,
    views: Sequence[View],
    photographs: Sequence[Wild],
    answers: Sequence[Answer],
    measured: Sequence[Mapping[str, float]],
) -> str:
    """The HTML of one self-contained page. What is right is green, and what is wrong is red."""
    cards = [
        card(view.photo, wild, found, right)
        for view, wild, found, right in zip(views, photographs, answers, measured, strict=True)
    ]
    head = f"<meta charset=utf-8><title>Wild set: {half}</title><style>{STYLE}</style>"
    return f"<!doctype html>{head}<h1>Wild set, half {half}</h1><main>{''.join(cards)}</main>"


def card(photo: Photo, wild: Wild, found: Answer, right: Mapping[str, float]) -> str:
    """One photograph: its caption, its names, what people call it, and who made it."""
    caption = _marked(" ".join(found.caption), right["captions: right subject"] == 1)
    fluent = "" if right["captions: fluent"] else " " + _marked("(not fluent)", False)
    names = _marked(", ".join(found.names), right["named: first five"] == 1)
    things = "" if found.things is None else f"<br>things: {escape(', '.join(found.things))}"
    return (
        f"<figure><img src='{thumbnail(photo)}' alt='{escape(wild.sentence, quote=True)}'><figcaption>"
        f"<b>{escape(wild.name)}</b>: {escape(wild.main)}<br>{caption}{fluent}<br>names: {names}{things}"
        f"<br><small>{escape(wild.author)}, {escape(wild.licence)}, {escape(str(wild.package))}</small>"
        "</figcaption></figure>"
    )


def thumbnail(photo: Photo) -> str:
    """A small JPEG of a photograph as a data URL."""
    image, stream = photo.image.copy(), io.BytesIO()
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    image.convert("RGB").save(stream, "JPEG", quality=75)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"


def _marked(text: str, good: bool) -> str:
    return f"<span class={'good' if good else 'bad'}>{escape(text)}</span>"
