"""Weights of one network in another: each must have its place, except those of a classifier."""

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

COUNTER = "num_batches_tracked"
"""The last part of the name of a batch norm's counter, which older files lack and nothing here reads."""


def without_classifier(weights: Mapping[str, Tensor], layers: Sequence[str]) -> dict[str, Tensor]:
    """The weights that do not belong to one of the `layers`, the last ones of a classifier."""
    return {name: w for name, w in weights.items() if not name.startswith(tuple(f"{n}." for n in layers))}


def fill(net: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Load weights of the same names, shapes and kinds (float or integer) into a network.

    Raises:
        ValueError: a weight is missing, unknown or of another shape or kind; the network is unchanged.
    """
    own = net.state_dict()
    missing = [name for name in own if name not in weights and not name.endswith(COUNTER)]
    unknown = [name for name in weights if name not in own]
    if missing or unknown:
        faults = [_listed("missing", missing), _listed("unknown", unknown)]
        raise ValueError(f"the weights do not fit: {'; '.join(filter(None, faults))}")

    for name, weight in weights.items():
        if weight.shape != own[name].shape:
            raise ValueError(f"{name} has shape {_shape(weight)} instead of {_shape(own[name])}")
        if weight.is_floating_point() != own[name].is_floating_point():
            raise ValueError(f"{name} is of type {weight.dtype} instead of {own[name].dtype}")
    net.load_state_dict(own | dict(weights))


def _listed(what: str, names: Sequence[str]) -> str:
    """Such as `missing are conv.weight and 3 others`; empty without names."""
    if len(names) < 2:
        return f"{what} is {names[0]}" if names else ""
    return f"{what} are {names[0]} and {len(names) - 1} other{'s' if len(names) > 2 else ''}"


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "()"
