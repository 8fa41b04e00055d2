import hashlib
import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import dvsa
from dvsa.cli import app
from dvsa.doctor import TOLERANCE, Check, examine, probe, probe_photo


def bundle_with(original: Path, folder: Path, **changes: object) -> Path:
    """A copy of a bundle with other values in its manifest."""
    shutil.copytree(original, folder)
    manifest = json.loads((original / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | changes))
    return folder


def failures(checks: tuple[Check, ...]) -> list[str]:
    return [check.name for check in checks if not check.ok]


def test_a_valid_bundle(toy_bundle: Path) -> None:
    found = {check.name: check for check in examine(toy_bundle)}
    assert all(check.ok for check in found.values())
    assert found["numpy"].detail == np.__version__
    assert found["dvsa"].detail == dvsa.__version__
    assert found["digest"].detail == hashlib.sha256((toy_bundle / "manifest.json").read_bytes()).hexdigest()


def test_the_probe_picture_is_the_same_everywhere() -> None:
    photo = probe_photo()
    assert photo.image.size == (photo.width, photo.height)
    digest = hashlib.sha256(photo.image.tobytes()).hexdigest()
    assert digest == "eb8a37ac06f27a3b64e2579cad3b4bda945948b7283e0bae5c9078a51c8b0636"


def test_the_probe_holds_a_caption_and_a_score(toy_bundle: Path) -> None:
    model = dvsa.load(toy_bundle)
    view = model.open(probe_photo())
    found = probe(model)
    assert found.caption == view.caption().text
    wanted = view.align(" ".join(model.bundle.vocabulary.words[:10])).score
    assert found.score == pytest.approx(wanted, rel=1e-5)


def test_results_that_differ_from_the_recorded_ones_fail(toy_bundle: Path, tmp_path: Path) -> None:
    truth = probe(dvsa.load(toy_bundle))
    room = TOLERANCE * max(1.0, abs(truth.score))
    near = bundle_with(toy_bundle, tmp_path / "near", probe=asdict(truth) | {"score": truth.score + room / 2})
    assert failures(examine(near)) == []
    far = bundle_with(toy_bundle, tmp_path / "far", probe=asdict(truth) | {"score": truth.score + 2 * room})
    assert failures(examine(far)) == ["known picture"]
    other = bundle_with(toy_bundle, tmp_path / "other", probe=asdict(truth) | {"caption": "a dog"})
    assert failures(examine(other)) == ["known picture"]
    assert "recorded was 'a dog'" in examine(other)[-1].detail


def test_a_bundle_without_a_recorded_result(toy_bundle: Path, tmp_path: Path) -> None:
    bundle = bundle_with(toy_bundle, tmp_path / "old")
    manifest = json.loads((bundle / "manifest.json").read_text())
    del manifest["probe"]
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    assert failures(examine(bundle)) == ["known picture"]


def test_a_model_without_a_captioner_is_probed_by_its_score(toy_bundle: Path, tmp_path: Path) -> None:
    found = probe(dvsa.load(bundle_with(toy_bundle, tmp_path / "mute", voices={})))
    assert found == replace(probe(dvsa.load(toy_bundle)), caption="")


@pytest.mark.parametrize("name", ["look.onnx", "vocabulary.tsv"])
def test_a_damaged_bundle_is_reported_with_the_versions(toy_bundle: Path, tmp_path: Path, name: str) -> None:
    bundle = bundle_with(toy_bundle, tmp_path / "damaged")
    content = bytearray((bundle / name).read_bytes())
    content[-1] ^= 1
    (bundle / name).write_bytes(content)
    assert failures(examine(bundle)) == ["bundle"]
    done = CliRunner().invoke(app, ["doctor", "--bundle", str(bundle), "--json"])
    assert done.exit_code == 2
    said = json.loads(done.stdout)
    assert not said["ok"]
    assert str(bundle / name) in said["checks"][-1]["detail"]
    assert {"name": "numpy", "ok": True, "detail": np.__version__} in said["checks"]


def test_the_command_prints_what_was_found(toy_bundle: Path) -> None:
    done = CliRunner().invoke(app, ["doctor", "--bundle", str(toy_bundle)], env={"COLUMNS": "200"})
    assert done.exit_code == 0
    assert "All is well." in done.stdout
    assert all(check.detail in done.stdout for check in examine(toy_bundle))
