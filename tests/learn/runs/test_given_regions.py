"""Regions from files: trained on, exported and judged; features need no photograph at all."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from dvsa import evaluation
from dvsa.bundle import Bundle
from dvsa.cli import app
from dvsa.data import Dataset, Example, load, load_regions, toy
from dvsa.evaluation import protocol
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.inputs import FitOptions
from dvsa.learn.runs.run import Run
from dvsa.learn.ship.export import export
from dvsa.learn.ship.torch_bundle import torch_model
from dvsa.learn.tasks.alignment import AlignmentStage
from dvsa.learn.tasks.visual import HEADS
from dvsa.model import Model
from dvsa.photo import read

Fit = Callable[[Recipe, Dataset, Path, FitOptions], None]
WIDTH = 24
pytestmark = pytest.mark.training


def things(example: Example) -> dict[tuple[float, ...], str]:
    """The boxes of a scene, each with one of its phrases."""
    return {p.box: p.text for p in example.phrases if p.box is not None}


def describe(text: str) -> np.ndarray:
    """A detector's idea of a thing: a random vector for each word, always the same."""
    seeds = [sum(ord(letter) * 31**n for n, letter in enumerate(word)) % 2**32 for word in text.split()]
    vectors = np.stack([np.random.default_rng(seed).normal(size=WIDTH) for seed in seeds])
    summed_F: np.ndarray = vectors.sum(0).astype(np.float32)
    return summed_F


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.write(tmp_path_factory.mktemp("scenes") / "data", train=80, val=30, test=30, seed=5)


@pytest.fixture(scope="module")
def features(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features of the scenes' things, as of bottom-up attention: a file for each photograph."""
    folder = tmp_path_factory.mktemp("features")
    for example in load(scenes).examples:
        found = things(example)
        photo = read(example.read())
        size = np.array([photo.width, photo.height] * 2)
        np.savez(
            folder / f"{Path(example.name).stem}.npz",
            x=np.stack([describe(text) for text in found.values()]),
            bbox=np.array([*found]) * size,
            image_w=photo.width,
            image_h=photo.height,
        )
    return folder


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    """The toy recipe, with enough epochs for features that are easy to tell apart."""
    toy = RECIPES["toy"]()
    regions, align, caption = toy.stages
    align = replace(align, train=replace(align.train, epochs=30, batch=20, evaluate_every=30))
    caption = replace(caption, train=replace(caption.train, epochs=4, batch=40))
    return replace(toy, stages=(regions, align, caption))


@pytest.fixture(scope="module")
def blind(scenes: Path, features: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The data set without its photographs."""
    folder = tmp_path_factory.mktemp("blind") / "data"
    shutil.copytree(scenes, folder)
    shutil.rmtree(folder / "images")
    return load(folder, regions=load_regions(features))


@pytest.fixture(scope="module")
def trained(
    blind: Dataset,
    recipe: Recipe,
    cpu: FitOptions,
    fit_without_curves: Fit,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, list[str]]:
    """A run that has seen no photograph, and what it said."""
    out, said = tmp_path_factory.mktemp("trained") / "run", list[str]()
    fit_without_curves(recipe, blind, out, replace(cpu, tell=said.append))
    return out, said


def test_everything_but_the_eye_is_learned_from_features(
    trained: tuple[Path, list[str]], blind: Dataset, tmp_path: Path
) -> None:
    out, said = trained
    assert f"features of width {WIDTH}" in said[0]
    assert said[1] == (
        f"features of width {WIDTH} describe the regions: stages left out: regions; stages changed: align"
    )
    assert json.loads((out / "config.json").read_text())["regions"]["features"] == WIDTH

    model = Model(Bundle.open(export(Run(out), tmp_path / "bundle"), threads=1))
    assert {p.name for p in model.bundle.folder.glob("*.onnx")} >= {"encode.onnx", "sentence.onnx"}
    assert not (model.bundle.folder / "look.onnx").exists()

    examples = blind.split("test")
    protocol.check(model.bundle, blind, examples, allow_custom_split=True)
    encoded = evaluation.encode(model, examples, given=blind.regions)
    report = evaluation.ranking(model, examples, encoded=encoded).report
    assert (report.parts["photo_to_sentence"].figures["R@1"].value or 0) >= 50, report
    found = evaluation.grounding(model, examples, beta=None, encoded=encoded).report
    assert (found.figures["R@1 IoU0.5"].value or 0) >= 70, found
    assert found.settings["proposer"] == "given"
    written = evaluation.captions(model, examples, encoded=encoded, with_meteor=False).report
    assert (written.figures["CIDEr"].value or 0) > 10

    # The same from torch, and no photograph can be opened.
    again = evaluation.encode(torch_model(Run(out), "cpu"), examples, given=blind.regions)
    assert np.abs(again.v_KID - encoded.v_KID).max() < 5e-3
    with pytest.raises(ValueError, match="takes features of regions, not photographs"):
        model.open(Path("examples/cat.jpg"))


def test_the_command_line_judges_with_regions_from_files(
    trained: tuple[Path, list[str]], blind: Dataset, features: Path, tmp_path: Path
) -> None:
    def judge(task: str, *more: object) -> Result:
        where = ["--data", blind.root, "--regions", features, "--run", trained[0], "--split", "test"]
        words = ["evaluate", task, *where, "--allow-custom-split", "--out", tmp_path, "--json", *more]
        return CliRunner().invoke(app, [str(word) for word in words])

    # The same figures as from Python, with the regions said in the settings.
    done = judge("grounding")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    model = torch_model(Run(trained[0]), "cpu")
    encoded = evaluation.encode(model, blind.split("test"), given=blind.regions)
    wanted = evaluation.grounding(model, blind.split("test"), beta=None, encoded=encoded).report
    assert report["R@1 IoU0.5"] == pytest.approx(wanted.figures["R@1 IoU0.5"].value)
    assert report["settings"]["proposer"] == "given"

    # Phrases for true boxes need the photographs.
    refused = judge("regions")
    assert refused.exit_code == 2
    assert "--regions" in refused.output


def test_what_does_not_fit_is_refused(
    trained: tuple[Path, list[str]], blind: Dataset, recipe: Recipe, cpu: FitOptions, fit_without_curves: Fit
) -> None:
    import dvsa

    examples = blind.split("test")
    with pytest.raises(ValueError, match="flickr8k takes photographs, not features"):
        evaluation.encode(dvsa.load(threads=1), examples, given=blind.regions)
    for options, message in [
        (replace(cpu, proposer="grid"), "give --regions or --proposer"),
        (replace(cpu, init="shipped"), "flickr8k takes photographs, and the data has features of regions of"),
        (replace(cpu, backbone="small"), "need no backbone: leave out --backbone"),
        (replace(cpu, described_by="crops"), "need no backbone: leave out --backbone"),
    ]:
        with pytest.raises(ValueError, match=message):
            fit_without_curves(recipe, blind, trained[0].with_name("other"), options)
    assert not trained[0].with_name("other").exists()


def test_a_run_stays_with_its_regions(
    scenes: Path, trained: tuple[Path, list[str]], recipe: Recipe, cpu: FitOptions, fit_without_curves: Fit
) -> None:
    with pytest.raises(ValueError, match=r"holds another run \(its config.json has another .*regions"):
        fit_without_curves(recipe, load(scenes), trained[0], cpu)


def test_a_bundle_of_features_is_continued_on_features_alone(
    trained: tuple[Path, list[str]],
    blind: Dataset,
    scenes: Path,
    recipe: Recipe,
    cpu: FitOptions,
    fit_without_curves: Fit,
    tmp_path: Path,
) -> None:
    options = replace(cpu, init=str(export(Run(trained[0]), tmp_path / "bundle")))
    fit_without_curves(recipe, blind, tmp_path / "run", options)
    again = Run(tmp_path / "run")
    assert again.recipe.vision == Run(trained[0]).recipe.vision
    assert [stage.name for stage in again.recipe.stages] == ["align", "caption"]
    with pytest.raises(
        ValueError, match=f"takes features of regions of width {WIDTH}, and the data has photo"
    ):
        fit_without_curves(recipe, load(scenes), tmp_path / "other", options)
    proposer = replace(cpu, proposer=options.init)
    with pytest.raises(ValueError, match="takes features of regions and proposes none"):
        fit_without_curves(recipe, load(scenes), tmp_path / "other", proposer)


def test_features_without_boxes_train_without_grounding(
    blind: Dataset, recipe: Recipe, cpu: FitOptions, fit_without_curves: Fit, tmp_path: Path
) -> None:
    folder = tmp_path / "mine_precomp"
    folder.mkdir()
    for split, name in (("train", "train"), ("val", "dev")):
        examples = blind.split(split)[:12]
        rows = [[describe(text) for text in [*things(e).values()] * 3][:3] for e in examples]
        np.save(folder / f"{name}_ims.npy", np.array(rows, np.float32))
        lines = [(e.sentences * 5)[n] for e in examples for n in range(5)]
        (folder / f"{name}_caps.txt").write_text("\n".join(lines) + "\n")

    said: list[str] = []
    short = replace(recipe, stages=tuple(replace(s, train=replace(s.train, epochs=1)) for s in recipe.stages))
    fit_without_curves(short, load(folder), tmp_path / "run", replace(cpu, tell=said.append))
    vision = Run(tmp_path / "run").recipe.vision
    assert (vision.given_features, vision.geometry) == (WIDTH, False)
    assert said[1].startswith("no phrase has a box: stages left out: regions; stages changed: align")


def test_boxes_from_files_are_described_by_the_backbone(
    scenes: Path, recipe: Recipe, cpu: FitOptions, fit_without_curves: Fit, tmp_path: Path
) -> None:
    given = {}
    for example in load(scenes).examples:
        photo = read(example.read())
        size = np.array([photo.width, photo.height] * 2)
        given[example.name] = [(np.array(box) * size).tolist() for box in things(example)]
    (tmp_path / "boxes.json").write_text(json.dumps(given))
    data = load(scenes, regions=load_regions(tmp_path / "boxes.json"))

    # With the backbone in the loop and windows, and without.
    _, align, caption = recipe.stages
    assert isinstance(align, AlignmentStage)
    tune = replace(align, name="tune", flip=True, min_window=0.6, train=replace(align.train, epochs=1))
    frozen = replace(align, lr=HEADS, train=replace(align.train, epochs=1))
    caption = replace(caption, train=replace(caption.train, epochs=1))
    short = replace(recipe, stages=(tune, frozen, caption))
    said: list[str] = []
    options = replace(cpu, proposer="grid", tell=said.append)
    fit_without_curves(short, data, tmp_path / "run", options)
    assert "boxes, " in said[0]

    # In an evaluation they are the regions, as if they were given to `open`.
    model, examples = torch_model(Run(tmp_path / "run"), "cpu"), data.split("val")[:3]
    encoded = evaluation.encode(model, examples, given=data.regions)
    for k, example in enumerate(examples):
        boxes = np.array([*things(example)])
        view = model.open(example.read(), regions=boxes)
        np.testing.assert_allclose(encoded.v_KID[k, : len(boxes)], view.v_ID[:-1], atol=1e-4)
        np.testing.assert_allclose(encoded.v_KID[k, -1], view.v_ID[-1], atol=1e-4)
