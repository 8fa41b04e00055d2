"""Values of the host as tensors on a device, without a wait for the device."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


def on_device(values: Sequence[object] | npt.NDArray[np.generic] | Tensor, device: torch.device) -> Tensor:
    """A tensor of values on a device.

    A copy that blocks would wait for all work that a GPU has been given. This one does not: the driver takes
    the values before the call returns.

    >>> on_device([[1, 2], [3, 4]], torch.device("cpu"))
    tensor([[1, 2],
            [3, 4]])
    """
    return torch.as_tensor(values).to(device, non_blocking=True)
