import json
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import typer
from PIL import Image
from typer.core import TyperGroup
from typer.testing import CliRunner, Result

import dvsa
import dvsa.learn.runs.fit
from dvsa import evaluation
from dvsa.cli import app, describing, photographs
from dvsa.cli.evaluating import TASKS
from dvsa.cli.output import note, plain
from dvsa.data import Dataset, load, toy
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.recipes.recipe import Recipe, recipe_from_json
from dvsa.learn.runs.inputs import FitOptions
from dvsa.learn.runs.run import Run
from dvsa.learn.ship.torch_bundle import torch_model
from dvsa.metrics.captions import score
from dvsa.metrics.figures import Report
from dvsa.metrics.report_tables import csv_table, latex_table
from dvsa.records import FRAME, Alignment, Region, Word

ROOT = Path(__file__).parents[1]
GRAPHS = ["look.onnx", "encode.onnx", "sentence.onnx", "caption.start.onnx", "caption.step.onnx"]


def run(*arguments: object, env: dict[str, str | None] | None = None) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200", **(env or {})})


def output(*arguments: object) -> str:
    done = run(*arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def answer(*arguments: object) -> Any:
    """The JSON of a command that succeeds; standard output must contain nothing else."""
    return json.loads(output(*arguments, "--json"), parse_constant=pytest.fail)


def refusal(*arguments: object, code: int = 2) -> str:
    """The one line on standard error of a command that fails and prints nothing else."""
    done = run(*arguments)
    assert done.exit_code == code, done.output
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("dvsa: ")
    return line.removeprefix("dvsa: ")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scene that the toy model has not seen."""
    data = toy.write(tmp_path_factory.mktemp("scene"), train=0, val=1, test=0, seed=5)
    return data / "images" / "val00000.png"


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A toy set of a few scenes, enough for all words to be in the training split."""
    return toy.write(tmp_path_factory.mktemp("few"), train=40, val=8, test=2, seed=6)


# Describing


def test_describe_says_what_the_api_says_and_writes_pictures_and_report(
    toy_bundle: Path, scene: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "folder"
    sentence = "a red circle above a blue square"
    said = answer("describe", scene, "--sentence", sentence, "--bundle", toy_bundle, "--out", out)
    (photograph,) = said["photographs"]
    wanted = dvsa.load(toy_bundle).open(scene).describe(sentence)
    picture = out / "val00000.dvsa.png"

    assert photograph == json.loads(
        json.dumps({"file": str(scene), "overlay": str(picture), **plain(wanted)})
    )
    assert said["errors"] == []
    assert said["report"] == str(out / "dvsa-report.html")
    assert wanted.caption.text in (out / "dvsa-report.html").read_text("utf-8")

    with Image.open(picture) as image:
        assert image.format == "PNG"
        assert image.width >= 640
    assert sorted(path.name for path in out.iterdir()) == ["dvsa-report.html", "val00000.dvsa.png"]


def test_describe_prints_caption_phrases_words_segments_and_places(
    toy_bundle: Path, scene: Path, tmp_path: Path
) -> None:
    text = output("describe", scene, "--bundle", toy_bundle, "--out", tmp_path, "--phrases", 3)
    said = dvsa.load(toy_bundle).open(scene).describe(phrases=3)
    assert f"{said.caption.text}  (log-probability {said.caption.logprob:.2f})" in text
    lines = [line.split() for line in text.splitlines()]

    for phrase in said.phrases:
        box = [str(edge) for edge in phrase.region.pixels]
        logprob, score = f"{phrase.caption.logprob:.2f}", f"{phrase.region.score:.2f}"
        assert [str(phrase.region.index), *phrase.caption.words, logprob, *box, score] in lines

    assert said.alignment is not None
    for word in said.alignment.words:
        assert any(line[:1] == [word.text] and f"{word.score:.2f}" in line for line in lines)
    for segment in said.alignment.segments:
        assert any(line[: len(segment.text.split())] == segment.text.split() for line in lines)

    assert str(tmp_path / "val00000.dvsa.png") in text
    assert str(tmp_path / "dvsa-report.html") in text


def test_photographs_with_one_name_get_two_pictures(toy_bundle: Path, scene: Path, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    other = shutil.copy(scene, tmp_path / "a")
    said = answer("describe", scene, other, scene, "--bundle", toy_bundle, "--out", tmp_path)
    names = [Path(photograph["overlay"]).name for photograph in said["photographs"]]
    assert names == ["val00000.dvsa.png", "val00000-2.dvsa.png", "val00000-3.dvsa.png"]
    assert all((tmp_path / name).is_file() for name in names)


def test_regions_from_a_grid_and_from_a_file(toy_bundle: Path, scene: Path, tmp_path: Path) -> None:
    boxes = tmp_path / "boxes.json"
    boxes.write_text("[[10, 10, 50, 40]]")
    given = answer("align", scene, "a red circle", "--bundle", toy_bundle, "--regions", boxes)
    assert [region["pixels"] for region in given["regions"]] == [[10, 10, 50, 40], [0, 0, 96, 96]]
    grid = answer("align", scene, "a red circle", "--bundle", toy_bundle, "--regions", "grid")
    assert len(grid["regions"]) > 2
    missing = refusal("align", scene, "a", "--bundle", toy_bundle, "--regions", tmp_path / "none.json")
    assert (
        "none.json' is neither a proposer (own, head, coverage, grid, frame) nor an existing file of"
        in missing
    )


def test_names_that_are_not_text_or_look_like_markup(toy_bundle: Path, scene: Path, tmp_path: Path) -> None:
    names = ["[red]x.png", b"caf\xe9.png".decode("utf-8", "surrogateescape"), "été <b>.png"]
    for name in names:
        shutil.copy(scene, tmp_path / name)
    text = output("describe", *(tmp_path / n for n in names), "--bundle", toy_bundle, "--out", tmp_path)
    assert "[red]x.png, 96 x 96 pixels" in text
    assert "caf\\udce9.png, 96 x 96 pixels" in text
    assert "été <b>.png, 96 x 96 pixels" in text


# Bad photographs


def huge_png() -> bytes:
    """A valid black picture of 20,000 by 20,000 pixels in about 50 KB."""
    packer = zlib.compressobj(9)
    row = bytes(1 + 20_000 // 8)
    rows = b"".join(packer.compress(row * 100) for _ in range(200)) + packer.flush()
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 20_000, 20_000, 1, 0, 0, 0, 0)),
        (b"IDAT", rows),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def test_odd_photographs_are_described_and_bad_ones_named(
    toy_bundle: Path, scene: Path, tmp_path: Path
) -> None:
    picture = Image.open(scene).convert("RGB").resize((64, 48))
    turned = Image.Exif()
    turned[0x0112] = 6
    alpha = picture.copy()
    alpha.putalpha(100)
    odd: dict[str, tuple[Image.Image, dict[str, Any]]] = {
        "cmyk.jpg": (picture.convert("CMYK"), {}),
        "deep.png": (Image.new("I;16", (64, 48), 40_000), {}),
        "palette.png": (picture.convert("P"), {}),
        "alpha.png": (alpha, {}),
        "turned.jpg": (picture, {"exif": turned}),
        "moving.gif": (picture, {"save_all": True, "append_images": [Image.new("RGB", (64, 48), "red")]}),
        "dot.png": (Image.new("RGB", (1, 1), "red"), {}),
    }
    for name, (image, options) in odd.items():
        image.save(tmp_path / name, **options)

    bad = {
        "missing.jpg": "no such file",
        "cut.png": "damaged or incomplete",
        "empty.jpg": "empty",
        "letter.jpg": "not a picture",
        "huge.png": "20000 x 20000",
        "folder.jpg": "folder",
    }

    (tmp_path / "cut.png").write_bytes(scene.read_bytes()[:2000])
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "letter.jpg").write_text("Dear photograph,")
    (tmp_path / "huge.png").write_bytes(huge_png())
    (tmp_path / "folder.jpg").mkdir()

    files = [tmp_path / name for pair in zip(odd, [*bad, ""], strict=True) for name in pair if name]
    done = run("describe", *files, "--bundle", toy_bundle, "--out", tmp_path / "out", "--json")
    assert done.exit_code == 2
    said = json.loads(done.stdout)

    assert [Path(p["file"]).name for p in said["photographs"]] == list(odd)
    assert all((tmp_path / "out" / f"{Path(name).stem}.dvsa.png").is_file() for name in odd)
    sizes = {p["photo"]: (p["width"], p["height"]) for p in said["photographs"]}
    assert sizes == dict.fromkeys(odd, (64, 48)) | {"turned.jpg": (48, 64), "dot.png": (1, 1)}

    assert [Path(e["file"]).name for e in said["errors"]] == list(bad)
    for line, error, (name, reason) in zip(
        done.stderr.splitlines(), said["errors"], bad.items(), strict=True
    ):
        assert line == f"dvsa: {error['error']}"
        assert name in line
        assert reason in line


def test_only_bad_photographs_leave_no_report(toy_bundle: Path, tmp_path: Path) -> None:
    line = refusal("describe", tmp_path / "none.jpg", "--bundle", toy_bundle, "--out", tmp_path / "out")
    assert line == f"{tmp_path / 'none.jpg'}: there is no such file: check its path"
    assert list((tmp_path / "out").iterdir()) == []
    assert "none.jpg" in refusal("align", tmp_path / "none.jpg", "a circle", "--bundle", toy_bundle)


# Sentences


def test_align_says_what_the_api_says(toy_bundle: Path, scene: Path) -> None:
    said = answer("align", scene, "A red circle!", "--bundle", toy_bundle, "--beta", 0.5)
    view = dvsa.load(toy_bundle).open(scene)
    wanted = {"regions": [plain(r) for r in view.regions], **plain(view.align("A red circle!", 0.5))}
    assert said == json.loads(json.dumps({"file": str(scene), **wanted}))


def test_beta_of_0_and_of_infinity(toy_bundle: Path, scene: Path) -> None:
    sentence = "a red circle above a blue square"
    apart = answer("align", scene, sentence, "--bundle", toy_bundle, "--beta", 0)
    best = [word["region"] for word in apart["words"]]
    assert len(apart["segments"]) == 1 + sum(a != b for a, b in pairwise(best))
    together = answer("align", scene, sentence, "--bundle", toy_bundle, "--beta", "inf")
    assert together["beta"] == "inf"
    assert [segment["text"] for segment in together["segments"]] == [sentence]
    assert "beta inf" in output("align", scene, sentence, "--bundle", toy_bundle, "--beta", "inf")
    for beta in (-1, "nan", "much"):
        done = run("align", scene, sentence, "--bundle", toy_bundle, "--beta", beta)
        assert done.exit_code == 2
        assert "--beta" in done.stderr


@pytest.mark.parametrize("sentence", ["", " ", "?! …"])
def test_a_sentence_without_words(toy_bundle: Path, scene: Path, tmp_path: Path, sentence: str) -> None:
    assert "no words" in refusal("align", scene, sentence, "--bundle", toy_bundle)
    arguments = ("--sentence", sentence, "--bundle", toy_bundle, "--out", tmp_path)
    assert "no words" in refusal("describe", scene, *arguments)


def test_a_sentence_of_unknown_words(toy_bundle: Path, scene: Path, tmp_path: Path) -> None:
    sentence = "zebras frolic"
    assert "knows no word of the sentence" in output("align", scene, sentence, "--bundle", toy_bundle)
    said = answer("align", scene, sentence, "--bundle", toy_bundle)
    assert said["score"] == 0
    assert said["segments"] == []
    assert [(word["known"], word["region"]) for word in said["words"]] == [(False, None)] * 2
    text = output("describe", scene, "--sentence", sentence, "--bundle", toy_bundle, "--out", tmp_path)
    assert "knows no word of the sentence" in text
    assert "? = weak" not in text


def test_a_weak_word_is_marked_and_an_unknown_one_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    weak, unknown = Word("bird", True, 0, 0.1, False), Word("zorb", False, None, 0.0, False)
    region = Region(0, FRAME, (0, 0, 9, 9), 1.0)
    photographs._show_alignment(
        "", Alignment("bird zorb", 0, 0.1, (weak, unknown), (), ((0.1,), (0.0,))), [region]
    )
    text = capsys.readouterr().out
    lines = [line.split() for line in text.splitlines()]
    assert ["bird", "?", "frame", "0.10", "0", "0", "9", "9"] in lines
    assert ["zorb", "unknown"] in lines
    assert "? = weak: no region matches this word well; the photograph" in text


def test_long_sentences(toy_bundle: Path, scene: Path) -> None:
    said = answer("align", scene, "red circle " * 250, "--bundle", toy_bundle)
    assert len(said["words"]) == 500
    assert said["segments"][-1]["last"] == 499
    assert "501 words" in refusal("align", scene, "red " * 501, "--bundle", toy_bundle)


# Bundles


@pytest.mark.parametrize("name", ["manifest.json", "vocabulary.tsv", "LICENCE.txt", *GRAPHS])
def test_a_damaged_bundle(toy_bundle: Path, scene: Path, tmp_path: Path, name: str) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(toy_bundle, bundle)
    content = bytearray((bundle / name).read_bytes())
    content[len(content) // 2] ^= 0xFF
    (bundle / name).write_bytes(content)
    for command in (("align", scene, "a circle"), ("describe", scene)):
        assert str(bundle / name) in refusal(*command, "--bundle", bundle)
    (bundle / name).unlink()
    assert name in refusal("align", scene, "a circle", "--bundle", bundle)


def test_no_bundle(scene: Path, tmp_path: Path) -> None:
    assert "has no bundle" in refusal("describe", scene, "--bundle", tmp_path)


def test_export_writes_the_bundle_of_a_run(toy_run: Path, toy_bundle: Path, tmp_path: Path) -> None:
    said = answer("export", toy_run, "--out", tmp_path / "bundle", "--name", "shapes")
    manifest = json.loads((tmp_path / "bundle" / "manifest.json").read_text())
    assert said["name"] == manifest["name"] == "shapes"
    assert said["bytes"] == sum(path.stat().st_size for path in (tmp_path / "bundle").iterdir())
    wanted = json.loads((toy_bundle / "manifest.json").read_text())
    assert manifest["files"] == wanted["files"]
    assert "not empty" in refusal("export", toy_run, "--out", tmp_path / "bundle")
    assert "has no run" in refusal("export", tmp_path, "--out", tmp_path / "other")


# Training


def test_train_passes_its_options_on_and_shows_the_figures(
    toy_run: Path, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def fit(recipe: Recipe, data: Dataset, out: Path, options: FitOptions) -> None:
        shutil.copytree(toy_run, out, dirs_exist_ok=True)
        calls.append((recipe, data.root, out, options))

    monkeypatch.setattr(dvsa.learn.runs.fit, "fit", fit)
    vectors = tmp_path / "vectors.txt"
    more = tmp_path / "sentences.txt"
    weights = tmp_path / "vgg16.safetensors"
    told = [
        *("--data", few, "--seed", 3, "--device", "cpu", "--word-vectors", vectors),
        *("--sentences", more, "--from", toy_run),
        *("--backbone", "vgg16", "--backbone-weights", weights),
    ]
    said = answer("train", "paper", "--out", tmp_path / "run", *told)
    options = FitOptions(
        seed=3,
        device="cpu",
        word_vectors=vectors,
        sentences=more,
        earlier=toy_run,
        backbone="vgg16",
        backbone_weights=weights,
        tell=note,
    )
    assert calls.pop() == (RECIPES["paper"](), few, tmp_path / "run", options)
    assert said == {"run": str(tmp_path / "run"), "stages": Run(toy_run).facts}
    shutil.copytree(few, tmp_path / "mine-data")
    text = output("train", "toy", "--out", tmp_path / "mine", "--init", "shipped")
    options = FitOptions(init="shipped", tell=note)
    assert calls.pop() == (RECIPES["toy"](), tmp_path / "mine-data", tmp_path / "mine", options)
    assert f"dvsa export {tmp_path / 'mine'} --out BUNDLE" in text
    for stage, facts in Run(toy_run).facts.items():
        rows = [line.split() for line in text.splitlines() if line.startswith(f"{stage} ")]
        assert [" ".join(row[1:-1]) for row in rows] == [*facts]


@pytest.mark.slow
def test_the_toy_set_is_made_beside_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fit(recipe: Recipe, data: Dataset, out: Path, options: FitOptions) -> None:
        assert len(data.split("train")) == 1200
        raise ValueError("far enough")

    monkeypatch.setattr(dvsa.learn.runs.fit, "fit", fit)
    done = run("train", "toy", "--out", tmp_path / "run")
    data = tmp_path / "run-data"
    assert done.stderr.splitlines() == [f"dvsa: making the toy set in {data}", "dvsa: far enough"]
    assert refusal("train", "toy", "--out", tmp_path / "run") == "far enough"


@pytest.mark.slow
def test_training_that_cannot_begin(toy_data: Path, tmp_path: Path) -> None:
    assert "did you mean 'toy'?" in refusal("train", "tiy", "--out", tmp_path / "run")
    assert "dvsa recipes lists the names" in refusal("train", "--out", tmp_path / "run")
    assert "--set" in refusal("train", "toy", "--set", "beem=3", "--out", tmp_path / "run")
    assert "--data" in refusal("train", "paper", "--out", tmp_path / "run")
    assert "not a folder" in refusal("train", "toy", "--out", tmp_path / "run", "--data", tmp_path / "no")
    arguments = ("--out", tmp_path / "run", "--word-vectors", tmp_path / "vectors.txt")
    assert "vectors.txt" in refusal("train", "toy", *arguments, "--data", toy_data)
    assert "leave out --word-vectors" in refusal("train", "toy", *arguments, "--init", "shipped")
    encoder = ("--out", tmp_path / "run", "--sentence-encoder", tmp_path / "encoder")
    assert "encoder has no model.safetensors" in refusal("train", "toy", *encoder, "--data", toy_data)
    other = ("--out", tmp_path / "run", "--backbone", "vgg")
    assert "did you mean vgg16?" in refusal("train", "toy", *other, "--data", toy_data)
    assert "leave out --backbone" in refusal("train", "toy", *other, "--init", "shipped")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", [["train", "toy"], ["export", "run"]])
def test_without_torch_one_line_says_what_to_install(command: list[str], tmp_path: Path) -> None:
    code = "import sys; sys.modules['torch'] = None; from dvsa.cli import app; app()"
    arguments = [sys.executable, "-c", code, *command, "--out", str(tmp_path / "out")]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "dvsa: this command needs torch: pip install 'dvsa[train]'\n"


# Data


def test_the_toy_set_is_sound(tmp_path: Path) -> None:
    sizes = ("--train", 4, "--val", 2, "--test", 1)
    assert answer("data", "toy", tmp_path, *sizes)["scenes"] == {"train": 4, "val": 2, "test": 1}
    said = answer("data", "check", tmp_path)
    assert said["ok"]
    assert {split: count["photographs"] for split, count in said["counts"].items()} == {
        "train": 4,
        "val": 2,
        "test": 1,
    }
    assert "No harmful faults" in output("data", "check", tmp_path)


def test_faults_of_a_data_set_are_named(few: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(few, data)
    (data / "images" / "val00003.png").unlink()
    (data / "images" / "val00004.png").write_bytes(b"")

    done = run("data", "check", data)
    assert done.exit_code == 1
    assert "no photograph: 1\n  val00003.png: " in done.stdout
    assert "broken photograph: 1\n  val00004.png: " in done.stdout

    done = run("data", "check", data, "--json")
    assert done.exit_code == 1
    said = json.loads(done.stdout)
    assert not said["ok"]
    assert {(p["kind"], p["name"]) for p in said["problems"]} == {
        ("no photograph", "val00003.png"),
        ("broken photograph", "val00004.png"),
    }

    fast = run("data", "check", data, "--no-decode", "--json")
    assert [p["kind"] for p in json.loads(fast.stdout)["problems"]] == ["no photograph"]


def test_many_faults_of_a_kind_are_cut_short(few: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(few, data)
    for n in range(8):
        (data / "images" / f"val{n:05d}.png").write_bytes(b"")
    assert "… and 3 more" in run("data", "check", data).stdout


def test_regions_of_a_data_set_are_checked(few: Path, tmp_path: Path) -> None:
    names = [example.name for example in load(few).examples]
    boxes = {
        name: {"boxes": [[0, 0, 9, 9]] * (1 + k), "width": 9, "height": 9} for k, name in enumerate(names)
    }
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps({**boxes, "other.jpg": [[0, 0, 9, 9]]}))

    printed = output("data", "check", few, "--regions", path)
    each = f"1 to {len(names)} regions each, {(1 + len(names)) / 2:.1f} on average"
    assert f"{path}: boxes\n  {len(names)} photographs with {each}\n" in printed
    assert "  1 more photographs that are not in the data set\n" in printed
    said = answer("data", "check", few, "--regions", path)["regions"]
    assert (said["features"], said["boxed"], said["unused"]) == (0, True, 1)
    assert answer("data", "check", few)["regions"] is None

    del boxes[names[0]]
    boxes[names[1]]["boxes"] = [[9, 0, 0, 9]]
    path.write_text(json.dumps(boxes))
    done = run("data", "check", few, "--regions", path)
    assert done.exit_code == 1
    assert f"no regions: 1\n  {names[0]}: not in {path}" in done.stdout
    assert f"broken regions: 1\n  {names[1]}: {path}: {names[1]}: row 0 (from 0)" in done.stdout
    assert "no-such is missing" in refusal("data", "check", few, "--regions", tmp_path / "no-such")


@pytest.mark.parametrize("command", [("data", "check"), ("evaluate", "ranking", "--data")])
def test_a_data_set_with_missing_parts_is_refused(
    command: tuple[str, ...], few: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    assert str(data) in refusal(*command, data)
    shutil.copytree(few, data)
    assert str(tmp_path / "no") in refusal(*command, data, "--entities", tmp_path / "no")
    shutil.rmtree(data / "entities" / "Sentences")
    assert "Sentences" in refusal(*command, data)
    shutil.rmtree(data / "entities")
    shutil.rmtree(data / "images")
    assert f"{data} has no photographs" in refusal(*command, data)


# Evaluating

CUSTOM = "--allow-custom-split"


def test_a_run_scores_what_the_api_says_and_keeps_it(few: Path, toy_run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(toy_run, folder)
    done = run("evaluate", "ranking", "--data", few, "--run", folder, CUSTOM, "--json")
    wanted = evaluation.ranking(torch_model(Run(folder)), load(few).split("val"))
    assert json.loads(done.stdout) == wanted.report.to_json()
    kept = folder / "evaluation"
    assert sorted(path.name for path in kept.iterdir()) == ["ranking.val.json", "ranking.val.npz"]
    named = wanted.report.with_settings(data="toy")  # a kept report says of which data it is
    assert json.loads((kept / "ranking.val.json").read_text()) == named.to_json()
    assert (kept / "ranking.val.npz").read_bytes() == wanted.evidence.content()
    both = ("--run", folder, "--bundle", folder, CUSTOM)
    assert "not both" in refusal("evaluate", "ranking", "--data", few, *both)


def test_a_bundles_figures_are_written_to_the_given_folder(
    few: Path, toy_bundle: Path, tmp_path: Path
) -> None:
    told = ("--data", few, "--bundle", toy_bundle, CUSTOM, "--first", 3, "--beta", "inf")
    before = sorted(few.rglob("*"))
    said = answer("evaluate", "grounding", *told)
    out = tmp_path / "new" / "folder"
    assert answer("evaluate", "grounding", *told, "--out", out) == said
    assert said["settings"]["beta"] == "inf"
    assert said["photos"] == 3
    assert sorted(path.name for path in out.iterdir()) == ["grounding.val.3.json", "grounding.val.3.npz"]
    assert sorted(few.rglob("*")) == before


@pytest.mark.parametrize("task", ["captions", "regions"])
def test_figures_of_what_is_written(
    task: str, few: Path, toy_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")  # without Java, which METEOR would take seconds to start
    told = ("--data", few, "--split", "test", "--bundle", toy_bundle, CUSTOM)
    said = answer("evaluate", task, *told, "--beam", 2, "--length-power", 0.5)
    assert {"BLEU-1", "BLEU-4", "BLEU-1 no BP", "ROUGE-L", "CIDEr", "ci95"} <= said.keys()
    assert said["METEOR"] is None
    assert (said["settings"]["beam"], said["settings"]["length_power"]) == (2, 0.5)


@pytest.mark.parametrize("task", ["grounding", "ranking"])
def test_figures_are_printed_as_tables_of_other_programs(task: str, few: Path, toy_bundle: Path) -> None:
    told = ("--data", few, "--bundle", toy_bundle, CUSTOM)
    wanted = Report.from_json(answer("evaluate", task, *told))
    assert output("evaluate", task, *told, "--csv") == csv_table(wanted)
    assert output("evaluate", task, *told, "--latex") == latex_table(wanted)


def test_a_report_has_one_form(tmp_path: Path) -> None:
    for task in TASKS:
        for two in (("--csv", "--latex"), ("--json", "--csv")):
            assert "give one of them" in refusal("evaluate", task.__name__, "--data", tmp_path, *two)


def test_a_task_has_its_own_options(few: Path) -> None:
    for task, option in (("ranking", "--beam"), ("grounding", "--beam"), ("captions", "--beta")):
        done = run("evaluate", task, "--data", few, option, 1)
        assert done.exit_code == 2
        assert f"No such option: {option}" in done.stderr


def test_figures_are_printed_with_their_intervals(few: Path, toy_bundle: Path) -> None:
    told = ("--data", few, "--bundle", toy_bundle, CUSTOM)
    said = answer("evaluate", "grounding", *told)
    assert {"R@1 IoU0.5", "pointing", "phrases"} <= said.keys()
    low, high = said["ci95"]["pointing"]
    lines = output("evaluate", "grounding", *told).splitlines()
    wanted = ["pointing", f"{said['pointing']:.1f}", f"{low:.1f}", "–", f"{high:.1f}"]
    assert wanted in [line.split() for line in lines]
    assert any(line.startswith("settings: proposer head") for line in lines)


@pytest.mark.parametrize("task", [task.__name__ for task in TASKS])
def test_the_protocol_is_kept_before_any_work(
    task: str, few: Path, toy_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(evaluation, task, work)
    told = ("evaluate", task, "--data", few, "--bundle", toy_bundle, "--out", tmp_path / "out")
    assert "not one of the data sets with a protocol" in refusal(*told)
    assert "known by its name" in refusal(*told, CUSTOM, "--split", "train")
    assert not (tmp_path / "out").exists()


def test_an_unknown_split(few: Path, toy_bundle: Path) -> None:
    line = refusal("evaluate", "captions", "--data", few, "--split", "exam", "--bundle", toy_bundle)
    assert "no split 'exam'" in line
    assert "'val'" in line


# Data sets


def test_a_data_set_is_counted_drawn_divided_and_converted(tmp_path: Path) -> None:
    data = tmp_path / "data"
    output("data", "toy", data, "--train", "8", "--val", "2", "--test", "2")
    found = answer("data", "stats", data)
    assert {split: n["photographs"] for split, n in found["splits"].items()} == {
        "train": 8,
        "val": 2,
        "test": 2,
    }
    text = output("data", "stats", data)
    assert [line.split() for line in text.splitlines() if line.startswith("photographs")] == [
        ["photographs", "8", "2", "2"]
    ]

    output("data", "sample", data, "--count", "3", "--out", tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text("utf-8").count("<article>") == 3

    made = answer("data", "split", data, "--val", "3", "--test", "0.25", "--out", tmp_path / "new")
    assert made["photographs"] == {"train": 6, "val": 3, "test": 3}
    assert answer("data", "check", tmp_path / "new")["ok"]
    answer("data", "convert", tmp_path / "new", "--to", "webdataset", "--out", tmp_path / "shards")
    assert answer("data", "check", tmp_path / "shards")["layout"] == "WebDataset"
    assert "shards exists: name a new folder" in refusal(
        "data", "convert", data, "--out", tmp_path / "shards"
    )
    assert "choose csv" in refusal("data", "convert", data, "--to", "zip", "--out", tmp_path / "zip")


# Scoring and comparing

REFERENCES = {"2": ["a dog runs over grass", "the dog"], "x": ["one cat sits"], "1": ["two birds fly away"]}


def test_score_says_what_the_api_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    refs, lines, results = (tmp_path / name for name in ("refs.json", "hyps.txt", "hyps.json"))
    said = {"2": "a dog runs", "x": "one cat", "1": "birds fly"}
    refs.write_text(json.dumps(REFERENCES))
    lines.write_text("\n".join(said.values()))
    results.write_text(json.dumps([{"image_id": photo, "caption": text} for photo, text in said.items()]))
    wanted = score(REFERENCES, said).report().to_json()

    done = run("score", refs, lines, "--json")
    assert json.loads(done.stdout) == json.loads(json.dumps(wanted))
    assert done.stderr.startswith("dvsa: METEOR needs Java: install a JRE")
    assert json.loads(done.stdout)["METEOR"] is None

    quiet = score(REFERENCES, said, with_meteor=False).report().to_json()
    assert answer("score", refs, results, "--no-meteor") == json.loads(json.dumps(quiet))

    text = [line.split() for line in output("score", refs, results, "--no-meteor").splitlines()]
    assert ["METEOR", "missing"] in text
    assert any(line[:3] == ["BLEU-1", "no", "BP"] for line in text)


def test_score_reads_tables_and_prints_tables(tmp_path: Path) -> None:
    refs, hyps = tmp_path / "refs.json", tmp_path / "hyps.jsonl"
    refs.write_text(json.dumps(REFERENCES))
    said = {"1": "birds fly", "x": "one cat", "2": "a dog runs"}
    hyps.write_text("".join(json.dumps({"image_id": k, "caption": c}) + "\n" for k, c in said.items()))
    wanted = score(REFERENCES, said, with_meteor=False).report()

    done = run("score", refs, hyps, "--no-meteor")
    assert "CIDEr over 3 photographs means little" in done.stderr
    assert all(signature in done.stdout for signature in wanted.signatures.values())
    assert output("score", refs, hyps, "--no-meteor", "--csv") == csv_table(wanted)
    assert output("score", refs, hyps, "--no-meteor", "--latex") == latex_table(wanted)
    assert "give one of them" in refusal("score", refs, hyps, "--csv", "--latex")


def test_files_that_do_not_match_are_one_line(tmp_path: Path) -> None:
    refs, hyps = tmp_path / "refs.json", tmp_path / "hyps.txt"
    assert str(refs) in refusal("score", refs, hyps)
    refs.write_text(json.dumps(REFERENCES))
    assert str(hyps) in refusal("score", refs, hyps)
    hyps.write_text("a dog")
    assert "hyps.txt has 1 lines for 3 photographs" in refusal("score", refs, hyps)


def grounded(folder: Path, name: str, *found: bool) -> Path:
    """A folder with the evidence of a grounding task."""
    folder.mkdir(exist_ok=True)
    arrays = {"owner_N": np.arange(len(found)), "pointing": np.array(found)}
    photos = tuple(f"{n}.jpg" for n in range(len(found)))
    (folder / f"{name}.npz").write_bytes(evaluation.Evidence("grounding", photos, arrays).content())
    return folder


def test_compare_says_which_differences_are_real(tmp_path: Path) -> None:
    good, poor = tmp_path / "good", tmp_path / "poor"
    for name, share in (("grounding.val", 30), ("grounding.test", 3)):
        grounded(good, name, *[True] * share, *[False] * (60 - share))
        grounded(poor, name, *[False] * 60)
    grounded(grounded(good, "other.val", True), "grounding.val", *[True] * 30, *[False] * 30)

    done = run("compare", good, poor, "--json")
    assert done.stderr == f"dvsa: other.val is only in {good}\n"
    said = json.loads(done.stdout)
    assert (said["a"], said["b"]) == (str(good), str(poor))

    for name, report in said["evaluations"].items():
        ours, theirs = (evaluation.Evidence.read(folder / f"{name}.npz") for folder in (good, poor))
        assert report == json.loads(json.dumps(evaluation.compare(ours, theirs).to_json()))

    row = said["evaluations"]["grounding.val"]["figures"]["pointing"]
    assert (row["a"], row["b"], row["difference"], row["real"]) == (50, 0, 50, True)

    text = [line.split() for line in output("compare", good, poor).splitlines()]
    low, high = (f"{end:.1f}" for end in row["ci95"])
    assert ["pointing", "50.0", "0.0", "50.0", low, "–", high, "yes"] in text
    same = [line.split() for line in output("compare", good, good).splitlines()]
    assert ["pointing", "50.0", "50.0", "0.0", "0.0", "–", "0.0", "no"] in same


def test_an_impossible_comparison_is_one_line(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "a", tmp_path / "b"
    assert "a has no evaluations" in refusal("compare", ours, theirs)
    grounded(ours, "grounding.val", True, False)
    grounded(theirs, "grounding.test", True, False)
    assert "evaluate both on one task and split" in refusal("compare", ours, theirs)
    grounded(ours, "grounding.test", True)
    done = run("compare", ours, theirs)
    assert done.exit_code == 2
    assert "grounding.test: photograph 2 is none in one and 1.jpg in the other" in done.stderr
    (theirs / "grounding.test.npz").write_bytes(b"figures")
    assert "grounding.test.npz has no evidence" in run("compare", ours, theirs).stderr


# The command line itself


def test_ctrl_c_is_one_line_and_130(scene: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(dvsa, "load", interrupt)
    assert refusal("align", scene, "a circle", code=130) == "interrupted"


def test_a_file_that_cannot_be_written_is_one_line(toy_bundle: Path, scene: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    line = refusal("describe", scene, "--bundle", toy_bundle, "--out", tmp_path / "file")
    assert str(tmp_path / "file") in line


def test_the_installed_command(toy_bundle: Path, scene: Path, tmp_path: Path) -> None:
    script, missing = Path(sys.executable).with_name("dvsa"), tmp_path / "none.png"
    arguments: list[str | Path] = [script, "describe", scene, missing, "--bundle", toy_bundle, "--json"]
    arguments += ["--out", "told"]
    environment = {"LC_ALL": "C", "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        arguments, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 2
    assert done.stderr == f"dvsa: {missing}: there is no such file: check its path\n"
    (photograph,) = json.loads(done.stdout)["photographs"]
    assert photograph["caption"]["text"] == dvsa.load(toy_bundle).open(scene).caption().text
    assert (tmp_path / "told" / "val00000.dvsa.png").is_file()
    assert (tmp_path / "told" / describing.REPORT).is_file()


def commands(group: TyperGroup, *names: str) -> Iterator[list[str]]:
    """The words of every command."""
    for name, command in group.commands.items():
        if command.hidden:
            continue  # an earlier name
        if isinstance(command, TyperGroup):
            yield from commands(command, *names, name)
        else:
            yield [*names, name]


COMMANDS = list(commands(cast(TyperGroup, typer.main.get_command(app))))
PRINTS_LITTLE = (["index", "remove"], ["index", "compact"], ["serve"])
"""Commands that print no figures, and have no `--json`."""


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_has_an_example_and_json(command: list[str]) -> None:
    text = output(*command, "--help")
    assert f"Example: dvsa {' '.join(command)}" in text
    assert ("--json" in text) == (command not in PRINTS_LITTLE)


def test_recipes_are_listed_and_printed() -> None:
    text = output("recipes")
    assert all(recipe in text for recipe in RECIPES)
    assert {*answer("recipes")} == {*RECIPES}
    assert recipe_from_json(json.loads(output("recipes", "best"))) == RECIPES["best"]()
    assert "did you mean 'modern'?" in refusal("recipes", "moderm")


def test_runs_are_compared(toy_run: Path, tmp_path: Path) -> None:
    text = output("runs", toy_run, toy_run, "--out", tmp_path / "runs.png")
    assert "align" in text
    assert (tmp_path / "runs.png").read_bytes().startswith(b"\x89PNG")
    first, second = answer("runs", toy_run, toy_run)
    assert first == second
    assert (first["run"], first["different"]) == (str(toy_run), {})
    assert first["stages"]["align"]["epochs"] == Run(toy_run).recipe.stages[1].train.epochs
    assert "has no run" in refusal("runs", tmp_path)


def test_a_recipe_from_a_file_is_trained_with_settings(
    few: Path, toy_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = []

    def fit(recipe: Recipe, data: Dataset, out: Path, options: FitOptions) -> None:
        trained.append(recipe)
        shutil.copytree(toy_run, out, dirs_exist_ok=True)

    monkeypatch.setattr(dvsa.learn.runs.fit, "fit", fit)
    mine = tmp_path / "mine.json"
    mine.write_text(output("recipes", "toy").replace('"beam": 3', '"beam": 4'))
    told = ("--data", few, "--set", "train.epochs=1", "--set", "vision.dropout=0.5")
    answer("train", "--recipe", mine, "--out", tmp_path / "run", *told)
    (recipe,) = trained
    assert (recipe.beam, recipe.vision.dropout) == (4, 0.5)
    assert {stage.train.epochs for stage in recipe.stages} == {1}
    assert "not both" in refusal("train", "toy", "--recipe", mine, "--out", tmp_path / "other")


def test_the_reference_is_up_to_date(tmp_path: Path) -> None:
    made = tmp_path / "cli.md"
    command = [sys.executable, "-m", "typer", "dvsa.cli", "utils", "docs", "--name", "dvsa"]
    subprocess.run([*command, "--output", str(made)], capture_output=True, check=True)
    assert (ROOT / "docs" / "cli.md").read_text("utf-8") == made.read_text("utf-8"), "run: make docs"


def test_control_characters_of_a_name_are_shown_and_not_sent(tmp_path: Path) -> None:
    wild = tmp_path / "a\x1b]0;title\x07\x1b[2J\u202e.jpg"
    broken = tmp_path / "b\x1b[31m\n.jpg"
    shutil.copy(ROOT / "examples" / "cat.jpg", wild)
    broken.write_bytes(b"no photograph")
    done = CliRunner().invoke(app, ["describe", str(wild), str(broken), "--out", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert "a\\x1b]0;title\\x07\\x1b[2J\\u202e.jpg" in done.stdout
    assert "b\\x1b[31m" in done.stderr
    assert not {"\x1b", "\x07", "\u202e"} & {*done.output, *done.stderr}
