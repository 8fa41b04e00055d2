"""Images without alternative text, and the proposals for them."""

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from dvsa.alt_text import PageError, PageImage, images_without_text, read_page
from dvsa.cli import app

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.parametrize(
    ("tag", "lacks", "decoration"),
    [
        ('<img src="a">', True, False),
        ("<IMG SRC=a>", True, False),
        ('<img src="a"/>', True, False),
        ('<img src="a" alt>', False, True),
        ('<img src="a" alt="">', False, True),
        ('<img src="a" alt="  ">', True, False),
        ('<img src="a" alt="a dog">', False, False),
        ('<img src="a" ALT="a dog">', False, False),
        ('<img src="a" role="presentation">', False, True),
        ('<img src="a" aria-label="a dog">', False, False),
        ('<input type="image" src="a">', True, False),
        ('<input type="text">', False, False),
        ('<img srcset="a 1x, b 2x">', True, False),
        ('<!-- <img src="a"> -->', False, False),
        ('<script>"<img src=a>"</script>', False, False),
        ("<p>img</p>", False, False),
    ],
)
def test_which_images_lack_a_text(tag: str, lacks: bool, decoration: bool) -> None:
    page = f"<p>\n  {tag}"
    found = images_without_text(page)
    assert found == ([PageImage(2, 3, "a", "a")] if lacks else [])
    assert len(images_without_text(page, empty=True)) == lacks + decoration


@given(st.text('<>img src="a"/-!\n=alt'))
def test_any_text_is_a_page(page: str) -> None:
    for image in images_without_text(page, empty=True):
        assert 1 <= image.line <= page.count("\n") + 1


@pytest.mark.parametrize(
    ("source", "base", "path"),
    [
        ("a.jpg", "", "/site/blog/a.jpg"),
        ("pictures/a%20b.jpg?v=3#top", "", "/site/blog/pictures/a b.jpg"),
        ("../a.jpg", "", "/site/blog/../a.jpg"),
        ("/a.jpg", "", "/root/a.jpg"),
        ("a.jpg", "pictures/", "/site/blog/pictures/a.jpg"),
        ("file:///else/a.jpg", "", "/else/a.jpg"),
    ],
)
def test_where_a_picture_is(source: str, base: str, path: str) -> None:
    (image,) = images_without_text(f'<base href="{base}"><img src="{source}">')
    assert image.content(Path("/site/blog/page.html"), Path("/root")) == Path(path)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "it has no source"),
        ("https://example.org/a.jpg", "is on the network: save the page with its pictures"),
        ("//example.org/a.jpg", "is on the network"),
        ("javascript:alert(1)", "is on the network"),
        ("data:image/png;base64", "its data URL is damaged"),
    ],
)
def test_what_is_in_no_file_is_told(source: str, message: str) -> None:
    (image,) = images_without_text(f'<img src="{source}">')
    with pytest.raises(PageError, match=message):
        image.content(Path("page.html"))


def test_pages_in_other_encodings(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    for encoding, head in (
        ("utf-8", ""),
        ("utf-8-sig", ""),
        ("latin-1", '<meta charset="latin-1">'),
        ("utf-16", ""),
    ):
        page.write_bytes(f'{head}<img src="café.jpg">'.encode(encoding))
        assert images_without_text(read_page(page))[0].source == "café.jpg"
    page.write_bytes(b'<meta charset="klingon"><img src="a">')
    assert images_without_text(read_page(page))[0].source == "a"


@pytest.mark.slow
def test_the_command_proposes_texts(tmp_path: Path) -> None:
    shutil.copy(EXAMPLES / "cat.jpg", tmp_path / "a cat.jpg")
    data = base64.b64encode((EXAMPLES / "photographer.jpg").read_bytes()).decode()
    page = tmp_path / "page.html"
    page.write_text(
        f'<img src="a%20cat.jpg">\n<img src="data:image/jpeg;base64,{data}">\n'
        '<img src="none.jpg" alt="a dog">\n<img src="a%20cat.jpg">'
    )
    before = page.read_bytes()

    def run(*arguments: object) -> Any:
        return CliRunner().invoke(app, ["alt", *map(str, arguments)], env={"COLUMNS": "300"})

    done = run(page)
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[:2] == [f"{page}:1:1  a%20cat.jpg", '    alt="a cat is sitting on a wall"']
    assert f"{page}:2:1  data:image/jpeg;base64," in lines[2]
    assert "man" in lines[3]
    assert lines[-1] == "3 images without alternative text"
    assert page.read_bytes() == before

    page.write_text('<img src="none.jpg"><img src="https://example.org/a.jpg"><img src="a%20cat.jpg">')
    done = run(page, "--json")
    assert done.exit_code == 2
    assert [image["alt"] for image in json.loads(done.stdout)["images"]] == [
        None,
        None,
        "a cat is sitting on a wall",
    ]
    assert f"{page}:1:1: {tmp_path / 'none.jpg'}: there is no such file" in done.stderr
    assert "is on the network" in done.stderr
    page.write_text("<p>no images</p>")
    assert run(page).stdout == "0 images without alternative text\n"
    assert run(tmp_path).exit_code == run(tmp_path / "none.html").exit_code == 2
