"""Examples of a data set on one page, with their sentences and the boxes of their phrases."""

import base64
import io
import random
from collections.abc import Sequence
from html import escape

from dvsa.data import Dataset, Example
from dvsa.draw import marked
from dvsa.notebook import PALETTE
from dvsa.photo import read
from dvsa.records import Box

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}"
    "img{max-width:100%;height:auto}h2{font-size:1.1rem;overflow-wrap:anywhere}article{margin-bottom:3rem}"
)


def chosen(dataset: Dataset, count: int, seed: int) -> list[Example]:
    """Some examples of a data set, in its order; each seed chooses others."""
    places = range(len(dataset.examples))
    picked = random.Random(seed).sample(places, min(count, len(places)))
    return [dataset.examples[place] for place in sorted(picked)]


def page(title: str, examples: Sequence[Example]) -> str:
    """An HTML page without scripts, which contains the pictures.

    Raises:
        DataError, OSError or PhotoError: a photograph is missing, or cannot be read or decoded.
    """
    parts = "\n".join(map(_article, examples))
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    body = f"<h1>{escape(title)}</h1>\n{parts}\n"
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{body}</body></html>\n'


def _article(example: Example) -> str:
    """The photograph with the boxes of its phrases, above its sentences."""
    marks: list[tuple[str, str, str, Box]] = []
    for phrase in {(p.chain, p.boxes): p for p in example.phrases if p.boxes}.values():
        colour = PALETTE[len({m[0] for m in marks}) % len(PALETTE)]
        number = str(len({m[0] for m in marks}) + 1)
        marks += [(number, phrase.text, colour, box) for box in phrase.boxes]

    picture = io.BytesIO()
    marked(read(example.read(), name=example.name), marks).save(picture, "JPEG", quality=85)
    source = f"data:image/jpeg;base64,{base64.b64encode(picture.getvalue()).decode()}"
    sentences = "".join(f"<li>{escape(sentence)}</li>" for sentence in example.sentences)
    split = f" · {escape(example.split)}" if example.split else ""
    name = escape(example.name)
    return f'<article><h2>{name}{split}</h2><img src="{source}" alt="{name}"><ul>{sentences}</ul></article>'
