"""Bundles: every graph agrees with its network at any size, and damaged files are found."""

import json
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from dvsa.bundle import Bundle
from dvsa.card import CARD
from dvsa.data import load
from dvsa.data.exposure import PHOTOS_FILE, content_digest, name_digest
from dvsa.learn.runs.onnx_file import as_stored
from dvsa.learn.runs.run import Run
from dvsa.learn.runs.warm_start import WarmStart
from dvsa.learn.ship import export
from dvsa.learn.ship.export import reports
from dvsa.manifest import BundleError, Voice
from dvsa.metrics.figures import Figure, Report
from dvsa.text import FIRST_WORD, START, START_PHRASE, pad

TOLERANCE = 1e-3


def assert_agree(found: Sequence[np.ndarray], wanted: Sequence[Tensor], case: object) -> None:
    for number, (array, tensor) in enumerate(zip(found, wanted, strict=True)):
        assert array.shape == tensor.shape, (case, number)
        difference = np.abs(array - tensor.numpy()).max(initial=0)
        assert difference <= TOLERANCE, f"output {number} is {difference:.1e} off, case {case}"


def pictures(count: int, size: int) -> Tensor:
    """Smooth patches of colour: unlike noise, they use the whole range of a backbone, as photographs do."""
    small_BCHW = torch.randint(0, 256, (count, 3, 6, 6)).float()
    large_BCHW = nn.functional.interpolate(small_BCHW, (size, size), mode="bicubic").clamp(0, 255)
    return large_BCHW.permute(0, 2, 3, 1).to(torch.uint8).contiguous()


def draw_boxes(count: int, regions: int) -> Tensor:
    low, size = 0.7 * torch.rand(count, regions, 2), 0.05 + 0.25 * torch.rand(count, regions, 2)
    return torch.cat([low, low + size], -1)


@torch.no_grad()
def test_the_networks_can_be_restored_from_a_bundle(exported: tuple[Run, Bundle]) -> None:
    run, bundle = exported
    original = as_stored(run.joint_model())
    restored = WarmStart(str(bundle.folder)).joint_model(bundle.vocabulary).eval()
    torch.manual_seed(1)
    pixels, ids = pictures(2, original.vision.size), torch.randint(FIRST_WORD, len(bundle.vocabulary), (3, 7))
    real = torch.ones_like(ids, dtype=torch.bool)
    found, wanted = ([*net.vision.look(pixels), net.sentence(ids, real)] for net in (restored, original))
    assert_agree([t.numpy() for t in found], wanted, "networks")


def test_a_bundle_has_a_card_with_the_reports_of_its_run(
    exported: tuple[Run, Bundle], tmp_path: Path
) -> None:
    run, bundle = exported
    text = (bundle.folder / CARD).read_text()
    assert f"# {bundle.manifest.name}" in text
    assert CARD not in bundle.manifest.files

    # A card can be edited, and the bundle stays whole.
    (bundle.folder / CARD).write_text(text + "More.")
    assert Bundle.open(bundle.folder).digest == bundle.digest

    # The reports beside a run; a damaged one is named.
    copy = Run(Path(shutil.copytree(run.folder, tmp_path / "run")))
    (copy.folder / "evaluation").mkdir(exist_ok=True)
    report = Report({"R@1": Figure(42.4)}, settings={"data": "flickr8k"})
    place = copy.folder / "evaluation" / "ranking.val.json"
    place.write_text(json.dumps(report.to_json()))
    assert reports(copy)["ranking.val"] == report
    for damage in ("{", "[]", '{"R@1": "high"}'):
        place.write_text(damage)
        with pytest.raises(ValueError, match=r"ranking\.val\.json is no report"):
            reports(copy)


@torch.no_grad()
def test_the_bundles_regions_equal_the_runs(exported: tuple[Run, Bundle]) -> None:
    run, bundle = exported
    vision = as_stored(run.joint_model()).vision
    torch.manual_seed(1)
    for count in (1, 3):
        pixels = pictures(count, vision.size)
        fine, coarse, logit_BN, box_BN4 = vision.look(pixels)
        found = bundle.graphs.run("look", {"pixels": pixels.numpy()})
        assert_agree(found, (fine, coarse, logit_BN.sigmoid(), box_BN4), f"{count} photographs")

        for regions in (*range(1, 6), 20):
            box_BI4 = draw_boxes(count, regions)
            shown_BIC = vision.crops(pixels, box_BI4)
            given = {"fine": fine, "coarse": coarse, "boxes": box_BI4, "shown": shown_BIC}
            inputs = {name: given[name] for name in bundle.graphs.inputs("encode")}
            found = bundle.graphs.run(
                "encode", {name: t.numpy() for name, t in inputs.items() if t is not None}
            )
            wanted = vision.encode((fine, coarse), shown_BIC, box_BI4)
            assert_agree(found, wanted, f"{count} photographs, {regions} regions")


@torch.no_grad()
def test_the_bundles_crops_show_what_the_runs_show(exported: tuple[Run, Bundle]) -> None:
    run, bundle = exported
    vision = as_stored(run.joint_model()).vision
    if not vision.cfg.by_crops:
        assert not (bundle.folder / "crop.onnx").exists()
        return
    for count in (1, 3):
        crops = pictures(count, vision.crop_size)
        found = bundle.graphs.run("crop", {"crops": crops.numpy()})
        assert_agree(found, (vision.describe_crops(crops[None])[0],), f"{count} crops")


@torch.no_grad()
def test_the_bundles_word_vectors_equal_the_runs(exported: tuple[Run, Bundle]) -> None:
    run, bundle = exported
    encoder = as_stored(run.joint_model()).sentence
    rng = np.random.default_rng(1)
    for longest in range(1, 31):
        lengths = [longest, *rng.integers(0, longest + 1, longest % 4)]
        ids = [rng.integers(FIRST_WORD, len(run.vocabulary), n).tolist() for n in lengths]
        ids_LT, real_LT = pad(ids)
        found = bundle.graphs.run("sentence", {"ids": ids_LT, "real": real_LT})
        wanted = encoder(torch.from_numpy(ids_LT), torch.from_numpy(real_LT))
        assert_agree(found, (wanted,), f"lengths {lengths}")


@torch.no_grad()
def test_captions_agree_word_by_word(exported: tuple[Run, Bundle]) -> None:
    run, bundle = exported
    features = run.joint_model().vision.features
    assert {*run.captioners()} == {*bundle.manifest.voices} == {"frame", "region"}
    for subject, (stage, trained) in run.captioners().items():
        voice, net = bundle.manifest.voices[subject], as_stored(trained)
        assert voice == Voice(stage, START if subject == "frame" else START_PHRASE)

        for regions in range(1, 21):
            # The first state.
            count = 1 + regions % 3
            torch.manual_seed(regions)
            feature_BIF = torch.rand(count, regions, features)
            focus_B = torch.randint(0, regions, (count,))
            state = net.start(feature_BIF, focus_B)
            inputs = {"features": feature_BIF.numpy(), "focus": focus_B.numpy()}
            arrays = bundle.graphs.run(f"{stage}.start", inputs)
            assert_agree(arrays, state, f"start, {regions} regions")

            # Three words, the first fixed and two at random.
            names = bundle.graphs.inputs(f"{stage}.step")
            token_B = torch.full((count,), voice.start)
            for step in range(3):
                logit_BV, state = net.step(token_B, state)
                logp_BV, *arrays = bundle.graphs.run(
                    f"{stage}.step", dict(zip(names, (token_B.numpy(), *arrays), strict=True))
                )
                wanted = (logit_BV.log_softmax(-1), *state)
                assert_agree([logp_BV, *arrays], wanted, f"step {step}, {regions} regions")
                token_B = torch.randint(FIRST_WORD, len(run.vocabulary), (count,))


@torch.no_grad()
def test_features_hardly_change_in_half_precision(exported: tuple[Run, Bundle]) -> None:
    model = exported[0].joint_model()
    before = {name: t.clone() for name, t in model.state_dict().items()}
    stored = as_stored(model)
    assert not stored.training
    assert all(torch.equal(t, before[name]) for name, t in model.state_dict().items())  # it is a copy
    for name, tensor in stored.state_dict().items():
        table = name == "sentence.words.weight"  # its rows have scales
        assert table or not tensor.is_floating_point() or torch.equal(tensor, tensor.half().float())

    torch.manual_seed(0)
    pixels, box_BI4 = pictures(2, model.vision.size), draw_boxes(2, 5)
    feature_BIF, rounded_BIF = (
        net.vision.encode(net.vision.look(pixels).maps, net.vision.crops(pixels, box_BI4), box_BI4)[0]
        for net in (model, stored)
    )
    assert (feature_BIF - rounded_BIF).norm() < 0.02 * feature_BIF.norm()


def test_a_bundle_is_small_and_its_manifest_describes_it(exported: tuple[Run, Bundle]) -> None:
    run, bundle = exported
    files = {path.name: path for path in bundle.folder.iterdir()}
    assert sum(path.stat().st_size for path in files.values()) < 60e6
    assert {*bundle.manifest.files} == {*files} - {"manifest.json", "README.md"}
    assert {"look.onnx", "encode.onnx", "sentence.onnx", "vocabulary.tsv", "LICENCE.txt"} < {*files}

    # The manifest.
    assert bundle.vocabulary == run.vocabulary
    assert bundle.manifest.size == run.joint_model().vision.size
    assert bundle.manifest.training == {"config": run.config, "validation": run.facts}
    for name in ("embedding", "proposer", "nms", "sharpness", "score", "beta", "beam", "length_power"):
        source = run.recipe.vision if name == "embedding" else run.recipe
        assert getattr(bundle.manifest, name) == getattr(source, name)

    # Everybody may read the files.
    assert stat.S_IMODE(bundle.folder.stat().st_mode) == 0o755
    assert {stat.S_IMODE(path.stat().st_mode) for path in files.values()} == {0o644}


@pytest.mark.parametrize("name", ["look.onnx", "vocabulary.tsv", "caption.step.onnx", "LICENCE.txt"])
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_a_damaged_file_is_named(toy_bundle: Path, tmp_path: Path, name: str, damage: str) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir()
    for path in toy_bundle.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())

    content = bytearray((folder / name).read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content[:-1] if damage == "cut" else content)
    if damage == "remove":
        (folder / name).unlink()

    with pytest.raises(BundleError, match=rf"{name} is {'missing' if damage == 'remove' else 'damaged'}"):
        Bundle.open(folder)


def test_a_folder_with_files_is_refused(toy_run: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="is not empty"):
        export.export(Run(toy_run), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_an_interrupted_export_leaves_nothing(
    toy_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(export, "_write_captioner", interrupted)
    with pytest.raises(KeyboardInterrupt):
        export.export(Run(toy_run), tmp_path / "bundle")
    assert not list(tmp_path.iterdir())


def test_a_bundle_may_have_another_name_and_an_empty_folder(toy_run: Path, tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    out = export.export(Run(toy_run), tmp_path / "bundle", name="shapes")
    assert out == tmp_path / "bundle"
    assert Bundle.open(out).manifest.name == "shapes"


def test_a_bundle_lists_the_photographs_that_its_run_has_seen(
    toy_run: Path, toy_bundle: Path, toy_data: Path, tmp_path: Path
) -> None:
    known, toy = Bundle.open(toy_bundle).seen(), load(toy_data)
    assert known is not None
    for split in ("train", "val"):
        for example in toy.split(split):
            assert known.names[name_digest(example.name)] == split
            assert known.contents[content_digest(example)] == split
    assert len(known.names) == len(toy.split("train")) + len(toy.split("val"))

    # Runs of earlier versions have no list, so their bundles have none.
    old = tmp_path / "run"
    shutil.copytree(toy_run, old, ignore=shutil.ignore_patterns(PHOTOS_FILE))
    assert Bundle.open(export.export(Run(old), tmp_path / "bundle")).seen() is None


def test_the_classes_of_a_bundle_are_those_of_the_classifier(tmp_path: Path) -> None:
    torch.manual_seed(0)
    weight_CF, bias_C, feature_BIF = torch.randn(1000, 8), torch.randn(1000), torch.randn(3, 4, 12)
    backbone = SimpleNamespace(imagenet_classifier=lambda: (weight_CF, bias_C))
    export._write_classes(SimpleNamespace(backbone=backbone, features=12), tmp_path)  # type: ignore[arg-type]

    session = onnxruntime.InferenceSession(tmp_path / "classes.onnx")
    (found,) = session.run(None, {"features": feature_BIF.numpy()})
    wanted = nn.functional.linear(feature_BIF[..., :8], weight_CF, bias_C).softmax(-1)
    assert_agree([found], [wanted], "classes")

    nothing = SimpleNamespace(imagenet_classifier=lambda: None)
    export._write_classes(SimpleNamespace(backbone=nothing, features=12), tmp_path / "none")  # type: ignore[arg-type]
    assert not (tmp_path / "none").exists()
