"""Any model of timm as a backbone: convolutional networks, vision transformers and the towers of CLIP."""

import difflib
from collections.abc import Callable, Mapping
from functools import partial
from inspect import signature
from sys import modules
from typing import Protocol, TypeVar, cast

import torch
from torch import Tensor, nn

from dvsa.learn.nets.backbones.pretrained import READ, PretrainedBackbone
from dvsa.learn.nets.backbones.weights import without_classifier

SAFE = "model.safetensors"
"""The file of weights of a model on timm's hub."""
Found = TypeVar("Found")


class TimmModel(Protocol):
    """What models of timm have beyond those of torch; some lack one of the first two methods."""

    pretrained_cfg: Mapping[str, object]

    def forward_intermediates(
        self, x: Tensor, *, indices: list[int] | None, norm: bool, output_fmt: str, intermediates_only: bool
    ) -> list[Tensor]: ...

    def forward_head(self, x: Tensor, *, pre_logits: bool) -> Tensor: ...

    def forward_features(self, x: Tensor) -> Tensor: ...


def check(name: str) -> None:
    """Raise ValueError, with the most similar names, unless timm has a model of this name."""
    import timm

    architecture, _, tag = name.partition(".")
    known = timm.list_pretrained() if tag and timm.is_model(architecture) else timm.list_models()
    if name not in known:
        similar = difflib.get_close_matches(name, known, n=3)
        hint = f"did you mean {' or '.join(similar)}?" if similar else "timm.list_models() lists its models"
        raise ValueError(f"timm has no model {name!r}: {hint}")


class TimmBackbone(PretrainedBackbone):
    """A model of timm, with the scale and the size of the pixels that it was trained on.

    The coarse map is the last one of the model; the fine map is the last that is larger. If all are of one
    size, as in a vision transformer, the fine map is that from half-way. A model without maps has one place,
    with its pooled features; a model without these has the mean of its coarse map.
    """

    def __init__(self, name: str, *, pretrained: bool = True, proven: bool = False) -> None:
        super().__init__()
        import timm

        self.proven = proven
        self.net = timm.create_model(name, num_classes=0)
        cfg = self._model.pretrained_cfg
        self.mean, self.std = (cast(tuple[float, ...], cfg[key]) for key in ("mean", "std"))
        last = cast(str | tuple[str, ...] | None, cfg["classifier"]) or ()
        self.classifier = (last,) if isinstance(last, str) else last
        self.origin = f"weights of timm's {name} (licence: {cfg.get('license') or 'see its page'})"

        # It sees all pictures at the size that it was trained on.
        self.crop_size = self.inner = cast(tuple[int, int, int], cfg["input_size"])[-1]
        self.size = min(READ, self.inner)
        self._measure(name)
        if pretrained:
            self.load(_from_hub(name, cfg))
        self.train()

    @property
    def _model(self) -> TimmModel:
        return cast(TimmModel, self.net)

    @torch.no_grad()
    def _measure(self, name: str) -> None:
        """Show the model an empty picture, to find out what it gives and of which size."""
        self.net.eval()
        x_BCHW = torch.zeros(1, 3, self.inner, self.inner)
        self.pools = _tried(partial(self._pool, x_BCHW)) is not None

        # The maps that it gives, after its last norm if that is possible.
        self.normed, self.chosen = True, None
        maps = _tried(partial(self._intermediates, x_BCHW))
        if maps is None:
            self.normed = False
            maps = _tried(partial(self._intermediates, x_BCHW))
        if maps is None and not self.pools:
            raise ValueError(f"timm's {name} gives neither maps nor pooled features: choose another model")

        # Those of them that are used, and how many channels all outputs have.
        if maps is not None:
            last = len(maps) - 1
            larger = [n for n, map_BCHW in enumerate(maps) if map_BCHW.shape[-1] > maps[last].shape[-1]]
            self.chosen = sorted({larger[-1] if larger else last // 2, last})
        self.fine_channels, self.coarse_channels = (map_BCHW.shape[1] for map_BCHW in self.maps(x_BCHW))
        self.pooled_channels = self.vector(x_BCHW).shape[1]

    def maps(self, x_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        if self.chosen is None:
            place_BC11 = self._pool(x_BCHW)[:, :, None, None]
            return place_BC11, place_BC11
        found = self._intermediates(x_BCHW)
        return found[0], found[-1]

    def vector(self, x_NCHW: Tensor) -> Tensor:
        return self._pool(x_NCHW) if self.pools else self.maps(x_NCHW)[1].float().mean((2, 3))

    def _intermediates(self, x_BCHW: Tensor) -> list[Tensor]:
        """The chosen maps, or all of them if none are chosen yet."""
        return self._model.forward_intermediates(
            x_BCHW, indices=self.chosen, norm=self.normed, output_fmt="NCHW", intermediates_only=True
        )

    def _pool(self, x_NCHW: Tensor) -> Tensor:
        vector_NC = self._model.forward_head(self._model.forward_features(x_NCHW), pre_logits=True)
        if vector_NC.ndim != 2:
            raise ValueError("the model does not pool its features")
        return vector_NC

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Load weights under timm's names, or under others that timm can convert, such as torchvision's."""
        if without_classifier(weights, self.classifier).keys() != self.net.state_dict().keys():
            weights = _converted(weights, self.net)
        super().load(weights)


def _tried(call: Callable[[], Found]) -> Found | None:
    """The result of a call; None if it fails. Models say in many ways that they cannot do something."""
    try:
        return call()
    except Exception:
        return None


def _converted(weights: Mapping[str, Tensor], net: nn.Module) -> Mapping[str, Tensor]:
    """Weights under timm's names, by the function that the module of the model has for other names."""
    module = modules[type(net).__module__]
    convert = getattr(module, "checkpoint_filter_fn", None) or getattr(module, "_filter_fn", None)
    if convert is None:
        return weights
    given = (dict(weights), net)[: len(signature(convert).parameters)]
    converted: dict[str, Tensor] | None = _tried(partial(convert, *given))
    return weights if converted is None else converted


def _from_hub(name: str, cfg: Mapping[str, object]) -> dict[str, Tensor]:
    """The weights of a model from timm's hub; an earlier call may have left them on this machine."""
    from timm.models import load_state_dict_from_hf

    where, file = cfg.get("hf_hub_id"), str(cfg.get("hf_hub_filename"))
    if not isinstance(where, str):
        raise ValueError(f"timm's hub has no weights of {name}: give --backbone-weights FILE")
    try:
        weights: dict[str, Tensor] = load_state_dict_from_hf(
            where, file if file.endswith(".safetensors") else SAFE
        )
    except OSError as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"timm's hub does not give the weights of {name} ({reason}): give --backbone-weights FILE"
        ) from error
    return weights
