"""Search results as one page: clean thumbnails, no scripts, nothing of a user unescaped, and light."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

import dvsa
from dvsa.index import Hit, Index
from dvsa.index.contact_sheet import THUMBNAIL_SIDE, card, contact_sheet
from dvsa.photo import Photo, read
from dvsa.records import FRAME

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Hit, Photo]]:
    with Index.create(tmp_path_factory.mktemp("sheet") / "index", dvsa.load()) as index:
        index.add([EXAMPLES])
        hits = index.search("a cat and a man in an orange suit zyzzyva", 3)
    return [(hit, read(hit.photograph.read(), name=hit.photograph.path)) for hit in hits]


class Tags(HTMLParser):
    """The elements of a page, and the texts in some of them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append((self.seen[-1][0] if self.seen else "", data.strip()))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.seen if name == tag]


def test_a_page_shows_each_photograph_with_boxes_and_words(found: list[tuple[Hit, Photo]]) -> None:
    tags = Tags(contact_sheet("a cat", "3 photographs", [card(*pair) for pair in found]))
    assert ("h1", "a cat") in tags.texts
    assert len(tags.of("img")) == len(tags.of("figure")) == 3
    for attributes, (hit, photo) in zip(tags.of("img"), found, strict=True):
        assert max(int(attributes["width"] or 0), int(attributes["height"] or 0)) == THUMBNAIL_SIDE
        assert attributes["alt"] == photo.name.rpartition("/")[2] == Path(hit.photograph.path).name

    # A box for each region that supports a content word, twice for its dark edge; the frame has none.
    content = [w for hit, _ in found for w in [(hit, word) for word in hit.alignment.words]]
    shown = {
        (hit.photograph.id, word.region)
        for hit, word in content
        if word.supported
        and word.region is not None
        and word.text in ("cat", "man", "orange", "suit")
        and hit.boxes[word.region] != FRAME
    }
    assert len(tags.of("rect")) == 2 * len(shown) > 0
    assert sum(text.startswith("cat ") for _, text in tags.texts) == 3
    assert sum(text == "zyzzyva –" for _, text in tags.texts) == 3


def test_texts_of_users_cannot_become_elements(found: list[tuple[Hit, Photo]]) -> None:
    (hit, photo), evil = found[0], '"><script>alert(1)</script><img src=x onerror=alert(1)>&'
    hit = replace(hit, photograph=replace(hit.photograph, path=f"/a/{evil}", taken=evil))
    words = tuple(replace(word, text=evil) for word in hit.alignment.words)
    hit = replace(hit, alignment=replace(hit.alignment, words=words))
    page = contact_sheet(evil, evil, [card(hit, photo)])
    tags = Tags(page)
    assert not tags.of("script")
    assert len(tags.of("img")) == 1
    assert not any(name.startswith("on") for _, attributes in tags.seen for name in attributes)
    assert all(str(a.get("src", "data:")).startswith("data:image/webp;base64,") for a in tags.of("img"))
    page.encode()

    style = re.search("<style>(.*)</style>", page, re.S)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page
    assert " style=" not in page  # the policy would not apply it


def test_two_hundred_photographs_are_a_light_page(found: list[tuple[Hit, Photo]]) -> None:
    cards = [card(*found[n % 3]) for n in range(200)]
    assert len(contact_sheet("a cat", "", cards)) < 6 * 2**20


def test_near_duplicates_are_counted(found: list[tuple[Hit, Photo]]) -> None:
    assert "4 more like this" in contact_sheet("a cat", "", [card(*found[0], 4)])
