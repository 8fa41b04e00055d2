"""The model in JavaScript against the model in Python, in Node: equal boxes, scores and captions."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import dvsa
from dvsa.bundle import shipped

HERE = Path(__file__).parent / "engine"
ROOT = Path(dvsa.__file__).parents[2]
NODE_TESTS = sorted(path.name for path in HERE.glob("*.test.mjs"))


@pytest.fixture(scope="session")
def node() -> str:
    """Node, with the packages of package-lock.json."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("there is no Node.js: install version 20 or later")
    if not (ROOT / "node_modules" / "onnxruntime-web").is_dir():
        pytest.skip("the packages of package-lock.json are not installed: npm ci")
    return found


def run(*command: str | Path, seconds: int) -> str:
    """The output of a command, which must succeed."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=seconds)
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.mark.parametrize("name", NODE_TESTS)
def test_algorithms(node: str, name: str) -> None:
    output = run(node, "--test", "--test-reporter", "tap", HERE / name, seconds=120)
    assert "# fail 0" in output


@pytest.mark.slow
def test_the_engine_says_what_python_says(node: str, tmp_path: Path) -> None:
    given: list[str | Path] = [tmp_path, "--photographs", "50", "--sentences", "200"]
    run(sys.executable, HERE / "make_golden.py", *given, seconds=900)
    output = run(node, HERE / "golden.mjs", tmp_path, shipped(), ROOT / "src" / "dvsa", seconds=900)
    assert ", 0 differ" in output
    print(output)


@pytest.mark.slow
def test_the_engine_knows_every_part_of_a_bundle(node: str, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    run(sys.executable, HERE / "make_bundle.py", bundle, seconds=300)
    given: list[str | Path] = [tmp_path, "--bundle", bundle, "--photographs", "6", "--sentences", "50"]
    run(sys.executable, HERE / "make_golden.py", *given, seconds=600)
    output = run(node, HERE / "golden.mjs", tmp_path, bundle, ROOT / "src" / "dvsa", seconds=600)
    assert ", 0 differ" in output


@pytest.mark.slow
def test_a_difference_is_found(node: str, tmp_path: Path) -> None:
    run(
        sys.executable,
        HERE / "make_golden.py",
        tmp_path,
        "--photographs",
        "1",
        "--sentences",
        "50",
        seconds=300,
    )
    golden = tmp_path / "golden.json"
    golden.write_text(golden.read_text().replace('"text": "a', '"text": "the', 1))
    command = [node, str(HERE / "golden.mjs"), str(tmp_path), str(shipped()), str(ROOT / "src" / "dvsa")]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 1
