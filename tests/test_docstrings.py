"""Examples in docstrings run, and every public function of the core, the metrics and the index has one."""

import doctest
import inspect
import pkgutil
import shutil
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

import dvsa
from dvsa import (
    aligning,
    background,
    beam,
    boxes,
    bundle,
    captioning,
    card,
    fluency,
    fluency_file,
    maxsim,
    metrics,
    photo,
    regions,
    segments,
    sentence,
    taught,
    teaching,
    text,
)
from dvsa.beam import Hypothesis
from dvsa.bundle import Bundle
from dvsa.index import Filter, Index, Query
from dvsa.index.reader import IndexReader
from dvsa.metrics.figures import Figure, Report
from dvsa.metrics.ranking import Ranks
from dvsa.model import Model, View, loading, model, view
from dvsa.sentence import Sentence
from dvsa.text import Vocabulary

EXAMPLE_PHOTOS = Path(__file__).parents[1] / "examples"
EXTRAS = {"cli", "encoding.cluster", "index.cluster", "index.qdrant", "learn", "web"}
"""Without examples here: they need more than the core install, or print."""


def modules(package: ModuleType) -> Iterator[ModuleType]:
    """A package and the modules in it, without `EXTRAS`."""
    yield package
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if found.name.removeprefix("dvsa.") in {*EXTRAS, "__main__"}:
            continue
        module = import_module(found.name)
        yield from modules(module) if found.ispkg else [module]


MODULES = [
    *(
        aligning,
        background,
        beam,
        boxes,
        bundle,
        captioning,
        card,
        fluency,
        fluency_file,
        maxsim,
        model,
        photo,
        regions,
        segments,
        sentence,
        taught,
        teaching,
        text,
    ),
    *(loading, view, *modules(metrics)),
]
CLASSES = [
    *(Filter, Index, IndexReader, Query),
    *(
        value
        for module in MODULES
        for name, value in vars(module).items()
        if inspect.isclass(value) and value.__module__ == module.__name__ and not name.startswith("_")
    ),
]
EXAMPLES = [
    example
    for module in modules(dvsa)
    for example in doctest.DocTestFinder().find(module, module.__name__)
    if example.examples
]


@pytest.fixture(scope="module", autouse=True)
def album(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An index of the example photographs; the shipped model is loaded only once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dvsa, "load", cache(dvsa.load))
        with Index.create(tmp_path_factory.mktemp("album") / "album.index", dvsa.load()) as made:
            made.add([EXAMPLE_PHOTOS])
        yield made.folder


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_runs(
    example: doctest.DocTest, album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "examples").symlink_to(EXAMPLE_PHOTOS)
    shutil.copytree(album, tmp_path / "album.index")
    monkeypatch.chdir(tmp_path)
    failures: list[str] = []
    doctest.DocTestRunner().run(example, out=failures.append)
    assert not failures, "".join(failures)


@pytest.mark.parametrize("thing", [*MODULES, *CLASSES], ids=lambda thing: thing.__name__)
def test_everything_public_has_an_example(thing: ModuleType | type) -> None:
    public = {
        f"{name_of(thing)}.{name}" for name, value in vars(thing).items() if is_public(thing, name, value)
    }
    assert public <= {example.name for example in EXAMPLES}


def test_the_rule_finds_what_has_no_example() -> None:
    assert is_public(text, "words", text.words)
    assert is_public(Model, "open", vars(Model)["open"])
    assert is_public(Bundle, "open", vars(Bundle)["open"])
    assert is_public(Bundle, "digest", vars(Bundle)["digest"])
    assert is_public(Figure, "shown", vars(Figure)["shown"])
    assert {Bundle, Figure, Hypothesis, Model, Ranks, Report, Sentence, View, Vocabulary} <= {*CLASSES}
    assert not is_public(boxes, "_lattice", boxes._lattice)
    assert not is_public(regions, "iou", boxes.iou)


def name_of(thing: ModuleType | type) -> str:
    return thing.__name__ if isinstance(thing, ModuleType) else f"{thing.__module__}.{thing.__name__}"


def is_public(thing: ModuleType | type, name: str, value: object) -> bool:
    """Whether a member is a public function, method or property that is defined there."""
    if name.startswith("_"):
        return False
    if isinstance(thing, ModuleType):
        return inspect.isfunction(value) and value.__module__ == thing.__name__
    return isinstance(value, FunctionType | property | classmethod | staticmethod)
