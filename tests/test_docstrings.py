"""Every public function of the numeric modules and of the model has an example, and the examples run."""

import doctest
import inspect
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

import dvsa
from dvsa import (
    aligning,
    beam,
    boxes,
    bundle,
    captioning,
    manifest,
    maxsim,
    photo,
    regions,
    segments,
    sentence,
    text,
)
from dvsa.bundle import Bundle
from dvsa.model import Model, View, model, view
from dvsa.sentence import Sentence
from dvsa.text import Vocabulary

ROOT = Path(__file__).parents[1]
MODULES = [
    aligning, beam, boxes, bundle, captioning, maxsim, model, photo, regions, segments, sentence, text, view
]  # fmt: skip
CLASSES = [Bundle, Model, Sentence, View, Vocabulary]
EXAMPLES = [
    example
    for module in (*MODULES, manifest, dvsa)
    for example in doctest.DocTestFinder().find(module, module.__name__)
    if example.examples
]


@pytest.fixture(scope="module", autouse=True)
def quick_examples() -> None:
    """Load the shipped model and look at each photograph only once."""
    patch = pytest.MonkeyPatch()
    patch.chdir(ROOT)
    patch.setattr(dvsa, "load", cache(dvsa.load))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_runs(example: doctest.DocTest) -> None:
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
