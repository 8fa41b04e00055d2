"""`dvsa encode` as a user calls it."""

import json
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

import dvsa
from dvsa.cli import app
from dvsa.data import toy
from dvsa.encoding import folder
from dvsa.photo_formats import FORMATS

pytestmark = pytest.mark.slow


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["encode", *map(str, arguments)], env={"COLUMNS": "200"})


def answer(*arguments: object, code: int = 0) -> Any:
    done = run(*arguments, "--json")
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def refusal(*arguments: object) -> str:
    """The one line on standard error of a command that fails and prints nothing else."""
    done = run(*arguments)
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line.removeprefix("dvsa: ")


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.write(tmp_path_factory.mktemp("album"), train=0, val=5, test=0) / "images"


def test_rows_are_what_describe_says(album: Path, tmp_path: Path) -> None:
    out = tmp_path / "encoded"
    said = answer(album, "--out", out, "--device", "cpu", "--shard", 2, "--workers", 1)
    assert (said["photographs"], said["encoded"], said["files"], said["errors"]) == (5, 5, 3, [])
    assert said["photographs_per_second"] == pytest.approx(5 / said["seconds"])
    assert said["made_by"] == folder.about(out / "part-00000.parquet")["made_by"]
    assert str(said["made_by"]).endswith("on the CPU")

    row = pq.read_table(out / "part-00001.parquet").to_pylist()[1]
    description = dvsa.load().open(row["path"]).describe()
    assert row["caption"] == description.caption.text
    assert row["caption_logprob"] == pytest.approx(description.caption.logprob, abs=1e-3)
    assert [tuple(box) for box in row["boxes"]] == [
        pytest.approx(region.box, abs=1e-5) for region in description.regions
    ]
    again = answer(album, "--out", out, "--device", "cpu", "--shard", 2)
    assert (again["encoded"], again["photographs_per_second"]) == (0, 0.0)


def test_photographs_that_cannot_be_read_are_named(album: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photograph")
    error = f"{broken}: not a picture in {FORMATS} format"
    options = (
        album,
        broken,
        "--out",
        tmp_path / "out",
        "--device",
        "cpu",
        "--no-captions",
        "--regions",
        "grid",
    )
    for _ in range(2):  # also when all files are there
        done = run(*options)
        assert done.exit_code == 2
        assert done.stderr == f"dvsa: {error}\n"
        assert "6 photographs in 1 files, 1 could not be read" in done.stdout
    said = answer(*options, code=2)
    assert said["errors"] == [{"file": str(broken), "error": error}]
    table = pq.read_table(tmp_path / "out" / "part-00000.parquet")
    assert table["error"].to_pylist() == [None] * 5 + [error]
    assert "caption" not in table.schema.names


def test_what_cannot_be_done_is_refused(album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    cpu = (album, "--out", out, "--device", "cpu")
    assert "regions are 'all': choose from own, head, coverage" in refusal(*cpu, "--regions", "all")
    assert "vectors are 'int8': choose from float16, float32" in refusal(*cpu, "--vectors", "int8")
    assert "--workers many: give a number of 1 or more, or ray" in refusal(*cpu, "--workers", "many")
    assert "--workers 0: give a number of 1 or more, or ray" in refusal(*cpu, "--workers", "0")
    assert "the device 'gpu' cannot be used" in refusal(album, "--out", out, "--device", "gpu")
    assert "there is no such file, folder or glob" in refusal(tmp_path / "x", "--out", out, "--device", "cpu")
    assert not out.exists()

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for name in [name for name in sys.modules if name.startswith("dvsa.encoding")]:
        monkeypatch.delitem(sys.modules, name)
    assert refusal(*cpu) == "this command needs pyarrow: pip install 'dvsa[parquet]'"


def test_torch_writes_the_same_files(album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a CPU in place of a GPU."""
    import torch

    monkeypatch.setattr("dvsa.learn.runs.device.pick_device", lambda name: torch.device("cpu"))
    options = ("--no-captions", "--regions", "grid", "--shard", 3, "--vectors", "float32")
    answer(album, "--out", tmp_path / "graphs", "--device", "cpu", *options)
    said = answer(album, "--out", tmp_path / "torch", "--device", "cuda", "--batch", 2, *options)
    assert said["made_by"].startswith(f"torch {torch.__version__} on cpu, single precision")

    for number in range(2):
        tables = [
            pq.read_table(tmp_path / each / f"part-{number:05}.parquet").to_pylist()
            for each in ("graphs", "torch")
        ]
        for ours, theirs in zip(*tables, strict=True):
            assert ours["path"] == theirs["path"]
            assert ours["boxes"] == theirs["boxes"]
            for mine, wanted in zip(ours["vectors"], theirs["vectors"], strict=True):
                assert mine == pytest.approx(wanted, abs=1e-4)
