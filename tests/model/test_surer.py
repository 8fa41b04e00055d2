"""Shorter captions of photographs that are unlike all that a bundle has learned from."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

import dvsa
from dvsa.bundle import shipped
from dvsa.cli import app
from dvsa.draw import overlay
from dvsa.familiar import FAMILIAR_FILE, Familiar, frame_features
from dvsa.graphs import Graphs
from dvsa.manifest import MANIFEST, FileRecord
from dvsa.model import Model
from dvsa.model.surer import MOST_WORDS, named, surer
from dvsa.model.view import View
from dvsa.records import UNFAMILIAR, Caption, Thing
from dvsa.report import report
from dvsa.text import FUNCTION_WORDS
from dvsa.web import Settings, create_app

PHOTO = Path("examples/photographer.jpg")


def bundle_that_knows(view: View, folder: Path, limit: float) -> Path:
    """A copy of the shipped bundle that knows photographs like this one, and others."""
    x_1F = frame_features(view.feature_IF[None])
    noise_NF = np.random.default_rng(0).normal(size=(20, x_1F.shape[1]))
    content = Familiar.of(x_1F + 0.01 * noise_NF).to_bytes()
    shutil.copytree(shipped(), folder)
    (folder / FAMILIAR_FILE).write_bytes(content)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"][FAMILIAR_FILE] = {"bytes": len(content), "sha256": sha256(content).hexdigest()}
    (folder / MANIFEST).write_text(json.dumps(manifest | {"familiar": limit}))
    return folder


@pytest.fixture(scope="module")
def view() -> View:
    return dvsa.load().open(PHOTO)


@pytest.fixture(scope="module")
def bundle(view: View, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that knows the photographer, but not the cat."""
    return bundle_that_knows(view, tmp_path_factory.mktemp("familiar") / "bundle", 1.0)


@pytest.fixture(scope="module")
def cat(bundle: Path) -> View:
    return dvsa.load(bundle).open("examples/cat.jpg")


def written(text: str) -> Caption:
    words = tuple(text.split())
    return Caption(text, -float(len(words)), words, (-1.0,) * len(words))


def test_a_familiar_photograph_has_its_usual_caption(view: View, bundle: Path) -> None:
    again = dvsa.load(bundle).open(PHOTO)
    assert again.distance is not None
    assert again.distance < 1
    assert again.familiar
    assert again.caption() == view.caption()
    description = again.describe()
    assert (description.distance, description.familiar) == (again.distance, True)


def test_a_strange_photograph_has_a_short_and_supported_caption(cat: View) -> None:
    assert not cat.familiar
    assert cat.distance is not None
    assert cat.distance > 1
    caption = cat.caption()
    assert caption == surer(cat, cat.captions())
    assert 1 <= len(caption.words) <= MOST_WORDS
    assert any(c.text.startswith(caption.text) for c in cat.captions())
    assert caption.logprobs[: len(caption.words)] == next(
        c.logprobs[: len(caption.words)] for c in cat.captions() if c.text.startswith(caption.text)
    )
    words = [w for w in cat.align(caption.text).words if w.text not in FUNCTION_WORDS]
    assert all(word.supported for word in words)


def test_the_best_support_wins_and_what_nothing_supports_is_left_out(view: View) -> None:
    assert (
        surer(view, [written("a man feeds an elephant"), written("two elephants near a man")]).text == "a man"
    )
    assert surer(view, [written("sitting")]).text == "sitting"  # names nothing
    long = written("a man and a man and a man and a man and a man")
    assert len(surer(view, [long]).words) <= MOST_WORDS


@pytest.mark.parametrize(
    ("slope", "support", "said", "wanted"),
    [
        (0.01, -1.0, ["a man"], "a cat"),  # the cat is more probable than the man
        (0.01, -1.0, ["a man", "a big cat"], "a big cat"),
        (0.01, 1.0, ["a man", "a big cat"], "a cat"),  # no region supports "big"
        (1000.0, 0.0, ["a man"], "a man"),
    ],
)
def test_a_class_is_said_if_it_is_more_probable(
    view: View,
    knowing: Callable[[Graphs, float], Graphs],
    slope: float,
    support: float,
    said: list[str],
    wanted: str,
) -> None:
    bundle = view.model.bundle
    files = {**bundle.manifest.files, "classes.onnx": FileRecord(1, "0" * 64)}
    manifest = replace(
        bundle.manifest, files=files, things=(1.0, *[0.0] * 5), support=support, support_slope=slope
    )
    model = Model(replace(bundle, manifest=manifest, graphs=knowing(bundle.graphs, 0.02)))
    caption = surer(model.open(PHOTO), [written(text) for text in said])
    assert caption.text == wanted
    assert len(caption.logprobs) == len(caption.words)


def test_a_name_is_a_caption() -> None:
    assert named(Thing("golden retriever", 0, 0.5)).words == ("a", "golden", "retriever")
    assert named(Thing("sunglasses", 0, 1.0)).text == "sunglasses"
    assert named(Thing("bus", 0, 1.0)).text == "a bus"
    assert named(Thing("golden retriever", 0, 0.5)).logprob == pytest.approx(np.log(0.5))


def test_people_are_told_everywhere(cat: View, bundle: Path, tmp_path: Path) -> None:
    description = cat.describe(phrases=1)
    assert UNFAMILIAR in report([(cat.photo, description)])
    usual = replace(description, familiar=True)
    assert UNFAMILIAR not in report([(cat.photo, usual)])
    assert overlay(cat.photo, description).height > overlay(cat.photo, usual).height

    asked = ["describe", "examples/cat.jpg", "--bundle", str(bundle), "--out", str(tmp_path)]
    assert UNFAMILIAR in " ".join(CliRunner().invoke(app, asked).output.split())
    (told,) = json.loads(CliRunner().invoke(app, [*asked, "--json"]).output)["photographs"]
    assert (told["familiar"], told["caption"]["text"]) == (False, cat.caption().text)

    service = create_app(dvsa.load(bundle), None, Settings())
    with TestClient(service, base_url="http://127.0.0.1:8000") as client:
        content = Path("examples/cat.jpg").read_bytes()
        answered = client.post("/api/photos", files={"file": ("cat.jpg", content)})
        assert answered.status_code == 201, answered.text
    assert not answered.json()["familiar"]
    assert answered.json()["distance"] == pytest.approx(cat.distance, rel=1e-4)
