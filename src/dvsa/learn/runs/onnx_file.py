"""A network as an ONNX file with weights in half precision."""

import copy
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from dvsa.learn.loop.state import Net
from dvsa.learn.nets.backbones.folding import fold_batch_norms

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
    store_half(path)


def halved(net: Net) -> Net:
    """A copy in eval mode with the weights rounded to half precision, as `write` stores them."""
    copied = copy.deepcopy(net).eval()
    fold_batch_norms(copied)
    return copied.half().float()


def store_half(path: Path, least: int = 256) -> None:
    """Store weights of at least `least` numbers in half precision, each followed by a cast to single.

    ONNX Runtime does the casts once, when it loads the graph, so the graph is as fast as before.
    """
    model = onnx.load(str(path))
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT and np.prod(tensor.dims) >= least:
            rounded = numpy_helper.to_array(tensor).astype(np.float16)
            half = numpy_helper.from_array(rounded, tensor.name + ".half")
            casts.append(onnx.helper.make_node("Cast", [half.name], [tensor.name], to=onnx.TensorProto.FLOAT))
            tensor.CopyFrom(half)

    # The casts come before all nodes that use the weights.
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
