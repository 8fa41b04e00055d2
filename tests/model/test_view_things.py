"""The things of a view: classes that a graph of the bundle knows, and nouns of captions."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import dvsa
from dvsa.bundle import Bundle
from dvsa.classes import names
from dvsa.graphs import Graphs
from dvsa.manifest import FileRecord
from dvsa.model import Model, View
from dvsa.model.things import candidates

EXAMPLES = Path(__file__).parents[2] / "examples"
CAT = next(name.classes for name in names() if name.words == ("cat",))


@pytest.fixture(scope="module")
def view(knowing: Callable[[Graphs, float], Graphs]) -> View:
    """A photograph, seen by the shipped model with classes; only their probability in a region counts."""
    bundle = Bundle.open()
    files = {**bundle.manifest.files, "classes.onnx": FileRecord(1, "0" * 64)}
    manifest = replace(bundle.manifest, files=files, things=(1.0, 0.0, 0.0, 0.0, 0.0, 0.0))
    model = Model(replace(bundle, manifest=manifest, graphs=knowing(bundle.graphs, 1.0)))
    return model.open(EXAMPLES / "photographer.jpg")


def test_classes_are_things(view: View) -> None:
    things = {thing.name: thing for thing in view.things()}
    cats = [things[name] for name in things if things[name].region == 2 and name.endswith("cat")]
    assert [cat.probability for cat in cats] == pytest.approx([0.98], abs=1e-3)
    assert {*things} >= {thing.name for thing in dvsa.load().open(EXAMPLES / "photographer.jpg").things()}


def test_groups_that_no_region_shows_are_not_looked_at(view: View) -> None:
    groups = [group for group, region, _ in candidates(view) if len(group.classes) < 10]
    assert groups
    assert all(CAT[0] in group.classes for group in groups)


def test_without_weights_only_words_are_things(view: View) -> None:
    model = view.model
    manifest = replace(model.bundle.manifest, things=())
    plain = Model(replace(model.bundle, manifest=manifest)).open(EXAMPLES / "photographer.jpg")
    assert plain.things() == dvsa.load().open(EXAMPLES / "photographer.jpg").things()


def test_nouns_come_from_the_captions_that_are_given(view: View) -> None:
    captions = view.captions(beam=1)
    names = {thing.name for thing in view.things(captions)}
    assert names - {"cat"} <= {*captions[0].words} | {name for name in names if name.endswith("cat")}
    assert view.describe(phrases=0).things == view.things([view.caption()])
