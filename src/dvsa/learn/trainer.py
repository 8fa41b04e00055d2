"""The one training loop. A task gives the network, the loss of a step and the evaluation."""

import copy
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn

from dvsa.learn import checkpoint, curve


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


class Task(Protocol):
    """What there is to learn. All randomness follows from the step, so that a resumed run is the same run."""

    name: str
    goal: str
    """The metric that picks the best checkpoint; higher is better."""

    def build(self) -> nn.Module: ...

    def lr_scale(self, parameter: str) -> float:
        """Factor on the learning rate of a parameter by its name; 0 keeps it as it is."""
        ...

    def steps_per_epoch(self, batch: int) -> int: ...

    def loss(self, model: nn.Module, step: int, batch: int, seed: int) -> Tensor: ...

    def evaluate(self, model: nn.Module) -> Mapping[str, float]: ...


def train(task: Task, cfg: TrainConfig, out: Path, device: torch.device, *, quiet: bool = False) -> nn.Module:
    """Train to the end and return the best network; goes on from `out` where an earlier run stopped.

    Writes into `out`: `last.safetensors` (weights, optimiser, step), `best.safetensors` (weights by
    `task.goal`), `log.jsonl` (a line an evaluation) and `curve.png`. Stops with a ValueError on a loss that is
    not finite.
    """
    torch.manual_seed(cfg.seed)
    model = task.build().to(device)
    wanted = [(p, p.requires_grad) for p in model.parameters()]
    mean = copy.deepcopy(model).eval() if cfg.ema else model
    optimizer = OPTIMIZERS[cfg.optimizer](_groups(task, model, cfg))
    per_epoch = task.steps_per_epoch(cfg.batch)
    steps, every = cfg.epochs * per_epoch, cfg.evaluate_every * per_epoch
    step, best, lines = _resume(out, model, mean, optimizer)
    began = time.monotonic() - (lines[-1]["seconds"] if lines else 0.0)
    losses = torch.zeros((), device=device)
    with _progress(task.name, step, steps, quiet) as advance:
        while step < steps:
            torch.manual_seed(cfg.seed * 1_000_003 + step)  # dropout too follows from the step alone
            for group in optimizer.param_groups:
                group["lr"] = group["scale"] * cfg.lr_at(step, steps)
            model.train()
            loss = task.loss(model, step, cfg.batch, cfg.seed)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            _clip(model, cfg)
            optimizer.step()
            losses += loss.detach()
            step += 1
            if cfg.ema:
                _blend(mean, model, min(cfg.ema, (1 + step) / (10 + step)))
            advance(step)
            if step % every == 0 or step == steps:
                since = step - (int(lines[-1]["step"]) if lines else 0)
                figures = {"loss": losses.item() / since, "lr": cfg.lr_at(step - 1, steps)}
                if not math.isfinite(figures["loss"]):
                    raise ValueError(
                        f"the loss of {task.name} is not finite at step {step}: lower its learning rate"
                    )
                losses.zero_()
                mean.eval()
                with torch.no_grad():
                    figures |= task.evaluate(mean)
                lines.append(
                    {"step": step, "epoch": step / per_epoch, "seconds": time.monotonic() - began, **figures}
                )
                if figures[task.goal] > best:
                    best = figures[task.goal]
                    checkpoint.save(out / "best.safetensors", mean.state_dict(), {"step": step, **figures})
                _keep(out, step, best, lines, model, mean, optimizer)
    model.load_state_dict(checkpoint.load(out / "best.safetensors")[0])
    for parameter, trained in wanted:
        parameter.requires_grad_(trained)
    return model.eval()


def _groups(task: Task, model: nn.Module, cfg: TrainConfig) -> list[dict[str, object]]:
    """Parameter groups by learning-rate factor; vectors and scalars get no weight decay."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        scale = task.lr_scale(name)
        if not scale:
            parameter.requires_grad_(False)
        elif parameter.requires_grad:
            groups.setdefault((scale, cfg.weight_decay if parameter.ndim > 1 else 0.0), []).append(parameter)
    return [{"params": p, "scale": s, "lr": s * cfg.lr, "weight_decay": d} for (s, d), p in groups.items()]


OPTIMIZERS: dict[str, Callable[[list[dict[str, object]]], torch.optim.Optimizer]] = {
    "adamw": lambda groups: torch.optim.AdamW(groups, betas=(0.9, 0.98)),
    "rmsprop": lambda groups: torch.optim.RMSprop(groups, alpha=0.99),
    "sgd": lambda groups: torch.optim.SGD(groups, momentum=0.9),
}


def _clip(model: nn.Module, cfg: TrainConfig) -> None:
    if cfg.clip_value:
        nn.utils.clip_grad_value_(model.parameters(), cfg.clip_value)
    if cfg.clip_norm:
        nn.utils.clip_grad_norm_(model.parameters(), cfg.clip_norm)


@torch.no_grad()
def _blend(mean: nn.Module, model: nn.Module, decay: float) -> None:
    """mean <- decay * mean + (1 - decay) * model, for all that is trained."""
    pairs = [(m, p) for m, p in zip(mean.parameters(), model.parameters(), strict=True) if p.requires_grad]
    torch._foreach_lerp_([m for m, _ in pairs], [p for _, p in pairs], 1 - decay)


Line = dict[str, float]


def _resume(
    out: Path, model: nn.Module, mean: nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[int, float, list[Line]]:
    """Step, best figure and log lines of the run in `out`; a fresh start where there is none."""
    if not (out / "last.safetensors").is_file():
        return 0, -math.inf, []
    tensors, facts = checkpoint.load(out / "last.safetensors")
    model.load_state_dict(checkpoint.under("model", tensors))
    if mean is not model:
        mean.load_state_dict(checkpoint.under("mean", tensors))
    checkpoint.restore_optimizer(optimizer, checkpoint.under("optimizer", tensors))
    lines = facts["lines"]
    step, best = facts["step"], facts["best"]
    assert isinstance(lines, list) and isinstance(step, int) and isinstance(best, float)
    return step, best, lines  # type: ignore[return-value]


def _keep(
    out: Path,
    step: int,
    best: float,
    lines: list[Line],
    model: nn.Module,
    mean: nn.Module,
    optimizer: torch.optim.Optimizer,
) -> None:
    tensors = checkpoint.prefixed("model", model.state_dict())
    if mean is not model:
        tensors |= checkpoint.prefixed("mean", mean.state_dict())
    tensors |= checkpoint.prefixed("optimizer", checkpoint.optimizer_tensors(optimizer))
    checkpoint.save(
        out / "last.safetensors", tensors, {"step": step, "best": best, "lines": [dict(x) for x in lines]}
    )
    (out / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    curve.draw(lines, out / "curve.png")


class _progress:
    """A progress bar on standard error as a context manager that gives `advance(step)`."""

    def __init__(self, name: str, step: int, steps: int, quiet: bool) -> None:
        from rich.console import Console

        columns = (
            TextColumn(f"{name:8}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            TimeRemainingColumn(),
        )
        self.bar = Progress(*columns, console=Console(stderr=True), disable=quiet)
        self.task = self.bar.add_task(name, completed=step, total=steps)

    def __enter__(self) -> Callable[[int], None]:
        self.bar.start()
        return lambda step: self.bar.update(self.task, completed=step)

    def __exit__(self, *_: object) -> None:
        self.bar.stop()


def batches(count: int, step: int, batch: int, seed: int) -> tuple[int, list[int]]:
    """The epoch and the indices that step `step` sees: each epoch is a fresh shuffle, its rest left out."""
    per_epoch = max(1, count // batch)
    epoch, place = divmod(step, per_epoch)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed * 7_919 + epoch))
    return epoch, order[place * batch : (place + 1) * batch].tolist()


def chunks(count: int, size: int) -> Iterator[slice]:
    """Slices that cover `range(count)` in order, `size` at a time."""
    for first in range(0, count, size):
        yield slice(first, min(first + size, count))
