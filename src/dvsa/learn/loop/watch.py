"""What a training says beside its progress bar: loss, learning rate, speed, and memory."""

import sys
import time

import torch
from torch import Tensor

EVERY = 1.0
"""Seconds between two texts. Each reads the loss, for which the host waits for the GPU."""


class Watch:
    """Counts the examples of a training, and says once a second how it goes."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.last = time.monotonic()
        self.examples = 0

    def look(self, examples: int, loss: Tensor, steps: int, lr: float) -> str:
        """The text after a step; empty if the last one is less than a second old.

        Args:
            examples: how many the step learned from.
            loss: the sum of the losses of some steps.
            steps: how many these are.
            lr: the learning rate.
        """
        self.examples += examples
        now = time.monotonic()
        if now - self.last < EVERY:
            return ""
        rate = self.examples / (now - self.last)
        self.last, self.examples = now, 0
        memory = memory_of(self.device) / 2**30
        return f"loss {loss.item() / steps:.3g}, lr {lr:.2g}, {rate:.0f} examples/s, {memory:.1f} GiB"


def memory_of(device: torch.device) -> int:
    """The most memory that this process has used so far, in bytes: of a GPU, or resident."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
