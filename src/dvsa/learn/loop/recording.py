"""The loss and the gradients of a step: computed as usual, or recorded on a GPU once and played again.

A step of a small network is hundreds of small kernels. Python takes longer to launch them than the GPU takes
to run them. A CUDA graph launches all of them at once. It always uses the same memory, so new inputs are
copied to the places of the recorded ones, and each combination of shapes has its own recording.

Messages between GPUs are recorded too. So all processes of a training must record, and play, the same steps:
a combination has the shapes of all of them.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_unflatten

from dvsa.learn.loop import processes

Inputs = TypeVar("Inputs")
Shapes = tuple[tuple[int, ...], ...]

WARM_UP = 2
"""Steps of a shape before it is recorded: libraries choose their kernels and workspaces in these."""


@dataclass(frozen=True)
class _Recording:
    """A recorded step, and the memory that it uses."""

    graph: torch.cuda.CUDAGraph
    inputs: Sequence[Tensor]
    loss: Tensor
    gradients: Sequence[Tensor | None]


class Recorder:
    """Computes losses and gradients, and records them for the shapes of inputs that come again."""

    def __init__(self, parameters: Sequence[Tensor], *, record: bool) -> None:
        """`parameters` are those that are trained. Without `record`, every step is computed as usual."""
        self.parameters, self.record = parameters, record
        self.recordings: dict[Shapes, _Recording] = {}
        self.seen = Counter[Shapes]()

    def gradients(self, loss_of: Callable[[Inputs], Tensor], inputs: Inputs) -> Tensor:
        """The loss of some inputs, a scalar without history. Its gradients replace those of the parameters.

        Args:
            loss_of: a function that reads and makes tensors on the GPU alone if it is to be recorded. It may
                draw random numbers on the GPU: they follow the seed of the step in a recording too.
            inputs: a tensor, or tuples of tensors.
        """
        if not self.record:
            return self._compute(loss_of, inputs)
        tensors, structure = tree_flatten(inputs)
        shapes = processes.shapes_of_all([tensor.shape for tensor in tensors])
        self.seen[shapes] += 1
        if self.seen[shapes] <= WARM_UP:
            return self._compute(loss_of, inputs)

        if shapes not in self.recordings:
            own = [tensor.clone() for tensor in tensors]
            self.recordings[shapes] = self._recorded(loss_of, own, tree_unflatten(own, structure))
        return self._played(self.recordings[shapes], tensors)

    def _compute(self, loss_of: Callable[[Inputs], Tensor], inputs: Inputs) -> Tensor:
        for parameter in self.parameters:
            parameter.grad = None
        loss = loss_of(inputs)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def _recorded(
        self, loss_of: Callable[[Inputs], Tensor], tensors: Sequence[Tensor], inputs: Inputs
    ) -> _Recording:
        """Record a step. The GPU computes nothing yet. Other threads may go on using it."""
        graph = torch.cuda.CUDAGraph()
        earlier = next(iter(self.recordings.values()), None)
        pool = None if earlier is None else earlier.graph.pool()  # only one of them plays at a time
        with torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
            loss = self._compute(loss_of, inputs)
        return _Recording(graph, tensors, loss, [parameter.grad for parameter in self.parameters])

    def _played(self, recording: _Recording, tensors: Sequence[Tensor]) -> Tensor:
        for own, tensor in zip(recording.inputs, tensors, strict=True):
            own.copy_(tensor)
        recording.graph.replay()
        for parameter, gradient in zip(self.parameters, recording.gradients, strict=True):
            parameter.grad = gradient
        return recording.loss
