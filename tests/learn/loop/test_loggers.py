"""Figures in TensorBoard and Weights & Biases: read back, and refused where the package is missing."""

import sys
from pathlib import Path
from types import ModuleType

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # type: ignore[import-untyped]

from dvsa.learn.loop import loggers
from dvsa.learn.loop.state import Line
from dvsa.learn.runs.inputs import FitOptions

LINES: list[Line] = [
    {"step": 10, "epoch": 1.0, "seconds": 2.0, "loss": 0.5, "mean recall": 30.0},
    {"step": 20, "epoch": 2.0, "seconds": 4.0, "loss": 0.25, "mean recall": 40.0},
]


def test_tensorboard_gets_every_figure_of_every_stage_by_step(tmp_path: Path) -> None:
    with loggers.opened(["tensorboard"], tmp_path, {}) as (logger,):
        for line in LINES:
            logger.log("align", line)
        logger.log("caption", LINES[0])

    read = EventAccumulator(str(tmp_path / "tensorboard"))
    read.Reload()
    names = {f"{stage}/{name}" for stage in ("align", "caption") for name in LINES[0] if name != "step"}
    assert {*read.Tags()["scalars"]} == names
    assert [(x.step, x.value) for x in read.Scalars("align/mean recall")] == [(10, 30.0), (20, 40.0)]


class Recorded:
    """What a stand-in of wandb was told."""

    def __init__(self, **told: object) -> None:
        self.told, self.lines, self.finished = told, list[dict[str, float]](), False

    def log(self, line: dict[str, float]) -> None:
        self.lines.append(line)

    def finish(self) -> None:
        self.finished = True


def test_wandb_gets_the_configuration_and_the_lines_and_is_closed_after_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in, since the real package would need an account or a server process."""
    made = list[Recorded]()

    def init(**told: object) -> Recorded:
        made.append(Recorded(**told))
        return made[-1]

    stand_in = ModuleType("wandb")
    stand_in.init = init  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", stand_in)

    def interrupted() -> None:
        with loggers.opened(["wandb"], tmp_path / "run", {"seed": 3}) as (logger,):
            logger.log("align", LINES[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    (run,) = made
    assert run.told == {"project": "dvsa", "name": "run", "dir": str(tmp_path / "run"), "config": {"seed": 3}}
    assert run.lines == [{f"align/{name}": value for name, value in LINES[0].items()}]
    assert run.finished


def test_what_cannot_be_used_is_refused_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="--log-to comet: choose from tensorboard, wandb"):
        FitOptions(log_to=("comet",))
    monkeypatch.setattr(loggers, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="needs the package wandb: pip install wandb"):
        FitOptions(log_to=("tensorboard", "wandb")[1:])
    assert FitOptions().log_to == ()
