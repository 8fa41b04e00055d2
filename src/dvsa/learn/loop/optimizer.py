"""One step of the optimizer: parameter groups, clipping, and a running mean of the weights."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from dvsa.learn.loop.config import TrainConfig


def build(
    net: nn.Module, cfg: TrainConfig, lr_scale: Callable[[str], float], name: str
) -> torch.optim.Optimizer:
    """The optimizer of all parameters whose learning-rate factor is not 0; the others are frozen.

    `lr_scale` gives the factor by the parameter's name. Vectors and scalars get no weight decay.

    Raises:
        ValueError: every factor is 0; `name` says which training it is.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for key, parameter in net.named_parameters():
        scale = lr_scale(key)
        if not scale:
            parameter.requires_grad_(False)
        elif parameter.requires_grad:
            groups.setdefault((scale, cfg.weight_decay if parameter.ndim > 1 else 0.0), []).append(parameter)
    if not groups:
        raise ValueError(f"{name} trains no parameter: all of its learning-rate factors are 0")

    options = [
        {"params": parameters, "scale": scale, "lr": scale * cfg.lr, "weight_decay": decay}
        for (scale, decay), parameters in groups.items()
    ]
    return BUILDERS[cfg.optimizer](options)


BUILDERS: dict[str, Callable[[list[dict[str, object]]], torch.optim.Optimizer]] = {
    "adamw": lambda groups: torch.optim.AdamW(groups, betas=(0.9, 0.98)),
    "rmsprop": lambda groups: torch.optim.RMSprop(groups, alpha=0.99),
    "sgd": lambda groups: torch.optim.SGD(groups, momentum=0.9),
}


def step(optimizer: torch.optim.Optimizer, loss: Tensor, lr: float, cfg: TrainConfig) -> None:
    """Take the gradient of a loss, clip it, and change the weights."""
    for group in optimizer.param_groups:
        group["lr"] = group["scale"] * lr
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    _clip([p for group in optimizer.param_groups for p in group["params"]], cfg)
    optimizer.step()


def _clip(trained: Sequence[nn.Parameter], cfg: TrainConfig) -> None:
    if cfg.clip_value:
        nn.utils.clip_grad_value_(trained, cfg.clip_value)
    if cfg.clip_norm:
        nn.utils.clip_grad_norm_(trained, cfg.clip_norm)


@torch.no_grad()
def blend(mean: nn.Module, net: nn.Module, decay: float) -> None:
    """Set the trained weights of `mean` to decay * mean + (1 - decay) * net."""
    pairs = [(m, p) for m, p in zip(mean.parameters(), net.parameters(), strict=True) if p.requires_grad]
    torch._foreach_lerp_([m for m, _ in pairs], [p for _, p in pairs], 1 - decay)
