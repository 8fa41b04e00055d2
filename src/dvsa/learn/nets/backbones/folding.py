"""Batch norms folded into convolutions, where the network really runs the one right after the other."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from dvsa.learn.nets.backbones.backbone import Backbone

FOLDED = 1e-30
"""The epsilon of a folded batch norm. It changes no variance of 1, but torch refuses 0."""


def fold_batch_norms(net: nn.Module) -> None:
    """Fold batch norms of all backbones in a network; in eval mode the outputs stay the same.

    A batch norm is folded if it always follows the same convolution, and nothing else reads the
    convolution's output. The others stay as they are. The ONNX export does this too. If it is done before
    rounding, the rounded weights are those that are stored.
    """
    for backbone in net.modules():
        if isinstance(backbone, Backbone) and _has_weights(backbone):
            for conv, norm in _watched(backbone).pairs():
                fused = fuse_conv_bn_eval(conv, norm)
                conv.weight, conv.bias = fused.weight, fused.bias
                norm.reset_parameters()
                norm.eps = FOLDED


def is_folded(norm: nn.BatchNorm2d) -> bool:
    """Whether `fold_batch_norms` has folded this batch norm; it is the identity then."""
    return norm.eps == FOLDED


def drop_folded_norms(net: nn.Module) -> None:
    """Take the folded batch norms out of a network that is only used; what follows them inside stays.

    As modules they would still read and write every number once.
    """
    for parent in list(net.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.BatchNorm2d) and is_folded(child):
                # timm's batch norms have their activation inside.
                rest = [part for part in child.children() if not isinstance(part, nn.Identity)]
                setattr(parent, name, nn.Sequential(*rest))


def always_read(backbone: Backbone) -> set[str]:
    """Names of the weights on which both the maps and the vectors of a backbone depend."""
    if not _has_weights(backbone):
        return set()
    read = _watched(backbone, pooled=False).read & _watched(backbone, maps=False).read
    return {name for name, weight in backbone.state_dict(keep_vars=True).items() if id(weight) in read}


def _has_weights(backbone: Backbone) -> bool:
    return next(backbone.parameters(), None) is not None


@torch.no_grad()
def _watched(backbone: Backbone, *, maps: bool = True, pooled: bool = True) -> "_Watch":
    """What happens while a backbone makes maps and a vector of an empty picture, or one of both."""
    device = next(backbone.parameters()).device
    photograph, crop = (
        torch.zeros(1, side, side, 3, dtype=torch.uint8, device=device)
        for side in (backbone.size, backbone.crop_size)
    )
    watch = _Watch(backbone)
    with watch:
        outputs = [*(backbone(photograph) if maps else ()), *([backbone.pooled(crop)] if pooled else ())]
    watch.note_readers(outputs, None)
    return watch


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes who reads the output of a convolution, whose output a batch norm reads, and all that is read.

    Tensors are recognised by their identity: a convolution by its weight, a batch norm by its running mean.
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        modules = list(net.modules())
        self.conv_of = {id(m.weight): m for m in modules if isinstance(m, nn.Conv2d)}
        self.norm_of = {id(m.running_mean): m for m in modules if isinstance(m, nn.BatchNorm2d)}
        self.made: dict[int, tuple[Tensor, nn.Conv2d]] = {}
        """Outputs of convolutions; they are kept, so that no other tensor gets their identity."""
        self.readers: dict[nn.Conv2d, set[nn.BatchNorm2d | None]] = defaultdict(set)
        self.sources: dict[nn.BatchNorm2d, set[nn.Conv2d | None]] = defaultdict(set)
        self.read: set[int] = set()

    def __torch_dispatch__(
        self,
        func: Callable[..., object],
        types: object,
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        norm = next((self.norm_of[id(t)] for t in tensors if id(t) in self.norm_of), None)
        self.read |= {id(t) for t in tensors}
        self.note_readers(tensors, norm)
        if norm is not None:
            _, source = self.made.get(id(tensors[0]), (None, None))
            self.sources[norm].add(source)

        output = func(*args, **(kwargs or {}))
        if func is torch.ops.aten.convolution.default and isinstance(output, Tensor):
            conv = self.conv_of.get(id(tensors[1]))
            if conv is not None:
                self.made[id(output)] = output, conv
        return output

    def note_readers(self, tensors: Sequence[object], norm: nn.BatchNorm2d | None) -> None:
        """Note that a batch norm, or something else, reads some tensors."""
        for tensor in tensors:
            if id(tensor) in self.made:
                self.readers[self.made[id(tensor)][1]].add(norm)

    def pairs(self) -> Iterator[tuple[nn.Conv2d, nn.BatchNorm2d]]:
        """Convolutions and batch norms that only ever follow each other."""
        for conv, readers in self.readers.items():
            for norm in readers:
                if norm is not None and len(readers) == 1 and self.sources[norm] == {conv}:
                    yield conv, norm
