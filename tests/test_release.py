"""What a release consists of: the wheel, the metadata, the image and the workflows."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Sequence
from email.parser import Parser
from pathlib import Path

import pytest

from dvsa.version import VERSION

ROOT = Path(__file__).parents[1]
GRANTED = {
    "publish": {"publish": {"id-token": "write"}},
    "site": {"publish": {"pages": "write", "id-token": "write"}},
}
"""What the jobs of workflows may do besides reading."""
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MOST_BYTES = 50_000_000


def run(command: Sequence[str | Path], cwd: Path = ROOT) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tool(name: str) -> Path:
    """A program beside Python; skips if it is missing."""
    path = Path(sys.executable).with_name(name)
    if not path.is_file():
        pytest.skip(f"{name} is not installed")
    return path


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy so that no build folder of the checkout matters."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copyfile(ROOT / name, source / name)
    ignored = shutil.ignore_patterns("*.egg-info", "__pycache__")
    shutil.copytree(ROOT / "src", source / "src", ignore=ignored)
    run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, source])
    (path,) = out.glob("*.whl")
    return path


@pytest.mark.slow
def test_the_wheel_is_small_and_has_what_it_needs(wheel: Path) -> None:
    pytest.importorskip("build")
    assert wheel.stat().st_size <= MOST_BYTES
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
        metadata = Parser().parsestr(archive.read(f"dvsa-{VERSION}.dist-info/METADATA").decode())
    tracked = run(["git", "ls-files", "src/dvsa"]).split()
    assert {name.removeprefix("src/") for name in tracked} <= inside
    assert not [name for name in inside if name.startswith(("tests", "runs", "docs"))]
    licences = [name for name in inside if "/licenses/" in name]
    assert {Path(name).name for name in licences} == {"LICENSE", "LICENCE.txt", "CREDITS"}
    assert metadata["License-Expression"] == "MIT AND LicenseRef-Research-And-Education-Only"
    assert len(metadata.get_all("Project-URL", [])) == 5


@pytest.mark.slow
def test_the_wheel_describes_a_photograph_where_nothing_else_is(wheel: Path, tmp_path: Path) -> None:
    """Unpacked, beside the core dependencies alone: `.ci/release` does the same with pip and a network."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = (
        "import sys\n"
        "class Bare:\n"
        "  def find_spec(self, name, path=None, target=None):\n"
        "    if name in ('torch', 'timm', 'fastapi', 'pyarrow', 'huggingface_hub', 'onnx', 'scipy'):\n"
        "      raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Bare())\n"
        "sys.path.insert(0, sys.argv.pop(1))\n"
        "import dvsa.cli; assert dvsa.__file__.startswith(sys.path[0]); dvsa.cli.app()\n"
    )
    photo = ROOT / "examples" / "cat.jpg"
    output = run(
        [sys.executable, "-I", "-c", code, tmp_path / "site", "describe", photo, "--out", "told"],
        cwd=tmp_path,
    )
    assert "a cat is sitting on a wall" in output
    assert (tmp_path / "told" / "cat.dvsa.png").is_file()


def test_the_metadata_is_complete_and_agrees() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {"urls", "classifiers", "keywords", "license", "readme", "description"} <= project.keys()
    least = int(project["requires-python"].removeprefix(">=3."))
    pythons = {c.rpartition(" 3.")[2] for c in project["classifiers"] if re.search(r"Python :: 3\.\d", c)}
    pythons = {c.rpartition(".")[2] for c in pythons}
    assert min(map(int, pythons)) == least
    citation = (ROOT / "CITATION.cff").read_text()
    assert f"version: {VERSION}\n" in citation


def test_the_citation_is_valid() -> None:
    checker = tool("check-jsonschema")
    run([checker, "--builtin-schema", "vendor.citation-file-format", ROOT / "CITATION.cff"])


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_valid_and_has_few_rights(path: Path) -> None:
    run([tool("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", path])
    run([tool("check-jsonschema"), "--builtin-schema", "custom.github-workflows-require-timeout", path])
    workflow = pytest.importorskip("yaml").safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    granted = {name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job}
    assert granted == GRANTED.get(path.stem, {})
    scripts = re.findall(r"\.ci/\w+", path.read_text())
    assert scripts
    assert all((ROOT / script).stat().st_mode & 0o100 for script in scripts)


def test_the_image_has_no_faults() -> None:
    run([tool("hadolint"), ROOT / "Dockerfile"])


def test_the_image_runs_the_service_as_another_user() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users == ["10001"]
    assert lines.index("USER 10001") < next(
        n for n, line in enumerate(lines) if line.startswith("ENTRYPOINT")
    )
    assert any("/healthz" in line for line in lines)
    assert not [line for line in lines if line.startswith("FROM") and ":latest" in line]

    # What it copies is what the build sees.
    seen = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line.startswith("!")}
    copied = {
        name
        for line in lines
        if line.startswith("COPY") and "--from" not in line
        for name in line.split()[1:-1]
    }
    assert copied == seen
    assert all((ROOT / name).exists() for name in copied)


@pytest.mark.parametrize("script", sorted((ROOT / ".ci").iterdir()), ids=lambda path: path.name)
def test_the_scripts_of_ci_parse(script: Path) -> None:
    run(["bash", "-n", script])
