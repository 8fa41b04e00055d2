"""The one training loop. A task gives the network, the loss of a step and the evaluation."""

import copy
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol, TypeVar, cast

import torch
from torch import Tensor, nn

from dvsa import files
from dvsa.learn.loop import checkpoint, curve
from dvsa.learn.loop.progress import progress

Net = TypeVar("Net", bound=nn.Module)
Line = dict[str, float]
"""What is logged of one evaluation."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainConfig:
    """How to train one stage."""

    epochs: int
    batch: int = 100
    optimizer: str = "adamw"
    """`sgd` (momentum 0.9), `rmsprop` or `adamw`."""
    lr: float = 1e-3
    schedule: str = "cosine"
    """`cosine` falls to 0 at the last step; `constant` does not."""
    warmup: int = 0
    """Steps over which the learning rate rises to `lr`."""
    weight_decay: float = 0.0
    clip_value: float = 0.0
    """Bound of each gradient element (5 in the paper); 0 for none."""
    clip_norm: float = 0.0
    """Bound of the gradient's length; 0 for none."""
    ema: float = 0.0
    """Decay of a running mean of the weights, which then is what is evaluated and kept; 0 for none."""
    evaluate_every: int = 1
    """Epochs between evaluations, each with a checkpoint."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"no optimizer {self.optimizer!r}; there are {', '.join(sorted(OPTIMIZERS))}")
        if self.schedule not in ("cosine", "constant"):
            raise ValueError(f"no schedule {self.schedule!r}; there are constant, cosine")
        if min(self.epochs, self.batch, self.evaluate_every) < 1 or self.lr <= 0 or not 0 <= self.ema < 1:
            raise ValueError(f"epochs, batch, evaluate_every and lr must be positive, ema in [0, 1): {self}")

    def lr_at(self, step: int, steps: int) -> float:
        """The learning rate of a step, counted from 0."""
        rise = min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0
        fall = (1 + math.cos(math.pi * step / steps)) / 2 if self.schedule == "cosine" else 1.0
        return self.lr * rise * fall


class Task(Protocol[Net]):
    """What there is to learn. All randomness follows from the step, so that a resumed run is the same run."""

    name: str
    goal: str
    """The metric that picks the best checkpoint; higher is better."""

    def build(self) -> Net:
        """The network before the first step."""
        ...

    def lr_scale(self, parameter: str) -> float:
        """Factor on the learning rate of a parameter by its name; 0 keeps it as it is."""
        ...

    def steps_per_epoch(self, batch: int) -> int: ...

    def loss(self, model: Net, step: int, batch: int, seed: int) -> Tensor: ...

    def evaluate(self, model: Net) -> Mapping[str, float]: ...


def train(task: Task[Net], cfg: TrainConfig, out: Path, device: torch.device, *, quiet: bool = False) -> Net:
    """Train to the end and return the best network; goes on from `out` where an earlier run stopped.

    Writes into `out`: `last.safetensors` (weights, optimiser, step), `best.safetensors` (weights by
    `task.goal`), `log.jsonl` (a line an evaluation) and `curve.png`. Stops with a ValueError on a loss or a
    figure that is not finite.
    """
    torch.manual_seed(cfg.seed)
    model = task.build().to(device)
    model.zero_grad()  # gradients of an earlier stage would count in the norm that `clip_norm` bounds
    wanted = [(p, p.requires_grad) for p in model.parameters()]
    mean = copy.deepcopy(model).eval() if cfg.ema else model
    now = _Training(model, mean, OPTIMIZERS[cfg.optimizer](_groups(task, model, cfg)))
    now.resume(out)
    per_epoch = task.steps_per_epoch(cfg.batch)
    steps, every = cfg.epochs * per_epoch, cfg.evaluate_every * per_epoch
    began = time.monotonic() - (now.lines[-1]["seconds"] if now.lines else 0.0)
    losses = torch.zeros((), device=device)
    with progress(task.name, steps, done=now.step, quiet=quiet) as advance:
        while now.step < steps:
            lr = cfg.lr_at(now.step, steps)
            losses += _update(task, cfg, now, lr)
            advance(1)
            if now.step % every == 0 or now.step == steps:
                since = now.step - (int(now.lines[-1]["step"]) if now.lines else 0)
                figures = {"loss": losses.item() / since, "lr": lr}
                losses.zero_()
                _demand_finite(figures, task, now.step)
                with torch.no_grad():
                    figures |= task.evaluate(mean.eval())
                _demand_finite(figures, task, now.step)
                when = {"step": now.step, "epoch": now.step / per_epoch, "seconds": time.monotonic() - began}
                now.lines.append({**when, **figures})
                now.keep(out, figures[task.goal])
    model.load_state_dict(checkpoint.load(out / "best.safetensors")[0])
    for parameter, trained in wanted:
        parameter.requires_grad_(trained)
    return model.eval()


@dataclass
class _Training(Generic[Net]):
    """What a checkpoint holds: the networks, the optimiser's memory, and how far they have come."""

    model: Net
    mean: Net
    """The running mean of the model's weights; the model itself where there is none."""
    optimizer: torch.optim.Optimizer
    step: int = 0
    best: float = -math.inf
    lines: list[Line] = field(default_factory=list)

    def keep(self, out: Path, figure: float) -> None:
        """Write log and checkpoint, and the best one too where `figure` is a new height.

        The last file written is the one that `resume` reads: interrupted before it, the work since the
        checkpoint before is done again and everything written again.
        """
        if figure > self.best:
            self.best = float(figure)
            facts = {key: value for key, value in self.lines[-1].items() if key not in ("epoch", "seconds")}
            checkpoint.save(out / "best.safetensors", self.mean.state_dict(), facts)
        files.write(out / "log.jsonl", "".join(json.dumps(line) + "\n" for line in self.lines).encode())
        with files.replacing(out / "curve.png") as partial:
            curve.draw(self.lines, partial)
        tensors = checkpoint.prefixed("model", self.model.state_dict())
        if self.mean is not self.model:
            tensors |= checkpoint.prefixed("mean", self.mean.state_dict())
        tensors |= checkpoint.prefixed("optimizer", checkpoint.optimizer_tensors(self.optimizer))
        lines: list[checkpoint.JsonValue] = [dict(line) for line in self.lines]
        checkpoint.save(
            out / "last.safetensors", tensors, {"step": self.step, "best": self.best, "lines": lines}
        )

    def resume(self, out: Path) -> None:
        """Go back to where the run in `out` stopped, if there is one."""
        path = out / "last.safetensors"
        if not path.is_file():
            return
        tensors, facts = checkpoint.load(path)
        match facts:
            case {"lines": list(lines), "step": int(step), "best": float(best)}:
                self.step, self.best, self.lines = step, best, cast(list[Line], lines)
            case _:
                raise ValueError(f"{path} does not say how far it has come: delete it and train on")
        self.model.load_state_dict(checkpoint.under("model", tensors))
        if self.mean is not self.model:
            self.mean.load_state_dict(checkpoint.under("mean", tensors))
        checkpoint.restore_optimizer(self.optimizer, checkpoint.under("optimizer", tensors))


def _update(task: Task[Net], cfg: TrainConfig, now: _Training[Net], lr: float) -> Tensor:
    """One step of the optimiser; its loss."""
    torch.manual_seed(cfg.seed * 1_000_003 + now.step)  # dropout too follows from the step alone
    for group in now.optimizer.param_groups:
        group["lr"] = group["scale"] * lr
    if not now.model.training:  # to walk through all of a trunk at every step takes as long as a small step
        now.model.train()
    loss = task.loss(now.model, now.step, cfg.batch, cfg.seed)
    now.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    _clip([p for group in now.optimizer.param_groups for p in group["params"]], cfg)
    now.optimizer.step()
    now.step += 1
    if cfg.ema:
        _blend(now.mean, now.model, min(cfg.ema, (1 + now.step) / (10 + now.step)))
    return loss.detach()


def _demand_finite(figures: Line, task: Task[Net], step: int) -> None:
    bad = [name for name, figure in figures.items() if not math.isfinite(figure)]
    if bad:
        raise ValueError(
            f"{' and '.join(bad)} of {task.name} not finite at step {step}: lower its learning rate"
        )


def _groups(task: Task[Net], model: Net, cfg: TrainConfig) -> list[dict[str, object]]:
    """Parameter groups by learning-rate factor; vectors and scalars get no weight decay."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        scale = task.lr_scale(name)
        if not scale:
            parameter.requires_grad_(False)
        elif parameter.requires_grad:
            groups.setdefault((scale, cfg.weight_decay if parameter.ndim > 1 else 0.0), []).append(parameter)
    if not groups:
        raise ValueError(f"nothing of {task.name} learns: its learning-rate factors are all 0")
    return [{"params": p, "scale": s, "lr": s * cfg.lr, "weight_decay": d} for (s, d), p in groups.items()]


OPTIMIZERS: dict[str, Callable[[list[dict[str, object]]], torch.optim.Optimizer]] = {
    "adamw": lambda groups: torch.optim.AdamW(groups, betas=(0.9, 0.98)),
    "rmsprop": lambda groups: torch.optim.RMSprop(groups, alpha=0.99),
    "sgd": lambda groups: torch.optim.SGD(groups, momentum=0.9),
}


def _clip(trained: list[nn.Parameter], cfg: TrainConfig) -> None:
    if cfg.clip_value:
        nn.utils.clip_grad_value_(trained, cfg.clip_value)
    if cfg.clip_norm:
        nn.utils.clip_grad_norm_(trained, cfg.clip_norm)


@torch.no_grad()
def _blend(mean: nn.Module, model: nn.Module, decay: float) -> None:
    """Set `mean` to decay * mean + (1 - decay) * model, for all that is trained."""
    pairs = [(m, p) for m, p in zip(mean.parameters(), model.parameters(), strict=True) if p.requires_grad]
    torch._foreach_lerp_([m for m, _ in pairs], [p for _, p in pairs], 1 - decay)


def epoch_steps(count: int, batch: int) -> int:
    """Steps of an epoch over `count` things: its last things make no batch of their own, unless all do."""
    return max(1, count // batch)


def batches(count: int, step: int, batch: int, seed: int) -> list[int]:
    """The indices that step `step` sees: each epoch is a fresh shuffle of all `count`, its rest left out."""
    epoch, place = divmod(step, epoch_steps(count, batch))
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed * 7_919 + epoch))
    return order[place * batch : (place + 1) * batch].tolist()


def chunks(count: int, size: int) -> Iterator[slice]:
    """Slices that cover `range(count)` in order, `size` at a time."""
    for first in range(0, count, size):
        yield slice(first, min(first + size, count))
