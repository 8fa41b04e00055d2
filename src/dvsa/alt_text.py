"""Images of an HTML page that lack an alternative text, and where their pictures are."""

import base64
import binascii
import re
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, unquote_to_bytes, urljoin, urlsplit
from urllib.request import url2pathname

from dvsa import files

MAX_PAGE_BYTES: Final = 64 * 2**20


class PageError(ValueError):
    """A page cannot be read, or an image of it is in no file; the message is one line."""


@dataclass(frozen=True, slots=True)
class PageImage:
    """An image of a page without alternative text."""

    line: int
    """From 1."""
    column: int
    """From 1."""
    source: str
    """The value of `src`, or the first picture of `srcset`; empty if it has none."""
    address: str
    """The same after the page's `base`."""

    def content(self, page: Path, root: Path | None = None) -> Path | bytes:
        """Its file, or its bytes if they are in the page; nothing is fetched from the network.

        Args:
            page: the file of the page.
            root: the folder for addresses that begin with `/`; the page's own if None.

        Raises:
            PageError: it has no source, it is on the network, or its data URL is damaged.
        """
        parts = urlsplit(self.address)
        if not self.source:
            raise PageError("it has no source")
        if parts.scheme == "data":
            return _data(self.address)
        if parts.scheme not in ("", "file") or (parts.netloc and parts.scheme != "file"):
            raise PageError(f"{self.source:.200} is on the network: save the page with its pictures")

        path = url2pathname(parts.path)
        if parts.scheme == "file":
            return Path(path)
        if path.startswith("/"):
            return (root or page.parent) / path.lstrip("/")
        return page.parent / path


def images_without_text(page: str, *, empty: bool = False) -> list[PageImage]:
    """The images of a page that lack an alternative text, in their order.

    These are `img` and `input type=image` without `alt`, and with one of space only. An empty `alt` says that
    an image is only decoration, which it may be.

    Args:
        page: HTML.
        empty: whether images with an empty `alt` count as well.

    >>> images_without_text('<img src="a.jpg"><img src="b.jpg" alt="a dog"><img src="c.jpg" alt="">')
    [PageImage(line=1, column=1, source='a.jpg', address='a.jpg')]
    """
    parser = _Images(empty)
    parser.feed(page)
    parser.close()
    return parser.found


def read_page(path: Path) -> str:
    """The HTML of a file, in its own encoding or UTF-8.

    Raises:
        PageError: it is no regular file, or larger than `MAX_PAGE_BYTES`.
        OSError: it cannot be read.
    """
    try:
        content = files.read_given(path, MAX_PAGE_BYTES)
    except files.UnreadableError as error:
        raise PageError(f"{path}: {error}: give an HTML file") from None
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    named = re.search(
        rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([A-Za-z0-9_:.-]{1,40})", content[:4096], re.IGNORECASE
    )
    try:
        return content.decode(named[1].decode() if named else "utf-8", "replace").removeprefix("\ufeff")
    except LookupError:
        return content.decode("utf-8", "replace")


class _Images(HTMLParser):
    """Collects the images."""

    def __init__(self, empty: bool) -> None:
        super().__init__()
        self.found: list[PageImage] = []
        self._empty, self._base = empty, ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in reversed(attrs)}  # the first of two counts
        if tag == "base" and "href" in given and not self._base:
            self._base = given["href"]
        is_image = tag == "img" or (tag == "input" and given.get("type", "").lower() == "image")
        if not is_image or not self._lacks_text(given):
            return
        line, column = self.getpos()
        source = given.get("src", "").strip() or given.get("srcset", "").strip().split(" ")[0]
        self.found.append(PageImage(line, column + 1, source, urljoin(self._base, source)))

    def _lacks_text(self, given: dict[str, str]) -> bool:
        if given.get("role") in ("presentation", "none") or given.get("aria-hidden") == "true":
            return self._empty
        if given.get("aria-label", "").strip() or given.get("aria-labelledby", "").strip():
            return False
        if given.get("alt") == "":
            return self._empty
        return not given.get("alt", "").strip()


def _data(address: str) -> bytes:
    """The bytes of a data URL."""
    head, comma, body = address.partition(",")
    if not comma:
        raise PageError("its data URL is damaged")
    try:
        if head.lower().endswith(";base64"):
            return base64.b64decode(unquote(body), validate=False)
        return unquote_to_bytes(body)
    except (binascii.Error, ValueError):
        raise PageError("its data URL is damaged") from None
