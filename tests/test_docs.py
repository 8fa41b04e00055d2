"""The generated pages are up to date, and the links of all pages lead somewhere."""

import re
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import dvsa

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.glob("*.md"))]


@pytest.fixture
def generate(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(DOCS)
    return import_module("generate")


def test_the_page_of_the_interface_is_up_to_date(generate: ModuleType) -> None:
    assert (DOCS / "api.md").read_text("utf-8") == generate.api(), "run `make docs`"


def test_the_tables_of_the_architecture_are_up_to_date(generate: ModuleType) -> None:
    text = (DOCS / "architecture.md").read_text("utf-8")
    assert text == generate.with_tables(text), "run `make docs`"


def test_the_page_shows_how_each_kind_of_name_is_used(generate: ModuleType) -> None:
    page = generate.api()
    shown = [
        "- `score(v_ID: FloatArray, s_TD: FloatArray) -> float`<br>The score of",
        "`Model(bundle: Bundle)`",  # a dataclass
        "- `BundleError(ValueError)`<br>",
        "- `Cider(references_K: Sequence[Sequence[Tokens]])`<br>",  # a class with __init__
        "- `regions: tuple[Region, ...]`<br>",  # a property
        "- `Index.open(folder: str | Path",  # a class method, inherited
        "regions: str | Path | NDArray[np.floating] = 'own')",  # a default that is a constant
        "- `with_settings(**settings: Setting) -> Report`<br>",
        "`Filter(*, prefix: str | None = None, ",
        "`QdrantIndex(client: QdrantClient, name: str, embedding: int)`",
        "- `create_app(model: Model, ",
        "- `overlay(photo: Photo, description: Description) -> Image.Image`<br>",
        "```pycon\n>>> Bundle.open().manifest.name\n'flickr8k'\n```",  # the example of a class
        "  ```pycon\n  >>> vocabulary = Vocabulary(",  # that of a class in a list
    ]
    assert [text for text in shown if text not in page] == []
    assert [name for name in dvsa.__all__ if f"`{name}`" not in page and f"`{name}(" not in page] == []
    assert not re.search(r"`_\w+\(", page)


def test_the_page_defines_the_types_in_its_signatures(generate: ModuleType) -> None:
    types = generate.api().partition("## Types in signatures\n")[2]
    shown = [
        "- `Step = Callable[[IntArray, State], tuple[FloatArray, State]]` in `dvsa.beam`<br>`(token_B, ",
        "- `State = tuple[NDArray[np.generic], ...]` in `dvsa.beam`<br>",
        "- `Sampler = Callable[[CaptionGraphs, beam.State], list[beam.Hypothesis]]` in `dvsa.captioning`<br>",
        "- `CaptionGraphs` in `dvsa.captioning`<br>The two graphs",  # a class, used by an alias
        "- `Subject = Literal['frame', 'region']` in `dvsa.records`<br>",
    ]
    assert [text for text in shown if text not in types] == []
    assert "- `Hypothesis`" not in types  # it is in the section `dvsa.beam`


def test_the_page_puts_internal_modules_after_the_others(generate: ModuleType) -> None:
    page = generate.api()
    internal = page.index("\n## Internal modules\n")
    assert (
        page.index("\n### dvsa.metrics.bleu\n") < internal < page.index("\n### dvsa.evaluation.retrieval\n")
    )
    assert internal < page.index("\n### dvsa.metrics.ngrams\n")


def test_tables_need_their_comments(generate: ModuleType) -> None:
    with pytest.raises(ValueError, match="<!-- layers -->"):
        generate.with_tables("# Architecture\n")


def test_a_first_sentence_ends_at_a_full_stop_before_a_capital(generate: ModuleType) -> None:
    assert generate.first_sentence("Scores (eq. 8). More.") == "Scores (eq. 8)."
    assert generate.first_sentence("`v.s` of all words") == "`v.s` of all words"


def test_a_layout_keeps_order_and_leaves_each_node_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(DOCS)
    layers = import_module("layers")
    assert layers.apart([10, 50], [20, 20], 100) == [10, 50]
    assert layers.apart([50, 50, 50], [20, 20, 20], 100) == [30, 50, 70]
    assert layers.apart([90, 95], [20, 40], 100) == [50, 80]  # within the width

    paths = layers.chains({"a": 1, "b": 2, "c": 3}, [("c", "a"), ("c", "b")])
    assert paths == [["c", ("c", "a", 2), "a"], ["c", "b"]]
    place = layers.arrange({"a": 1, "b": 2, "c": 3}, paths, {"a": 30, "b": 30, "c": 30}, 100)
    assert abs(place["b"] - place["c", "a", 2]) >= 18.5


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert list(broken_links(page)) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    (tmp_path / "other.md").write_text("# A `title`, twice\n\n## A title, twice\n")
    good = "[x](other.md) [x](other.md#a-title-twice-1) [x](#top) ![x](page.md) [x](https://example.org/none)"
    bad = "[x](none.md) ![x](none.png) [x](other.md#none) [x](#none) <img src='none.svg'>"
    page.write_text(f"# Top\n\n{good}\n\n```\n# None\n[x](inside-code.md)\n```\n\n{bad}\n")
    assert list(broken_links(page)) == ["none.md", "none.png", "other.md#none", "#none", "none.svg"]


def broken_links(page: Path) -> Iterator[str]:
    """The relative links and pictures of a page that lead to no file, or to no heading of a page."""
    for match in re.finditer(r"\]\(([^)\s]+)|(?:src|href)=[\"']([^\"']+)", without_code(page)):
        target = match[1] or match[2]
        if re.match(r"[a-z]+:", target):
            continue
        name, _, fragment = target.partition("#")
        path = page.parent / name if name else page
        if not path.exists() or (fragment and path.suffix == ".md" and fragment not in anchors(path)):
            yield target


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found = set()
    times: Counter[str] = Counter()
    for title in re.findall(r"^#{1,6} +(.+)$", without_fences(page), re.MULTILINE):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title.strip())
        anchor = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        found.add(f"{anchor}-{times[anchor]}" if times[anchor] else anchor)
        times[anchor] += 1
    return found


def without_fences(page: Path) -> str:
    return re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def without_code(page: Path) -> str:
    return re.sub(r"`[^`\n]*`", "", without_fences(page))
