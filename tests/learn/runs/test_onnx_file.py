"""ONNX files with weights in half precision."""

from pathlib import Path

import onnx
import torch
from torch import nn

from dvsa.learn.runs import onnx_file


def test_only_large_weights_are_stored_in_half_precision(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Linear(16, 16), nn.Linear(16, 15, bias=False))
    path = tmp_path / "net.onnx"
    onnx_file.write(net, (torch.rand(2, 16),), path, ["x"], ["y"])

    types = {tuple(t.dims): t.data_type for t in onnx.load(str(path)).graph.initializer}
    single, half = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16
    assert sorted(types.values()) == sorted([half, single, single])
    assert types[16,] == single

    # A second call has nothing left to do.
    before = path.read_bytes()
    onnx_file.store_half(path)
    assert path.read_bytes() == before
