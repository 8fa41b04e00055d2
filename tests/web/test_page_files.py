"""The page's files, without a browser: they are small and request nothing from other hosts."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import dvsa

STATIC = Path(dvsa.__file__).parent / "web" / "static"
MODULES = sorted(STATIC.rglob("*.js"))
FILES = [*MODULES, *sorted(STATIC.rglob("*.css")), STATIC / "index.html", *sorted(STATIC.glob("icons/*.svg"))]


class Tags(HTMLParser):
    """All tags with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_names_no_other_host(path: Path) -> None:
    named = re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"')]*", path.read_text("utf-8"))
    assert {*named} <= {"http://www.w3.org/2000/svg"}  # the name of a namespace, which is never fetched


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_modules_are_short_and_never_make_markup_from_text(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("\n") <= 300
    assert max(map(len, text.splitlines())) <= 120
    assert text.startswith("/**"), "a module begins with its description"
    banned = r"innerHTML|outerHTML\s*=|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser"
    assert re.findall(banned, text) == []
    lines = text.splitlines()
    for start, line in enumerate(lines):
        if opening := re.match(r"( *)(export )?(async )?(function )?\w+\(.*\) \{$", line):
            assert lines.index(f"{opening[1]}}}", start) - start < 60, line


def test_the_document_has_no_inline_scripts_or_styles() -> None:
    found = Tags((STATIC / "index.html").read_text("utf-8")).found
    for tag, attributes in found:
        assert tag not in ("style", "base", "iframe")
        assert tag != "script" or attributes["src"]
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
    ids = [attributes["id"] for _, attributes in found if "id" in attributes]
    assert len(ids) == len({*ids})
