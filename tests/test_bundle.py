"""A bundle is what its manifest says: exactly the listed files, with exactly the bytes that were verified."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import dvsa
from dvsa.bundle import Bundle, shipped
from dvsa.manifest import MANIFEST, BundleError


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(shipped(), tmp_path / "copy"))


def rewrite(folder: Path, change: Callable[[dict], None]) -> None:  # type: ignore[type-arg]
    content = json.loads((folder / MANIFEST).read_text())
    change(content)
    (folder / MANIFEST).write_text(json.dumps(content))


def sign(folder: Path, name: str) -> None:
    """Make the manifest agree with a changed file, as its maker could."""
    data = (folder / name).read_bytes()
    record = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    rewrite(folder, lambda content: content["files"].update({name: record}))


@pytest.mark.parametrize("name", ["vocabulary.tsv", "look.onnx", "sentence.onnx", "phrase.step.onnx"])
def test_a_file_that_a_model_needs_must_be_listed(copy: Path, name: str) -> None:
    rewrite(copy, lambda content: content["files"].pop(name))
    with pytest.raises(BundleError, match=f"manifest.json does not list {name}"):
        Bundle.open(copy)


def test_a_file_that_is_not_listed_is_not_opened(copy: Path) -> None:
    def forget(content: dict) -> None:  # type: ignore[type-arg]
        del content["files"]["photographs.tsv"], content["files"]["read.tsv"]

    rewrite(copy, forget)
    bundle = Bundle.open(copy)
    assert bundle.seen() is None
    assert not bundle.read().names


@pytest.mark.parametrize(
    "name", [f"{path.name}" for path in sorted(shipped().iterdir()) if path.name != MANIFEST]
)
def test_one_changed_byte_is_found(copy: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(BundleError, match=f"{name} is damaged"):
        Bundle.open(copy)


@pytest.mark.parametrize("name", ["look.onnx", "photographs.tsv"])
def test_what_changes_after_opening_is_found(copy: Path, name: str) -> None:
    model = dvsa.load(copy)
    content = bytearray((copy / name).read_bytes())
    content[1000] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(BundleError, match=f"{name} is damaged"):
        model.open("examples/cat.jpg") if name == "look.onnx" else model.bundle.seen()


def test_a_digest_pins_the_bundle(copy: Path) -> None:
    digest = Bundle.open().digest
    assert dvsa.load(copy, digest=digest.upper()).bundle.digest == digest
    rewrite(copy, lambda content: content.update(beam=3))
    with pytest.raises(BundleError, match=f"not {digest}: it is another bundle than you asked for"):
        dvsa.load(copy, digest=digest)
    (copy / MANIFEST).write_bytes(b"{}")  # the digest is of what was read, not of what is there later
    assert dvsa.load(digest=digest).bundle.digest == digest


def test_pipes_devices_and_larger_files_are_refused(copy: Path) -> None:
    (copy / "read.tsv").unlink()
    os.mkfifo(copy / "read.tsv")
    with pytest.raises(BundleError, match=r"read\.tsv: it is not a regular file"):
        Bundle.open(copy)
    (copy / "read.tsv").unlink()
    (copy / "read.tsv").symlink_to("/dev/zero")
    with pytest.raises(BundleError, match=r"read\.tsv: it is not a regular file"):
        Bundle.open(copy)
    (copy / "read.tsv").unlink()
    with (copy / "read.tsv").open("wb") as file:
        file.truncate(20 * 2**30)
    with pytest.raises(BundleError, match=r"read\.tsv: 21,474,836,480 bytes are more than 692,593"):
        Bundle.open(copy)


def test_a_file_larger_than_any_memory_is_refused(copy: Path) -> None:
    with (copy / "more.bin").open("wb") as file:
        file.truncate(2**43)
    rewrite(copy, lambda content: content["files"].update({"more.bin": {"bytes": 2**44, "sha256": "0" * 64}}))
    with pytest.raises(BundleError, match=r"files\.more\.bin\.bytes is 17592186044416; expected"):
        Bundle.open(copy)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff", "not UTF-8"),
        (b"#sentences\t5\na\t" + b"9" * 5000 + b"\n", "line 2"),
        (b"#sentences\t5\n", "start is 1|has outputs|cannot be run"),
    ],
)
def test_a_vocabulary_with_a_right_digest_is_checked_too(copy: Path, content: bytes, message: str) -> None:
    (copy / "vocabulary.tsv").write_bytes(content)
    sign(copy, "vocabulary.tsv")
    if content.endswith(b"5\n"):
        assert not len(Bundle.open(copy).vocabulary.words)
    else:
        with pytest.raises(BundleError, match=message):
            Bundle.open(copy)


def test_the_first_token_of_a_captioner_is_in_the_vocabulary(copy: Path) -> None:
    rewrite(copy, lambda content: content["voices"]["frame"].update(start=10**6))
    with pytest.raises(BundleError, match=r"voices\.frame.start is 1000000; expected a token below"):
        Bundle.open(copy)


@pytest.mark.parametrize("content", [b"", b"no graph", (shipped() / "encode.onnx").read_bytes()])
def test_a_graph_that_cannot_be_used_is_named(copy: Path, content: bytes) -> None:
    (copy / "look.onnx").write_bytes(content)
    sign(copy, "look.onnx")
    with pytest.raises(BundleError, match=r"copy/look\.onnx .*export the bundle again$"):
        dvsa.load(copy).open("examples/cat.jpg")
