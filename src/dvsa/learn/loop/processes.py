"""The processes of a training that torchrun has started. Each learns from its share of every batch.

In each process a task computes a loss such that the mean over all processes is the loss of the whole batch.
The gradients are averaged likewise. So N processes learn what one process learns from the same batches. In a
single process, the functions here change nothing.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Protocol

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn import functional

PATIENCE = timedelta(hours=2)
"""How long a process waits for the others, which may have to evaluate, or to read photographs."""


def count() -> int:
    """How many processes there are."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """The number of this process, from 0. Only the first one writes files and evaluates."""
    return dist.get_rank() if dist.is_initialized() else 0


@contextmanager
def joined() -> Iterator[None]:
    """Join the other processes if torchrun has started this one; each takes its own GPU if there are any.

    Raises:
        ValueError: another process has ended.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return

    backend = "gloo"
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        backend = "cpu:gloo,cuda:nccl"
    dist.init_process_group(backend, timeout=PATIENCE)
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, dist.DistError) or "gloo" in str(error):
            raise ValueError(
                "another process of this training has ended: the same command continues from the last "
                "checkpoint"
            ) from error
        raise
    finally:
        dist.destroy_process_group()


def share(batch: Sequence[int]) -> Sequence[int]:
    """The part of a batch that this process learns from.

    Raises:
        ValueError: the batch cannot be divided evenly.
    """
    size, rest = divmod(len(batch), count())
    if rest:
        raise ValueError(
            f"a batch of {len(batch)} cannot be divided among {count()} processes: set train.batch to a "
            "multiple, or start fewer processes"
        )
    return batch[rank() * size : (rank() + 1) * size]


def gathered(x: Tensor) -> Tensor:
    """The tensors of all processes one after the other, padded with 0 where later axes differ.

    The gradient of the own part is the sum of what all processes give back for it.
    """
    if count() == 1:
        return x
    if x.dtype == torch.bool:
        return gathered(x.byte()).bool()
    together: Tensor = _Gathered.apply(x)
    return together


class _Own(Protocol):
    """Where the own part begins in the gathered tensor, and its shape."""

    first: int
    shape: torch.Size


class _Gathered(torch.autograd.Function):
    @staticmethod
    def forward(ctx: "_Own", x: Tensor) -> Tensor:
        shapes = _of_all(torch.tensor(x.shape)).tolist()
        most = [max(sizes) for sizes in zip(*shapes, strict=True)]
        room = [(0, size - own) for size, own in zip(most, x.shape, strict=True)][::-1]
        padded = functional.pad(x, [side for pair in room for side in pair])
        ctx.first, ctx.shape = sum(shape[0] for shape in shapes[: rank()]), x.shape
        return torch.cat([part[: shape[0]] for part, shape in zip(_of_all(padded), shapes, strict=True)])

    @staticmethod
    def backward(ctx: "_Own", gradient: Tensor) -> Tensor:
        first, (size, *inner) = ctx.first, ctx.shape
        own = total(gradient)[first : first + size]
        return own[(slice(None), *map(slice, inner))]


def _of_all(x: Tensor) -> Tensor:
    """The tensors of all processes, which have the same shape, (processes, ...)."""
    parts = x.new_empty(count(), *x.shape)
    dist.all_gather_into_tensor(parts.view(count() * len(x), *x.shape[1:]), x.contiguous())
    return parts


def largest(size: int) -> int:
    """The largest number of all processes."""
    if count() == 1:
        return size
    sizes = torch.tensor(size)
    dist.all_reduce(sizes, dist.ReduceOp.MAX)
    return int(sizes)


def shapes_of_all(shapes: Sequence[torch.Size]) -> tuple[tuple[int, ...], ...]:
    """The sizes of some tensors in each process. All processes must have as many, with as many axes."""
    own = [size for shape in shapes for size in shape]
    if count() == 1:
        return (tuple(own),)
    return tuple(map(tuple, _of_all(torch.tensor(own)).tolist()))


def total(x: Tensor) -> Tensor:
    """The sum over all processes, without history."""
    x = x.detach()
    if count() > 1:
        x = x.clone()
        dist.all_reduce(x)
    return x


def own_part(sum_here: Tensor, of_all: Tensor) -> Tensor:
    """A loss whose mean over all processes is the sum of `sum_here` divided by `of_all`."""
    return count() * sum_here / of_all


def average_gradients(parameters: Sequence[Tensor]) -> None:
    """Replace the gradients by their means over all processes, all in one message.

    Every process must have gradients of the same parameters.
    """
    if count() == 1:
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    sizes = [gradient.numel() for gradient in gradients]
    for gradient, mean in zip(gradients, torch.split(flat / count(), sizes), strict=True):
        gradient.copy_(mean.view_as(gradient))


def from_first(measure: Callable[[], Mapping[str, float]]) -> dict[str, float]:
    """Figures that the first process measures while the others wait."""
    if count() == 1:
        return dict(measure())
    text = json.dumps(dict(measure())).encode() if rank() == 0 else b""
    size = total(torch.tensor(len(text)))
    content = torch.zeros(int(size), dtype=torch.uint8)
    content[: len(text)] = torch.tensor(list(text), dtype=torch.uint8)
    dist.broadcast(content, 0)
    figures: dict[str, float] = json.loads(bytes(content.tolist()))
    return figures


def wait() -> None:
    """Wait until all processes are here."""
    if count() > 1:
        total(torch.zeros(1))
