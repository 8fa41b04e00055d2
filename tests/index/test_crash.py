"""A writer that is killed at any time, or whose disk is full, loses nothing that it acknowledged."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import dvsa
from dvsa import files
from dvsa.index import Index

pytestmark = pytest.mark.slow

WRITER = Path(__file__).with_name("writer.py")
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)


def test_a_writer_that_is_killed_a_hundred_times_loses_nothing(tmp_path: Path) -> None:
    done = run(sys.executable, WRITER, "kill", tmp_path / "index")
    assert done.returncode == 0, done.stderr
    rounds, acknowledged, interrupted = map(int, done.stdout.split())
    assert rounds == 100
    assert acknowledged > 100
    assert (
        interrupted > 0
    )  # how many kills come in time depends on the machine; the next test dies at every step


def test_a_writer_that_dies_before_any_of_its_steps_loses_nothing(tmp_path: Path) -> None:
    done = run(sys.executable, WRITER, "step", tmp_path / "index")
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50  # steps before which it died


def test_a_writer_that_is_killed_while_it_follows_a_folder_loses_nothing(tmp_path: Path) -> None:
    code = (
        "import kills, dvsa, json, pathlib, sys\n"
        "from dvsa.index import changes, sketch\n"
        "changes.SEGMENT_SIZE, changes.PHOTOS_PER_SEGMENT, sketch.STEP = 16, 3, 3\n"
        "print(json.dumps(kills.killed(pathlib.Path(sys.argv[1]), 'sync', 10, dvsa.load())))"
    )
    path = os.pathsep.join([*sys.path, str(BENCHMARKS)])
    done = run("env", f"PYTHONPATH={path}", sys.executable, "-c", code, tmp_path / "index")
    assert done.returncode == 0, done.stderr
    outcomes = json.loads(done.stdout)
    assert outcomes.keys() <= {"kept", "died early"}
    assert outcomes["kept"] > 5


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index.create(tmp_path / "index", dvsa.load())


@pytest.mark.parametrize("after", range(6))
def test_a_full_disk_loses_nothing(
    index: Index, make: Any, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    index.append([make(1), make(2)])
    calls = []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(files, "sync", full)
        with pytest.raises(OSError, match="No space left on device"):
            index.append([make(3), make(4)])
    for found in (index, Index.open(index.folder)):
        assert found.ids() - {make(n).photograph.id for n in (3, 4)} == {
            make(n).photograph.id for n in (1, 2)
        }
    assert index.verify() == []
    index.refresh()
    index.append([make(n) for n in (3, 4) if make(n).photograph.id not in index.ids()])
    assert index.ids() == {make(n).photograph.id for n in (1, 2, 3, 4)}
    assert index.verify() == []


@pytest.mark.parametrize(
    ("how", "mount"),
    [
        ("full", 'mount -t tmpfs -o size=256k tmpfs "$1"'),
        ("read-only", 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"'),
    ],
)
def test_a_disk_that_is_really_full_or_read_only_loses_nothing(
    tmp_path: Path, make: Any, how: str, mount: str
) -> None:
    if how == "read-only":
        Index.create(tmp_path / "index", dvsa.load()).append([make(1), make(2)])
    # In a new mount namespace, so that the mount ends with the process.
    command = f'{mount} || exit 77; exec "{sys.executable}" "{WRITER}" {how} "$1/index"'
    done = run("unshare", "--mount", "sh", "-c", command, "sh", tmp_path)
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("mounting a small file system needs root")
    assert done.returncode == 0, done.stderr
