"""A network as an ONNX file: weights in half precision, and tables of vectors in bytes.

A row of a table, such as the vector of a word, is stored as whole numbers from -127 to 127 and a scale. ONNX
Runtime computes the weights once, when it loads the graph, so the graph is as fast as with single precision.
"""

import copy
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from dvsa.arrays import Floats
from dvsa.learn.loop.state import Net
from dvsa.learn.nets.backbones.folding import fold_batch_norms

FLOAT = onnx.TensorProto.FLOAT
HALF, BYTES, SCALE = ".half", ".bytes", ".scale"
"""What follows the name of a weight in the names of its stored parts."""
TINY = 1e-12
"""The least largest number of a row, so that a row of zeros has a scale."""
Axes = Mapping[str, dict[int, str]]
"""Names of the axes whose length is free, by input or output."""


def write(
    net: nn.Module,
    example: tuple[Tensor, ...],
    path: Path,
    inputs: Sequence[str],
    outputs: Sequence[str],
    free: Axes | None = None,
) -> None:
    """Write a network as an ONNX graph.

    Args:
        net: the network.
        example: inputs of the right shapes and types.
        path: of the file.
        inputs: their names.
        outputs: the names of the outputs.
        free: axes of any length; the batch, axis 0, is always free.
    """
    axes = {name: {0: "B"} for name in (*inputs, *outputs)} | dict(free or {})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns about constants that are meant to be constant
        torch.onnx.export(
            net.eval(),
            example,
            str(path),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
            do_constant_folding=False,
        )
    store_small(path)


def as_stored(net: Net) -> Net:
    """A copy in eval mode with the weights as `write` stores them."""
    copied = copy.deepcopy(net).eval()
    fold_batch_norms(copied)
    tables = {name: part for name, part in net.named_modules() if isinstance(part, nn.Embedding)}
    copied = copied.half().float()
    for name, table in tables.items():
        byte_VD, scale_V1 = in_bytes(table.weight.detach().float().cpu().numpy())
        copied.get_parameter(f"{name}.weight").data.copy_(torch.from_numpy(byte_VD * scale_V1))
    return copied


def in_bytes(weight_VD: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Rows as whole numbers (V, D) from -127 to 127, and their scales (V, 1)."""
    scale_V1 = np.maximum(np.abs(weight_VD).max(axis=1, keepdims=True), TINY) / 127
    return np.rint(weight_VD / scale_V1).astype(np.int8), scale_V1.astype(np.float32)


def store_small(path: Path, least: int = 256) -> None:
    """Store weights of at least `least` numbers in fewer bytes, with the nodes that compute them again."""
    model = onnx.load(str(path))
    graph = model.graph
    tables = {node.input[0] for node in graph.node if node.op_type == "Gather"}
    nodes, kept = [], []
    for tensor in graph.initializer:
        small = tensor.data_type != FLOAT or np.prod(tensor.dims) < least
        if small:
            kept.append(tensor)
        elif tensor.name in tables and len(tensor.dims) == 2:
            byte_VD, scale_V1 = in_bytes(numpy_helper.to_array(tensor))
            names = [tensor.name + ending for ending in (BYTES, SCALE, ".whole")]
            kept += [numpy_helper.from_array(byte_VD, names[0]), numpy_helper.from_array(scale_V1, names[1])]
            nodes.append(onnx.helper.make_node("Cast", [names[0]], [names[2]], to=FLOAT))
            nodes.append(onnx.helper.make_node("Mul", [names[2], names[1]], [tensor.name]))
        else:
            half = numpy_helper.to_array(tensor).astype(np.float16)
            kept.append(numpy_helper.from_array(half, tensor.name + HALF))
            nodes.append(onnx.helper.make_node("Cast", [tensor.name + HALF], [tensor.name], to=FLOAT))

    # These nodes come before all that use the weights.
    nodes += graph.node
    for part, new in ((graph.node, nodes), (graph.initializer, kept)):
        del part[:]
        part.extend(new)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
