"""The manifest of a bundle: read, checked and written."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from dvsa.bundle import Bundle, shipped
from dvsa.manifest import MANIFEST, BundleError, BundleManifest, Crops, FileRecord, Voice
from dvsa.verified import verified_content

CONTENT: dict[str, Any] = json.loads((shipped() / MANIFEST).read_text())


def test_the_shipped_manifest_is_written_as_it_is_read() -> None:
    manifest = BundleManifest.load(shipped() / MANIFEST)
    assert json.dumps(manifest.to_json(), indent=1) == (shipped() / MANIFEST).read_text()
    assert manifest.voices == {"frame": Voice("reward", 1), "region": Voice("phrase", 2)}
    assert manifest.files["look.onnx"].bytes == (shipped() / "look.onnx").stat().st_size
    assert manifest.config["data"] == "flickr8k"
    assert manifest.extra == {}


def test_optional_fields_have_defaults_and_unknown_fields_are_kept() -> None:
    old = {
        key: value for key, value in CONTENT.items() if key not in ("sharpness", "rerank", "support", "probe")
    }
    manifest = BundleManifest.from_json(old | {"colour": "red", "training": {}})
    assert (manifest.sharpness, manifest.rerank, manifest.support, manifest.probe) == (0, 0, 0, None)
    assert manifest.config == {}
    written = manifest.to_json()
    assert written["colour"] == "red"
    assert {"probe", "lessons"}.isdisjoint(written)
    assert BundleManifest.from_json(written) == manifest


def test_crops_make_a_manifest_of_format_2() -> None:
    crops = {"size": 260, "context": 0.15, "full_resolution": True}
    manifest = BundleManifest.from_json(CONTENT | {"format": 2, "crops": crops})
    assert manifest.crops == Crops(260, 0.15, True)
    assert BundleManifest.from_json(manifest.to_json()) == manifest
    assert manifest.to_json()["format"] == 2


def test_given_features_make_a_manifest_of_format_2() -> None:
    manifest = BundleManifest.from_json(CONTENT | {"format": 2, "given_features": 2048})
    assert (manifest.given_features, manifest.to_json()["format"]) == (2048, 2)
    assert BundleManifest.from_json(manifest.to_json()) == manifest
    assert "given_features" not in BundleManifest.from_json(CONTENT).to_json()


def test_missing_fields_are_named() -> None:
    optional = {"sharpness", "rerank", "support", "crops", "given_features", "probe", "lessons"}
    optional |= {"support_slope", "familiar", "things", "extra"}
    for name in {field.name for field in fields(BundleManifest)} - optional:
        content = {key: value for key, value in CONTENT.items() if key != name}
        with pytest.raises(BundleError, match=rf"^here/manifest\.json lacks {name}: export"):
            BundleManifest.from_json(content, "here/manifest.json")


@pytest.mark.parametrize(
    "content", [[], "text", None, {}, {**CONTENT, "format": 3}, {**CONTENT, "format": True}]
)
def test_other_formats_are_refused(content: object) -> None:
    with pytest.raises(BundleError, match=r"m\.json is not of format 1 or 2"):
        BundleManifest.from_json(content, "m.json")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": 3}, "name is 3; expected a string"),
        ({"size": "224"}, "size is '224'; expected a whole number"),
        ({"size": True}, "size is True; expected a whole number"),
        ({"beam": -1}, "beam is -1; expected a whole number from 1 to 1,000"),
        ({"beam": 10**30}, "beam is 1000.*; expected a whole number from 1 to 1,000"),
        ({"embedding": 0}, "embedding is 0; expected a whole number from 1"),
        ({"size": 100_000}, "size is 100000; expected a whole number from 1 to 4,096"),
        ({"beta": 10**400}, "beta is 1000.*; expected a finite number"),
        ({"name": "a\x1b[2J"}, r"name is 'a\\x1b\[2J'; expected a string"),
        ({"files": {"../a": {"bytes": 1, "sha256": "0" * 64}}}, "names '../a', which is not a file"),
        ({"files": {"manifest.json": {"bytes": 1, "sha256": "0" * 64}}}, "names 'manifest.json', which"),
        ({"files": {"a": {"bytes": 1, "sha256": "0"}}}, "files.a.sha256 is '0'; expected 64 hex"),
        ({"voices": {"frame": {"graphs": "../a", "start": 1}}}, "voices.frame.graphs is '../a'; expected"),
        ({"beta": None}, "beta is None; expected a finite number"),
        ({"support": "x"}, "support is 'x'; expected a finite number"),
        ({"things": [1, 2]}, r"things is \[1, 2\]; expected 6 numbers below"),
        ({"things": [1, 2, 3, 4, 5, "6"]}, "things is .*; expected 6 numbers below"),
        ({"things": [1, 2, 3, 4, 5, float("inf")]}, "things is .*; expected 6 numbers below"),
        ({"things": 6}, "things is 6; expected"),
        ({"proposer": "best"}, "proposer is 'best'; expected one of head, coverage, grid, frame"),
        ({"score": []}, r"score is \[\]; expected one of maxsim, defrag"),
        ({"training": []}, r"training is \[\]; expected a JSON object"),
        ({"files": {"a": {"bytes": 1}}}, "lacks files.a.sha256"),
        ({"files": {"a": 1}}, "files.a is 1; expected a JSON object"),
        ({"voices": {"frame": {"graphs": "caption", "start": 1.5}}}, "voices.frame.start is 1.5; expected"),
        ({"nms": float("nan")}, "nms is nan; expected a finite number"),
        ({"rerank": float("inf")}, "rerank is inf; expected a finite number"),
        ({"probe": {"caption": "a dog"}}, "lacks probe.score"),
        ({"given_features": -1}, "given_features is -1; expected a whole number"),
        ({"lessons": {"file": "../taught.json", "base": "0" * 64}}, "lessons.file is '../taught.json'"),
        ({"lessons": {"file": "taught.json", "base": "0"}}, "lessons.base is '0'; expected 64 hexadecimal"),
        ({"crops": {"size": 9, "context": 0.0}}, "lacks crops.full_resolution"),
        ({"crops": {"size": 9, "context": 0.0, "full_resolution": 1}}, "is 1; expected true or false"),
    ],
)
def test_invalid_values_are_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(BundleError, match=f"^m.json.*{message}"):
        BundleManifest.from_json(CONTENT | changes, "m.json")


def test_only_recorded_files_of_the_bundle_are_read() -> None:
    folder = shipped()
    with pytest.raises(BundleError, match=r"names no file look\.txt"):
        verified_content(folder, "look.txt", {})
    with pytest.raises(BundleError, match="outside of the bundle"):
        verified_content(folder, "../look.txt", {"../look.txt": FileRecord(1, "0")})


def test_the_digest_is_that_of_the_manifest_file() -> None:
    assert Bundle.open().digest.startswith("ed8a3c41467093c49d762ba6860ee9a6")


def test_captioners_of_other_subjects_are_ignored() -> None:
    voices = CONTENT["voices"] | {"word": {"graphs": "caption", "start": 1}}
    known = BundleManifest.from_json(CONTENT).voices
    assert BundleManifest.from_json(CONTENT | {"voices": voices}).voices == known


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"format": 1, "format": 1}', '{"nms": NaN}', "9" * 5000, ""]
)
def test_what_is_not_json_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(text)
    with pytest.raises(BundleError, match="cannot be read"):
        BundleManifest.load(path)
