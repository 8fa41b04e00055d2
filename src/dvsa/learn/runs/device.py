"""The device to compute on."""

import torch


def pick_device(name: str | None) -> torch.device:
    """The device of that name, after a test that it works; by default a GPU if there is one.

    Raises:
        ValueError: the device cannot be used.
    """
    name = name or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.zeros(1, device=name).device
    except (RuntimeError, AssertionError) as error:  # AssertionError: torch without CUDA
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"the device {name!r} cannot be used ({reason}): give cpu or another device"
        ) from error
