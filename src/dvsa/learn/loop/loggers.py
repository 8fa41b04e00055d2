"""Where a training's figures go beside `log.jsonl`: TensorBoard, or Weights & Biases.

Both are optional and imported only when they are asked for. To add another, write a class here and enter it
in `LOGGERS`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from dvsa.learn.loop.checkpoint import JsonValue
from dvsa.learn.loop.state import Line


class Logger(Protocol):
    """Takes the lines of the log as they are written."""

    def log(self, stage: str, line: Line) -> None:
        """Take what one evaluation of a stage found."""
        ...

    def close(self) -> None:
        """Write what is not written yet."""
        ...


class TensorBoard:
    """Scalars by step, as `STAGE/FIGURE`, in the folder `tensorboard` of the run."""

    def __init__(self, folder: Path, config: Mapping[str, JsonValue]) -> None:
        writers = import_module("torch.utils.tensorboard")
        self.writer = writers.SummaryWriter(folder / "tensorboard")

    def log(self, stage: str, line: Line) -> None:
        for name, value in line.items():
            if name != "step":
                self.writer.add_scalar(f"{stage}/{name}", value, int(line["step"]))

    def close(self) -> None:
        self.writer.close()


class Wandb:
    """A run of Weights & Biases with the run's configuration; its files are in the folder `wandb` of the run.

    The environment says where it goes: WANDB_MODE=offline keeps it on this machine.
    """

    def __init__(self, folder: Path, config: Mapping[str, JsonValue]) -> None:
        wandb = import_module("wandb")
        self.run = wandb.init(
            project="dvsa", name=folder.resolve().name, dir=str(folder), config=dict(config)
        )

    def log(self, stage: str, line: Line) -> None:
        self.run.log({f"{stage}/{name}": value for name, value in line.items()})

    def close(self) -> None:
        self.run.finish()


LOGGERS: dict[str, type[TensorBoard] | type[Wandb]] = {"tensorboard": TensorBoard, "wandb": Wandb}
"""By the name that `--log-to` takes, which is also that of the package."""


def check(names: Sequence[str]) -> None:
    """Raise ValueError for an unknown logger, or one whose package is not installed."""
    for name in names:
        if name not in LOGGERS:
            raise ValueError(f"--log-to {name}: choose from {', '.join(LOGGERS)}")
        if find_spec(name) is None:
            raise ValueError(f"--log-to {name} needs the package {name}: pip install {name}")


@contextmanager
def opened(
    names: Sequence[str], folder: Path, config: Mapping[str, JsonValue]
) -> Iterator[tuple[Logger, ...]]:
    """The loggers of these names, for the run in a folder; they are closed at the end, and after an error."""
    with ExitStack() as closing:
        found: list[Logger] = []
        for name in names:
            logger = LOGGERS[name](folder, config)
            closing.callback(logger.close)
            found.append(logger)
        yield tuple(found)
