"""Which examples each step and each evaluation sees."""

from collections.abc import Iterator
from functools import lru_cache

import torch
from torch import Tensor


def epoch_steps(examples: int, batch: int) -> int:
    """Steps of an epoch. An incomplete last batch is dropped, except if it is the only one."""
    return max(1, examples // batch)


def batch_at(step: int, examples: int, batch: int, seed: int) -> list[int]:
    """Indices of the examples that a step sees; every epoch is a new shuffle of all examples."""
    epoch, place = divmod(step, epoch_steps(examples, batch))
    return _order(examples, seed * 7_919 + epoch)[place * batch : (place + 1) * batch].tolist()


@lru_cache(maxsize=2)
def _order(examples: int, seed: int) -> Tensor:
    """A shuffle of all examples; it is kept, since every step of an epoch asks for it."""
    return torch.randperm(examples, generator=torch.Generator().manual_seed(seed))


def chunks(count: int, size: int) -> Iterator[slice]:
    """Slices that cover `range(count)` in order, at most `size` at a time."""
    for first in range(0, count, size):
        yield slice(first, min(first + size, count))
