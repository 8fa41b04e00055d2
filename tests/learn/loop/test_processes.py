"""Several processes learn what one process learns."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from dvsa.data import toy
from dvsa.learn.loop import checkpoint, processes

SCRIPT = Path(__file__).with_name("two_processes.py")
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small toy set."""
    return toy.write(tmp_path_factory.mktemp("toy") / "data", train=24, val=12, test=4, seed=1)


TWO_GPUS = torch.cuda.device_count() >= 2


@pytest.mark.parametrize(
    ("device", "atol", "rtol"),
    [
        ("cpu", 1e-5, 1e-4),
        pytest.param(
            "cuda",  # steps are recorded; products have factors of 11 bits, so rounding differs
            2e-2,
            2e-2,
            marks=pytest.mark.skipif(not TWO_GPUS, reason="needs two GPUs"),
        ),
    ],
)
def test_two_processes_equal_one(data: Path, tmp_path: Path, device: str, atol: float, rtol: float) -> None:
    for name, before in (("one", []), ("two", TORCHRUN)):
        command = [sys.executable, *before, str(SCRIPT), str(data), str(tmp_path / name), device]
        subprocess.run(command, check=True, env=ENVIRONMENT, capture_output=True, timeout=600)

    files = sorted((tmp_path / "one").glob("*.safetensors"))
    assert len(files) == 10
    for file in files:
        one, two = checkpoint.load(file)[0], checkpoint.load(tmp_path / "two" / file.name)[0]
        assert one.keys() == two.keys()
        assert any(tensor.any() for tensor in one.values())
        for key, tensor in one.items():
            torch.testing.assert_close(two[key], tensor, atol=atol, rtol=rtol, msg=f"{file.name} {key}")
        if "gradients" not in file.name:
            first, second = (losses(tmp_path / n / file.stem) for n in ("one", "two"))
            assert second == pytest.approx(first, rel=rtol)


def losses(folder: Path) -> list[float]:
    """The losses in a log."""
    return [json.loads(line)["loss"] for line in (folder / "log.jsonl").read_text().splitlines()]


def test_a_batch_is_divided_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    assert processes.share([3, 1, 2]) == [3, 1, 2]
    monkeypatch.setattr(processes, "count", lambda: 2)
    monkeypatch.setattr(processes, "rank", lambda: 1)
    assert processes.share([3, 1, 2, 5]) == [2, 5]
    with pytest.raises(ValueError, match="a batch of 3 cannot be divided among 2 processes"):
        processes.share([3, 1, 2])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_process_ends_the_run_and_another_number_of_processes_continues_it(
    data: Path, tmp_path: Path
) -> None:
    train = ["-m", "dvsa", "train", "toy", "--data", str(data), "--out", str(tmp_path / "run")]
    train += ["--set", "train.epochs=6", "--set", "train.batch=8", "--set", "train.evaluate_every=1"]
    command = [sys.executable, *TORCHRUN, *train]
    running = subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)
    checkpoints = tmp_path / "run" / "align" / "last.safetensors"
    until = time.monotonic() + 300
    while not checkpoints.is_file() and running.poll() is None and time.monotonic() < until:
        time.sleep(0.1)
    assert checkpoints.is_file()

    # One of the two is killed; the other ends too.
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    os.kill(int(children[1]), signal.SIGKILL)
    errors = running.communicate(timeout=120)[1]
    assert running.returncode
    assert "[rank" not in errors  # the other process prints no traceback; torchrun says which one failed

    # One process goes on.
    subprocess.run([sys.executable, *train], env=ENVIRONMENT, capture_output=True, check=True)
    assert len(losses(tmp_path / "run" / "align")) == 6
