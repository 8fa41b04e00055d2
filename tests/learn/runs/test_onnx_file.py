"""ONNX files with small weights."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
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
    onnx_file.store_small(path)
    assert path.read_bytes() == before


def test_rows_of_tables_are_stored_in_bytes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    table = nn.Embedding(30, 16)
    table.weight.data[3] = 0
    table.weight.data[4] *= 100  # each row has a scale of its own
    path, ids = tmp_path / "table.onnx", torch.arange(30)
    onnx_file.write(table, (ids,), path, ["ids"], ["s"])

    sizes = {len(t.raw_data) for t in onnx.load(str(path)).graph.initializer}
    assert sizes == {30 * 16, 4 * 30}
    (found_VD,) = onnxruntime.InferenceSession(path).run(None, {"ids": ids.numpy()})
    weight_VD = table.weight.detach().numpy()
    step_V1 = np.abs(weight_VD).max(axis=1, keepdims=True) / 127
    assert (np.abs(found_VD - weight_VD) <= 0.5001 * step_V1).all()
    np.testing.assert_allclose(found_VD, onnx_file.as_stored(table).weight.detach().numpy(), rtol=1e-6)

    # What was stored once is stored in the same way again.
    again = tmp_path / "again.onnx"
    onnx_file.write(onnx_file.as_stored(table), (ids,), again, ["ids"], ["s"])
    (same_VD,) = onnxruntime.InferenceSession(again).run(None, {"ids": ids.numpy()})
    np.testing.assert_allclose(same_VD, found_VD, rtol=1e-6)
