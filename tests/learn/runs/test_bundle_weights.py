"""Weights that a bundle must have, and those that it lacks for a reason."""

import pytest
from torch import nn

from dvsa.bundle import Bundle
from dvsa.learn.nets import backbones
from dvsa.learn.nets.backbones.folding import fold_batch_norms, is_folded
from dvsa.learn.runs.bundle_weights import check_complete


def test_only_weights_that_no_graph_needs_may_be_missing() -> None:
    """In this model norms before convolutions stay."""
    net = nn.ModuleDict({"backbone": backbones.build("timm:test_coatnet", pretrained=False)}).eval()
    fold_batch_norms(net)
    norms = {name: m for name, m in net.named_modules() if isinstance(m, nn.BatchNorm2d)}
    folded = next(name for name, norm in norms.items() if is_folded(norm))
    kept = next(name for name, norm in norms.items() if not is_folded(norm))
    known, bundle = net.state_dict(), Bundle.open()

    for name in (f"{folded}.weight", f"{folded}.running_var", f"{kept}.num_batches_tracked"):
        check_complete(net, {key: w for key, w in known.items() if key != name}, bundle)
    for name in (f"{kept}.weight", f"{kept}.running_var", "backbone.net.stem.conv1.weight"):
        with pytest.raises(ValueError, match=f"has no weight named {name}: "):
            check_complete(net, {key: w for key, w in known.items() if key != name}, bundle)
