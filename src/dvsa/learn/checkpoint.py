"""Weights and training state on disk: safetensors with JSON in their metadata, written whole or not."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path to write to; what is there at the end takes the place of `path`, and nothing after an error.

    So a reader sees the old file or the new one, never a part.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def save(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, JsonValue]) -> None:
    """Write tensors and facts to `path`, whole or not at all."""
    plain = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    with whole(path) as partial:  # `save_file` would make a file that others cannot read
        partial.write_bytes(to_bytes(plain, metadata={"facts": json.dumps(facts)}))


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
        raise ValueError(f"no checkpoint at {path}: train that stage first") from error
    except (SafetensorError, json.JSONDecodeError, OSError) as error:
        raise ValueError(f"the checkpoint {path} is damaged ({error}): delete it and train on") from error


def prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors under `prefix/name`."""
    return {f"{prefix}/{name}": tensor for name, tensor in tensors.items()}


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix/`, without it."""
    return {
        name.removeprefix(prefix + "/"): t for name, t in tensors.items() if name.startswith(prefix + "/")
    }


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """An optimiser's memory as named tensors: `index/key`."""
    state = optimizer.state_dict()["state"]
    return {
        f"{i}/{key}": torch.as_tensor(value) for i, entry in state.items() for key, value in entry.items()
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give an optimiser the memory that `optimizer_tensors` took."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, key = name.split("/", 1)
        state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
