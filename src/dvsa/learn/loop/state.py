"""How far a training has come: the networks, the optimizer's memory, the log; saved and restored."""

import copy
import json
import math
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Generic, TypeVar, cast

import torch
from torch import Tensor, nn

from dvsa import files
from dvsa.learn.loop import checkpoint, curve

Net = TypeVar("Net", bound=nn.Module)
Line = dict[str, float]
"""One line of the log: what one evaluation found."""


@dataclass
class TrainingState(Generic[Net]):
    """Everything that a checkpoint holds."""

    net: Net
    mean: Net
    """The running mean of the network's weights; the network itself if there is no mean."""
    optimizer: torch.optim.Optimizer
    step: int = 0
    best: float = -math.inf
    """The highest value of the goal so far."""
    best_step: int = 0
    """The step of that evaluation."""
    lines: list[Line] = field(default_factory=list)
    loss: float = 0.0
    """The sum of the losses since the last evaluation, as the checkpoint has it."""
    seconds: float = 0.0
    """How long the training had taken at its last checkpoint."""

    @cached_property
    def trained(self) -> list[Tensor]:
        """The parameters that the optimizer changes."""
        return [parameter for group in self.optimizer.param_groups for parameter in group["params"]]

    @cached_property
    def _means(self) -> list[Tensor]:
        """The running means of the trained parameters."""
        mean_of: dict[Tensor, Tensor] = dict(zip(self.net.parameters(), self.mean.parameters(), strict=True))
        return [mean_of[parameter] for parameter in self.trained]

    @torch.no_grad()
    def blend(self, decay: float) -> None:
        """Set the means of the trained weights to decay * mean + (1 - decay) * weight."""
        torch._foreach_lerp_(self._means, self.trained, 1 - decay)

    @property
    def logged(self) -> int:
        """The step of the last evaluation."""
        return int(self.lines[-1]["step"]) if self.lines else 0

    @property
    def since_best(self) -> int:
        """How many evaluations came after the best one."""
        return sum(line["step"] > self.best_step for line in self.lines)

    def save(self, out: Path, line: Line, goal: float, *, write: bool = True) -> None:
        """Write log, curve and checkpoint after an evaluation; `best` too if `goal` is the highest so far.

        Without `write`, only remember the evaluation: another process of the same training writes.

        `last.safetensors` is written last, and `restore` reads only that. So an interruption before it loses
        the work since the checkpoint before, and nothing else.
        """
        self.lines.append(line)
        better = goal > self.best
        if better:
            self.best, self.best_step = float(goal), self.step
        if not write:
            return
        out.mkdir(parents=True, exist_ok=True)
        if better:
            facts = {key: value for key, value in line.items() if key not in ("epoch", "seconds")}
            checkpoint.save(out / "best.safetensors", self.mean.state_dict(), facts)

        with files.replacing(out / "log.jsonl") as partial:
            partial.write_text("".join(json.dumps(logged) + "\n" for logged in self.lines))
        with files.replacing(out / "curve.png") as partial:
            curve.draw(self.lines, partial)

        self.keep(out, 0.0, line["seconds"])

    def keep(self, out: Path, loss: float, seconds: float) -> None:
        """Write a checkpoint between two evaluations, or after one.

        Args:
            out: the stage's folder.
            loss: the sum of the losses since the last evaluation.
            seconds: how long the training has taken.
        """
        tensors = checkpoint.prefixed("model", self.net.state_dict())
        if self.mean is not self.net:
            tensors |= checkpoint.prefixed("mean", self.mean.state_dict())
        tensors |= checkpoint.prefixed("optimizer", checkpoint.optimizer_tensors(self.optimizer))
        lines: list[checkpoint.JsonValue] = [dict(logged) for logged in self.lines]
        facts_so_far: dict[str, checkpoint.JsonValue] = {
            "step": self.step,
            "best": self.best if math.isfinite(self.best) else None,
            "best_step": self.best_step,
            "lines": lines,
            "loss": loss,
            "seconds": seconds,
        }
        checkpoint.save(out / "last.safetensors", tensors, facts_so_far)

    def restore(self, out: Path) -> None:
        """Continue where the training in `out` stopped, if there is one."""
        path = out / "last.safetensors"
        if not path.is_file():
            return
        tensors, facts = checkpoint.load(path)
        match facts:
            case {"lines": list(lines), "step": int(step), "best": float() | None as best}:
                self.step, self.lines = step, cast(list[Line], lines)
                self.best = -math.inf if best is None else best
                self.loss = cast(float, facts.get("loss", 0.0))  # earlier versions kept no more
                self.best_step = cast(int, facts.get("best_step", step))
                self.seconds = cast(float, facts.get("seconds", self.lines[-1]["seconds"] if lines else 0.0))
            case _:
                raise ValueError(f"{path} does not say its step: delete it and train again")

        self.net.load_state_dict(checkpoint.under("model", tensors))
        if self.mean is not self.net:
            self.mean.load_state_dict(checkpoint.under("mean", tensors))
        checkpoint.restore_optimizer(self.optimizer, checkpoint.under("optimizer", tensors))


def running_mean(net: Net) -> Net:
    """A copy of a network that will hold the running mean of its weights."""
    return copy.deepcopy(net).eval()
