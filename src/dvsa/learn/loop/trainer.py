"""The training loop. A task says what to learn; the loop owns the data order, the steps and the seed."""

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor
from torch.profiler import record_function

from dvsa.learn.loop import checkpoint, optimizer, processes
from dvsa.learn.loop.config import TrainConfig
from dvsa.learn.loop.loggers import Logger
from dvsa.learn.loop.order import batch_at, epoch_steps
from dvsa.learn.loop.progress import progress
from dvsa.learn.loop.recording import Inputs, Recorder
from dvsa.learn.loop.state import Line, Net, TrainingState, running_mean
from dvsa.learn.loop.watch import Watch

APART = 1 << 40
"""The distance between the seeds of two processes."""

KEEP_EVERY = 300.0
"""Seconds between two checkpoints within an epoch."""


class Task(Protocol[Net, Inputs]):
    """What to learn: how many examples there are, what a batch of them costs, and how the result is judged.

    The loop seeds torch before every step, so a task may draw random numbers, and a resumed run still equals
    an unbroken one.
    """

    name: str
    goal: str
    """The figure of `evaluate` that picks the best checkpoint; higher is better."""

    @property
    def recordable(self) -> bool:
        """Whether `loss` works with tensors on the device alone, so that a recording of it can be played."""
        ...

    def __len__(self) -> int:
        """How many examples an epoch has."""
        ...

    def build(self) -> Net:
        """The network before the first step."""
        ...

    def lr_scale(self, parameter: str) -> float:
        """Factor on the learning rate of a parameter by its name; 0 freezes it."""
        ...

    def expecting(self, batches: Iterable[Sequence[int]]) -> AbstractContextManager[None]:
        """Prepare the inputs of batches, which will be asked for in this order."""
        ...

    def inputs(self, net: Net, batch: Sequence[int]) -> Inputs:
        """What `loss` needs of the examples with these indices: tensors on the device, in tuples."""
        ...

    def loss(self, net: Net, inputs: Inputs) -> Tensor:
        """The loss, a scalar."""
        ...

    def evaluate(self, net: Net) -> Mapping[str, float]:
        """Figures on the validation split."""
        ...


def train(
    task: Task[Net, Inputs],
    cfg: TrainConfig,
    out: Path,
    device: torch.device,
    *,
    seed: int = 0,
    quiet: bool = False,
    loggers: Sequence[Logger] = (),
) -> Net:
    """Train to the end and return the best network; continue where an earlier call on `out` stopped.

    Writes into `out`: `last.safetensors` (weights, optimizer, step), `best.safetensors` (the weights with the
    highest `task.goal`), `log.jsonl` (one line for each evaluation) and `curve.png`. `last` is also written
    every five minutes within an epoch.

    Raises:
        ValueError: a loss or a figure is not finite, or the task trains no parameter.
    """
    # The network and its optimizer, new or as the last checkpoint left them.
    torch.manual_seed(seed)
    net = task.build().to(device)
    net.zero_grad()  # gradients of an earlier stage would count in the norm that `clip_norm` bounds
    frozen_before = [(p, p.requires_grad) for p in net.parameters()]
    mean = running_mean(net) if cfg.ema else net
    state = TrainingState(net, mean, optimizer.build(net, cfg, task.lr_scale, task.name))
    state.restore(out)

    _to_the_end(task, cfg, state, out, device, seed, quiet, loggers)

    # The best network; the same parameters are trainable as before.
    net.load_state_dict(checkpoint.load(out / "best.safetensors")[0])
    for parameter, trainable in frozen_before:
        parameter.requires_grad_(trainable)
    return net.eval()


def _to_the_end(
    task: Task[Net, Inputs],
    cfg: TrainConfig,
    state: TrainingState[Net],
    out: Path,
    device: torch.device,
    seed: int,
    quiet: bool,
    loggers: Sequence[Logger],
) -> None:
    """Do all steps from that of the state on, with evaluations and checkpoints."""
    recorder = Recorder(state.trained, record=_recorded(task, device))
    per_epoch = epoch_steps(len(task), cfg.batch)
    steps, every = cfg.epochs * per_epoch, cfg.evaluate_every * per_epoch

    def batch_of(step: int) -> Sequence[int]:
        return processes.share(batch_at(step, len(task), cfg.batch, seed))

    losses, watch = torch.tensor(state.loss, device=device), Watch(device)
    began, kept = time.monotonic() - state.seconds, time.monotonic()
    with (
        _fast_products(device),
        task.expecting(map(batch_of, range(state.step, steps))),
        progress(task.name, steps, done=state.step, quiet=quiet) as advance,
    ):
        while not cfg.ended(state.step / per_epoch, state.since_best):
            # One step on the next batch.
            lr = cfg.lr_at(state.step, steps)
            batch = batch_of(state.step)
            torch.manual_seed(seed * 1_000_003 + state.step + APART * processes.rank())  # for dropout too
            losses += _step(task, cfg, state, recorder, batch, lr)
            advance(1, watch.look(len(batch), losses, state.step - state.logged, lr))

            # An evaluation, with a checkpoint.
            if state.step % every == 0 or state.step == steps:
                line = {"loss": losses.item() / (state.step - state.logged), "lr": lr}
                found = _evaluate(task, state, line)
                now: Line = {"step": state.step, "epoch": state.step / per_epoch}
                line = now | {"seconds": time.monotonic() - began} | found
                state.save(out, line, line[task.goal], write=processes.rank() == 0)
                for logger in loggers:
                    logger.log(task.name, line)
                processes.wait()
                losses.zero_()
                kept = time.monotonic()

            # In long epochs, a checkpoint between two evaluations.
            elif processes.rank() == 0 and time.monotonic() - kept > KEEP_EVERY:
                if losses.isfinite():
                    state.keep(out, losses.item(), time.monotonic() - began)
                kept = time.monotonic()


def _recorded(task: Task[Net, Inputs], device: torch.device) -> bool:
    """Whether steps are recorded."""
    return device.type == "cuda" and task.recordable


@contextmanager
def _fast_products(device: torch.device) -> Iterator[None]:
    """Products of matrices on a GPU round their factors to 11 bits (TF32), which is several times as fast."""
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = device.type == "cuda"
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def _step(
    task: Task[Net, Inputs],
    cfg: TrainConfig,
    state: TrainingState[Net],
    recorder: Recorder,
    batch: Sequence[int],
    lr: float,
) -> Tensor:
    """One step of the optimizer; its loss."""
    if not state.net.training:  # switching the modes of a large backbone takes as long as a small step
        state.net.train()
    with record_function(f"{task.name}: inputs"):
        inputs = task.inputs(state.net, batch)
    with record_function(f"{task.name}: gradients"):
        loss = recorder.gradients(partial(task.loss, state.net), inputs)
    processes.average_gradients(state.trained)
    with record_function(f"{task.name}: update"):
        optimizer.step(state.optimizer, state.trained, lr, cfg)
        state.step += 1
        if cfg.ema:
            state.blend(min(cfg.ema, (1 + state.step) / (10 + state.step)))
    return loss


@torch.no_grad()
def _evaluate(task: Task[Net, Inputs], state: TrainingState[Net], line: Line) -> Line:
    """The loss of all processes and the rate in `line`, with figures that the first process measures.

    Raises:
        ValueError: a figure or the loss is not finite.
    """

    def measure() -> Mapping[str, float]:
        with record_function(f"{task.name}: evaluation"):
            return task.evaluate(state.mean.eval())

    line = line | {"loss": processes.total(torch.tensor(line["loss"])).item() / processes.count()}
    _require_finite(line, task.name, state.step)
    figures = processes.from_first(measure)
    _require_finite(figures, task.name, state.step)
    return line | figures


def _require_finite(line: Line, name: str, step: int) -> None:
    bad = [key for key, figure in line.items() if not math.isfinite(figure)]
    if bad:
        raise ValueError(f"{' and '.join(bad)} of {name} not finite at step {step}: lower its learning rate")
