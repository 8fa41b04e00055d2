"""Weights and training state on disk: safetensors with JSON in their metadata."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from dvsa import files

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]


def save(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, JsonValue]) -> None:
    """Write tensors and facts to a file, which replaces `path` atomically on success; creates its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    # `save_file` of safetensors would make a file that other users cannot read.
    files.write(path, to_bytes(plain, metadata={"facts": json.dumps(facts)}))


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, JsonValue]]:
    """Tensors (on the CPU) and facts of a file that `save` wrote.

    Raises:
        ValueError: the file is missing or damaged; the message names it.
    """
    try:
        with safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {}).get("facts", "{}"))
            return {name: file.get_tensor(name) for name in file.keys()}, facts  # noqa: SIM118
    except FileNotFoundError as error:
        raise ValueError(
            f"no checkpoint at {path}: the stage is not finished; repeat the same dvsa train"
        ) from error
    except (SafetensorError, json.JSONDecodeError, OSError) as error:
        raise ValueError(f"the checkpoint {path} is damaged ({error}): delete it and train again") from error


def prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors under `prefix/name`."""
    return {f"{prefix}/{name}": tensor for name, tensor in tensors.items()}


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix/`, without it."""
    return {
        name.removeprefix(prefix + "/"): t for name, t in tensors.items() if name.startswith(prefix + "/")
    }


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The state of an optimizer as named tensors: `index/key`."""
    state = optimizer.state_dict()["state"]
    return {
        f"{i}/{key}": torch.as_tensor(value) for i, entry in state.items() for key, value in entry.items()
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Restore the state of an optimizer from what `optimizer_tensors` returned."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, key = name.split("/", 1)
        state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
