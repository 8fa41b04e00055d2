"""Graphs with external data are refused, wherever the tensor is; the shipped graphs are accepted."""

from collections.abc import Callable
from contextlib import suppress

import onnx
import pytest
from onnx import TensorProto, helper

from dvsa.bundle import shipped
from dvsa.external_data import refuse_external_data
from dvsa.manifest import BundleError


def external() -> TensorProto:
    tensor = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
    tensor.ClearField("float_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    return tensor


def model(
    nodes: list[onnx.NodeProto] | None = None, tensors: list[TensorProto] | None = None
) -> onnx.ModelProto:
    return helper.make_model(helper.make_graph(nodes or [], "g", [], [], tensors or []))


def in_constant() -> onnx.ModelProto:
    return model([helper.make_node("Constant", [], ["c"], value=external())])


def in_branch() -> onnx.ModelProto:
    inner = helper.make_graph([], "inner", [], [], [external()])
    return model([helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)])


def in_sparse() -> onnx.ModelProto:
    made = model()
    made.graph.sparse_initializer.add().values.CopyFrom(external())
    return made


def in_function() -> onnx.ModelProto:
    made = model()
    made.functions.add().node.append(helper.make_node("Constant", [], ["c"], value=external()))
    return made


def in_training() -> onnx.ModelProto:
    made = model()
    made.training_info.add().algorithm.initializer.append(external())
    return made


PLACES: list[Callable[[], onnx.ModelProto]] = [
    lambda: model(tensors=[external()]),
    in_constant,
    in_branch,
    in_sparse,
    in_function,
    in_training,
]


@pytest.mark.parametrize("place", range(len(PLACES)))
def test_external_data_is_found_wherever_it_is(place: int) -> None:
    with pytest.raises(BundleError, match=r"^look\.onnx has weights in other files"):
        refuse_external_data(PLACES[place]().SerializeToString(), "look.onnx")


def test_a_location_without_a_name_is_found() -> None:
    tensor = external()
    tensor.ClearField("external_data")
    with pytest.raises(BundleError, match="in other files"):
        refuse_external_data(model(tensors=[tensor]).SerializeToString(), "look.onnx")


def test_the_shipped_graphs_have_none() -> None:
    for path in shipped().glob("*.onnx"):
        refuse_external_data(path.read_bytes(), path.name)


def test_every_cut_of_a_graph_is_refused_or_accepted() -> None:
    content = in_branch().SerializeToString()
    for length in range(len(content)):
        with suppress(BundleError):
            refuse_external_data(content[:length], "look.onnx")


def test_a_field_whose_number_is_too_long_is_refused() -> None:
    """Readers keep 32 bits of such a number: then it is external data, also if a longer number is not."""
    for key in (b"\xea\x80\x80\x80\x10", b"\xea\x80\x80\x80\x80\x80\x80\x80\x80\x01"):
        content = ld(b"\x08\x01\x42\x01w" + key + b"\x17" + ENTRY + b"\xf0\x80\x80\x80\x10\x01", 5)
        with pytest.raises(BundleError, match="is not an ONNX graph"):
            refuse_external_data(ld(content, 7), "look.onnx")


def ld(content: bytes, field: int) -> bytes:
    """A message as a field of another one."""
    return bytes([field << 3 | 2, len(content)]) + content


ENTRY = b"\x0a\x08location\x12\x0b/etc/passwd"
