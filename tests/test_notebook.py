"""What values show in a notebook and at the prompt: self-contained, escaped, light."""

import io
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import dvsa
from dvsa import notebook
from dvsa.index import Index, Query
from dvsa.index.values import Hit
from dvsa.model import Model, View
from dvsa.records import Alignment, Segment, Word

EXAMPLE = Path(__file__).parents[1] / "examples" / "cat.jpg"
HOSTILE = ['<script>alert("1")</script>', "\"><img src=x onerror='alert(1)'>", "a&b", "\udcff", "</svg></p>"]
LIGHT = 150_000
"""Bytes of HTML that a value may take."""


class Seen(HTMLParser):
    """Checks that HTML is well nested, and collects its tags, its attributes and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        html.encode()  # a notebook stores UTF-8
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def check(html: str) -> Seen:
    """HTML that runs nothing, loads nothing from elsewhere, and is light."""
    seen = Seen(html)
    assert seen.tags <= {"div", "p", "span", "sub", "svg", "image", "rect", "text"}
    assert not [name for name, _ in seen.attributes if name.startswith("on")]
    links = [value for name, value in seen.attributes if name in ("href", "src", "xlink:href")]
    assert all(link.startswith("data:image/jpeg;base64,") for link in links)
    assert "url(" not in html
    assert len(html) < LIGHT
    return seen


@pytest.fixture(scope="module")
def model() -> Model:
    return dvsa.load()


@pytest.fixture(scope="module")
def view(model: Model) -> View:
    return model.open(EXAMPLE)


def test_a_view_shows_its_photograph_and_regions(view: View) -> None:
    html = view._repr_html_()
    seen = check(html)
    assert html.count("<text") == len(view.regions) - 1
    assert "cat.jpg · 451 x 300 pixels, 20 regions" in seen.text
    assert repr(view) == "<View of 'cat.jpg': 451 x 300 pixels, 20 regions (proposer: coverage)>"


@pytest.mark.parametrize("size", [(1, 3000), (3000, 1), (4000, 3000), (2, 2)])
def test_photographs_of_any_size_are_light(model: Model, size: tuple[int, int]) -> None:
    stream = io.BytesIO()
    Image.effect_noise(size, 90).convert("RGB").save(stream, "JPEG")
    check(model.open(stream.getvalue())._repr_html_())


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_text(view: View, name: str) -> None:
    hostile = replace(view, photo=replace(view.photo, name=name))
    assert notebook.text(name) in hostile._repr_html_()
    seen = check(hostile._repr_html_())
    assert name.encode("utf-8", "replace").decode() in seen.text
    assert "<View of " in repr(hostile)


def test_an_alignment_shows_its_words_and_segments(view: View) -> None:
    alignment = view.align("a cat sits on a zyzzyva wall")
    seen = check(alignment._repr_html_())
    for word in alignment.words:
        assert word.text in seen.text
    assert ("title", "unknown word") in seen.attributes or any(
        segment.first <= 5 <= segment.last for segment in alignment.segments
    )
    assert repr(alignment).startswith("<Alignment of 'a cat sits on a zyzzyva wall': score ")
    assert len(repr(alignment)) < 400


@given(st.lists(st.tuples(st.text(max_size=8), st.booleans()), min_size=1, max_size=6))
def test_any_sentence_is_escaped(words: list[tuple[str, bool]]) -> None:
    records = tuple(Word(text, known, 0 if known else None, 1.0, known) for text, known in words)
    segments = tuple(Segment(t, t, w.text, 0, 1.0) for t, w in enumerate(records) if w.known)
    alignment = Alignment(
        " ".join(w.text for w in records), 0.0, 1.0, records, segments, ((1.0,),) * len(records)
    )
    assert check(alignment._repr_html_()).text.count("0") >= bool(segments)


def test_hits_show_what_matched_or_why_the_photograph_is_missing(model: Model, tmp_path: Path) -> None:
    photo = tmp_path / "<b>&.jpg"
    photo.write_bytes(EXAMPLE.read_bytes())
    with Index.create(tmp_path / "album.index", model) as index:
        index.add([photo])
        hits = index.search(Query.of_sentence(model, "a cat on a wall"))
        hit = hits[0]
    assert isinstance(hit, Hit)
    assert repr(hit) == f"<Hit {str(photo)!r}: score {hit.score:.2f}>"
    seen = check(hit._repr_html_())
    assert "image" in seen.tags
    assert str(photo) in seen.text

    photo.unlink()
    seen = check(hit._repr_html_())
    assert "image" not in seen.tags
    assert "the photograph cannot be shown" in seen.text
    photo.write_bytes(b"another")
    assert "has changed since it was indexed" in check(hit._repr_html_()).text


def test_models_and_bundles_are_short_at_the_prompt(model: Model) -> None:
    assert repr(model) == f"Model(bundle=<Bundle 'flickr8k' in {str(model.bundle.folder)!r}>)"
