"""The weights of a bundle's graphs, under the names that they have in the networks."""

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from dvsa.bundle import Bundle
from dvsa.external_data import refuse_external_data
from dvsa.learn.nets.backbones.backbone import Backbone
from dvsa.learn.nets.backbones.folding import always_read, is_folded
from dvsa.learn.runs.onnx_file import BYTES, HALF, SCALE
from dvsa.manifest import BundleError

SHIPPED = "shipped"
"""The name of the bundle that comes with the package."""


def open_bundle(where: str) -> Bundle:
    """The `shipped` bundle, or the one in a folder or on the hub, to be built on.

    Raises:
        BundleError: the bundle is missing or damaged.
        ValueError: it does not say which photographs it has seen.
    """
    bundle = Bundle.open(None if where == SHIPPED else where)
    if bundle.seen() is None:
        raise ValueError(f"{bundle.folder} does not say which photographs it has seen: export its run again")
    return bundle


def weights(bundle: Bundle, graph: str) -> dict[str, Tensor]:
    """All weights of a graph by name, in single precision; none if the bundle lacks the graph."""
    file = bundle.content(f"{graph}.onnx")
    if file is None:
        return {}
    refuse_external_data(file, f"{bundle.folder / graph}.onnx")
    content = onnx.load_model_from_string(file).graph
    found = {
        tensor.name.removesuffix(HALF): torch.from_numpy(numpy_helper.to_array(tensor).astype(np.float32))
        for tensor in content.initializer
    }
    for name in [name for name in found if name.endswith(BYTES)]:  # rows with a scale each
        table = name.removesuffix(BYTES)
        if table + SCALE not in found:
            raise BundleError(
                f"{bundle.folder / graph}.onnx has no scales of {table}: export the bundle again"
            )
        found[table] = found.pop(name) * found.pop(table + SCALE)
    for node in content.node:  # equal weights, such as those of untrained norms, are stored once
        if node.op_type == "Identity" and node.input[0] in found:
            found[node.output[0]] = found[node.input[0]]
    return found


def check_complete(net: nn.Module, known: dict[str, Tensor], bundle: Bundle) -> None:
    """Raise ValueError if a weight is missing that the bundle should have.

    It lacks those of folded batch norms. It may lack those that only the maps of a backbone need, or only its
    `pooled`, since not every model uses both.
    """
    optional: set[str] = set()
    for name, part in net.named_modules():
        own = {f"{name}.{key}".removeprefix("."): key for key in part.state_dict()}
        if isinstance(part, Backbone):
            needed = always_read(part)
            optional |= {full for full, key in own.items() if key not in needed}
        elif isinstance(part, nn.BatchNorm2d) and is_folded(part):
            optional |= own.keys()

    missing = [name for name in net.state_dict() if name not in known.keys() | optional]
    if missing:
        raise ValueError(
            f"{bundle.folder} has no weight named {missing[0]}: an earlier version made it; "
            "export its run again, or use another bundle"
        )
