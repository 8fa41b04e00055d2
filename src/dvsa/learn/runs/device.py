"""The device to compute on."""

import torch


def has_gpu() -> bool:
    """Whether torch can use a GPU."""
    return torch.cuda.is_available()


def pick_device(name: str | None) -> torch.device:
    """The device of that name, after a test that it works; by default a GPU if there is one.

    Raises:
        ValueError: the device cannot be used.
    """
    name = name or ("cuda" if has_gpu() else "cpu")
    try:
        return torch.zeros(1, device=name).device
    except (RuntimeError, AssertionError) as error:  # AssertionError: torch without CUDA
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"the device {name!r} cannot be used ({reason}): give cpu or another device"
        ) from error
