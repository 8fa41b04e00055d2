"""Captions of a bundle with rules of fluency: every search and every sampler keeps them."""

import hashlib
import json
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

import dvsa
from dvsa.bundle import Bundle, shipped
from dvsa.fluency import Fluency
from dvsa.fluency_file import FLUENCY_FILE, to_bytes
from dvsa.manifest import MANIFEST, BundleError
from dvsa.model import Model, View
from dvsa.records import Caption
from dvsa.text import words

SENTENCES = [
    words(sentence)
    for sentence in (
        "a man in a suit holds a camera near a river",
        "a woman is wearing an orange helmet",
        "two dogs run on the grass",
        "a man is standing in the grass with his camera",
        "a bird sits on a rock",
    )
]


def with_rules(folder: Path, content: bytes) -> Path:
    """A copy of the shipped bundle with these rules."""
    shutil.copytree(shipped(), folder)
    (folder / FLUENCY_FILE).write_bytes(content)
    manifest = json.loads((folder / MANIFEST).read_text())
    record = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    manifest["files"][FLUENCY_FILE] = record
    (folder / MANIFEST).write_text(json.dumps(manifest))
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    rules = Fluency.learn(SENTENCES, Bundle.open().vocabulary)
    return dvsa.load(with_rules(tmp_path_factory.mktemp("rules") / "bundle", to_bytes(rules)))


@pytest.fixture(scope="module", params=["photographer", "astronaut", "cat"])
def view(request: pytest.FixtureRequest, model: Model) -> View:
    return model.open(f"examples/{request.param}.jpg")


def check(caption: Caption, *, phrase: bool = False) -> None:
    pairs = {pair for sentence in SENTENCES for pair in pairwise([*([] if phrase else [""]), *sentence])}
    assert {*pairwise([*([] if phrase else [""]), *caption.words])} <= pairs
    ends = {tuple(sentence[-2:]) for sentence in SENTENCES}
    assert caption.words[-2:] in ends or (phrase and len(caption.words) == 1)
    assert len(caption.logprobs) == len(caption.words) + 1


@pytest.mark.parametrize("beam", [1, 2, 7])
def test_captions_of_photographs_keep_the_rules(view: View, beam: int) -> None:
    found = view.captions(beam)
    assert found
    for caption in found:
        check(caption)


def test_phrases_of_regions_keep_the_rules(view: View) -> None:
    for phrase in view.phrases(len(view.regions)):
        check(phrase.caption, phrase=True)


@pytest.mark.parametrize(("temperature", "top_p"), [(1.0, 1.0), (0.5, 0.9), (5.0, 1.0)])
def test_samples_keep_the_rules(view: View, temperature: float, top_p: float) -> None:
    for seed in range(5):
        (caption,) = view.captions(sampler=dvsa.sampler(temperature, top_p, seed))
        check(caption)


def test_an_invalid_file_is_named(tmp_path: Path) -> None:
    bundle = Bundle.open(with_rules(tmp_path / "bundle", b"rules"))
    with pytest.raises(BundleError, match=rf"{FLUENCY_FILE} has no rules for captions"):
        Model(bundle).open("examples/cat.jpg").caption()
