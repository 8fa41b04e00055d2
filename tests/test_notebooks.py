"""The notebooks of `examples/` run, and are stored without outputs."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))


RUN = (
    "import sys, nbclient, nbformat\n"
    "notebook = nbformat.read(sys.argv[1], as_version=4)\n"
    "nbclient.NotebookClient(notebook, timeout=300, resources={'metadata': {'path': '.'}}).execute()\n"
    "nbformat.write(notebook, sys.argv[2])\n"
)
"""Runs a notebook in a process of its own, because the sockets of its kernel are closed late."""


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_runs(path: Path, tmp_path: Path) -> None:
    for needed in ("nbclient", "ipykernel"):
        pytest.importorskip(needed)
    folder, out = shutil.copytree(EXAMPLES, tmp_path / "examples"), tmp_path / "out.ipynb"
    command = [sys.executable, "-c", RUN, str(path), str(out)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == 0, done.stderr

    notebook = pytest.importorskip("nbformat").read(out, as_version=4)
    shown = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    html = [output["data"]["text/html"] for output in shown if "text/html" in output.get("data", {})]
    assert len(html) == 4
    assert sum("<svg" in part for part in html) == 2
    assert "a camera" in "".join(output.get("text", "") for output in shown)
    assert not [
        output for output in shown if output["output_type"] == "stream" and output["name"] == "stderr"
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_valid_and_stored_without_outputs(path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)
    assert path.stat().st_size < 20_000


def test_there_is_a_notebook() -> None:
    assert NOTEBOOKS
