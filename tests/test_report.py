import base64
import hashlib
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from dvsa.photo import Photo, read
from dvsa.records import FRAME, Alignment, Caption, Description, Phrase, Region, Segment, Word
from dvsa.report import report

VOID = {"meta", "br", "img", "link", "input", "hr"}
NASTY = "<script>alert('x')</script> & \"quoted\" <img src=x onerror=alert(1)> ]]> --> $body"


class Page(HTMLParser):
    """The elements of a page in order, with attributes and text; fails if tags are not balanced."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self.open: list[tuple[str, dict[str, str], list[str]]] = []
        self.feed(html)
        self.close()
        assert not self.open, f"never closed: {self.open[-1][0]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"{tag} has an attribute twice"
        element = (tag, {name: value or "" for name, value in attrs}, [""])
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        for _, _, text in self.open:
            text[0] += data

    def all(self, tag: str, kind: str = "") -> list[tuple[dict[str, str], str]]:
        return [
            (attributes, text[0])
            for name, attributes, text in self.elements
            if name == tag and (not kind or kind in attributes.get("class", "").split())
        ]


def photograph(name: str = "photo.png", size: tuple[int, int] = (400, 300)) -> Photo:
    stream = io.BytesIO()
    Image.new("RGB", size, "teal").save(stream, "PNG")
    return read(stream.getvalue(), name)


def caption(text: str, ended: bool = True) -> Caption:
    words = tuple(text.split())
    logprobs = tuple(-0.25 * (k + 1) for k in range(len(words) + ended))
    return Caption(text, sum(logprobs), words, logprobs)


def describe(
    photo: Photo, text: str = "a man throws a ball", sentence: str = "", phrases: int = 2, regions: int = 4
) -> Description:
    """Words in pairs go to region 0, 1, 2, ...; the last region is the frame; `zorb` is unknown."""
    w, h = photo.width, photo.height
    boxes = [(i / regions, 0.1, (i + 1) / regions, 0.5 + 0.01 * i) for i in range(regions - 1)]
    parts = tuple(
        Region(i, box, (int(box[0] * w), int(box[1] * h), int(box[2] * w), int(box[3] * h)), 0.5)
        for i, box in enumerate([*boxes, FRAME])
    )

    words = (sentence or text).split()
    scores_TI = np.random.default_rng(0).normal(size=(len(words), regions))
    segments = tuple(
        Segment(t, min(t + 1, len(words) - 1), " ".join(words[t : t + 2]), t // 2 % regions, 1.25)
        for t in range(0, len(words), 2)
    )
    alignment = Alignment(
        sentence or text,
        0.5,
        12.0,
        tuple(
            Word(word, word != "zorb", 0, float(scores_TI[t].max()), word != "zorb")
            for t, word in enumerate(words)
        ),
        segments,
        tuple(tuple(row) for row in scores_TI.tolist()),
    )

    captions = tuple(Phrase(parts[i], caption(f"{text} {i}")) for i in range(phrases))
    return Description(photo.name, w, h, "grid", caption(text), parts, captions, alignment)


def page_of(*items: tuple[Photo, Description]) -> tuple[Page, str]:
    html = report(items)
    return Page(html), html


@pytest.mark.parametrize("sentence", ["a man throws a ball", "one", "the the the zorb the", "犬 が café ‮x"])
def test_each_word_appears_once_in_its_sentence(sentence: str) -> None:
    photo = photograph()
    description = describe(photo, sentence=sentence)
    assert description.alignment is not None
    page, _ = page_of((photo, description))
    words = page.all("button", "aligned")
    scores = description.alignment.scores
    expected = []
    for t, word in enumerate(sentence.split()):
        region = t // 2 % 4
        score = "unknown" if word == "zorb" else f"{scores[t][region]:z.2f}"
        expected.append((str(region), word + score))
    assert [(attributes["data-region"], text) for attributes, text in words] == expected


def test_words_outside_all_segments_are_shown_without_a_region() -> None:
    photo = photograph()
    description = describe(photo)
    assert description.alignment is not None
    alignment = Alignment("a man", 0.0, 0.0, description.alignment.words[:2], (), ((0.0,) * 4,) * 2)
    bare = Description(photo.name, 400, 300, "grid", description.caption, description.regions, (), alignment)
    page, _ = page_of((photo, bare))
    assert [text for _, text in page.all("span", "aligned")] == ["a–", "man–"]
    assert not page.all("button")


def test_caption_words_have_their_log_probabilities() -> None:
    photo = photograph()
    page, _ = page_of((photo, describe(photo, "a man")))
    assert [text for _, text in page.all("span", "token")] == ["a-0.25", "man-0.50", "(end)-0.75"]
    cut = describe(photo)
    cut = Description(cut.photo, 400, 300, "grid", caption("a man", ended=False), cut.regions, (), None)
    page, _ = page_of((photo, cut))
    assert [text for _, text in page.all("span", "token")] == ["a-0.25", "man-0.50"]


def test_phrases_have_boxes_in_pixels_and_every_region_is_drawn() -> None:
    photo = photograph()
    description = describe(photo)
    page, html = page_of((photo, description))
    assert "0, 30, 100, 150" in html
    assert "100, 30, 200, 153" in html
    assert [attributes["data-region"] for attributes, _ in page.all("g", "region")] == ["3", "2", "1", "0"]
    edges = {
        float(a["x"]): (float(a["y"]), float(a["width"]), float(a["height"]))
        for a, _ in page.all("rect", "edge")
    }
    assert edges[250.0] == (75.0, 250.0, 307.5)  # in units of a thousandth of the width
    named = {a["data-region"] for a, _ in page.all("g", "region") if "tabindex" in a}
    assert named == {"0", "1", "2"}


def test_the_heat_table_has_every_word_on_every_region() -> None:
    photo = photograph()
    description = describe(photo, sentence="a man throws a red ball far")
    page, _ = page_of((photo, description))
    assert description.alignment is not None
    cells = [(a, text) for a, text in page.all("td") if re.search(r"\bh\d\b", a.get("class", ""))]
    shown = [f"{score:z.1f}" for row in description.alignment.scores for score in row]
    assert [text for _, text in cells] == shown
    assert sum("of-segment" in a["class"].split() for a, _ in cells) == 7
    top = int(np.argmax(np.ravel(description.alignment.scores)))
    assert "h9" in cells[top][0]["class"].split()
    assert all("h0" in a["class"].split() for a, text in cells if text.startswith("-"))


def test_the_photograph_is_embedded_in_the_page() -> None:
    page, _ = page_of((photo := photograph(size=(2400, 1200)), describe(photo)))
    [(attributes, _)] = page.all("image")
    kind, data = attributes["href"].split(",")
    assert kind == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        assert image.size == (1200, 600)
        assert np.abs(np.asarray(image)[5, 5].astype(int) - (0, 128, 128)).max() < 6


def test_user_text_is_escaped_and_never_used_in_attributes() -> None:
    photo = photograph(NASTY)
    page, html = page_of((photo, describe(photo, NASTY)), (photo, describe(photo, NASTY)))
    assert html.count("<script") == 1
    assert len(page.all("script")) == 1
    assert not page.all("img")
    assert "alert" not in "".join(
        value for _, attributes, _ in page.elements for value in attributes.values()
    )
    assert [text for _, text in page.all("h2")] == [NASTY, NASTY]
    assert page.all("p", "quiet")[0][1].startswith(NASTY)


def test_nothing_is_loaded_and_only_the_hashed_script_may_run() -> None:
    photo = photograph()
    page, html = page_of((photo, describe(photo)))
    assert not re.search(
        r"https?:|//\w|@import|url\(|eval\(|innerHTML|javascript:", re.sub(r"base64,\S+", "", html)
    )
    for tag, attributes, _ in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "src")], tag
        assert attributes.get("href", "#").startswith(("#", "data:image/jpeg;base64,"))
    [policy] = [a["content"] for a, _ in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split("; ")}
    assert rules["default-src"] == ["'none'"]
    assert rules["img-src"] == ["data:"]
    for tag in ("style", "script"):
        [(_, text)] = page.all(tag)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[f"{tag}-src"] == [f"'sha256-{digest}'"]


def test_links_and_identifiers_agree() -> None:
    photo = photograph()
    page, html = page_of(*[(photo, describe(photo))] * 3)
    identifiers = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    links = [attributes["href"][1:] for attributes, _ in page.all("a")]
    assert links == ["photo-1", "photo-2", "photo-3"]
    assert set(links) <= set(identifiers)
    assert "3 photographs</title>" in html


@pytest.mark.parametrize("size", [(1, 1), (1000, 3), (3, 1000)])
@pytest.mark.parametrize("regions", [1, 20])
def test_odd_sizes_and_numbers(size: tuple[int, int], regions: int) -> None:
    photo = photograph(size=size)
    page, _ = page_of((photo, describe(photo, "a man", phrases=min(2, regions), regions=regions)))
    assert len(page.all("g", "region")) == regions


def test_an_empty_report_is_a_page_too() -> None:
    page, html = page_of()
    assert "0 photographs" in html
    assert not page.all("article")
