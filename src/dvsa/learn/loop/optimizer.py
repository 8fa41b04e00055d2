"""The optimizer: parameter groups, clipping, and a step."""

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
    on_gpu = any(parameter.is_cuda for parameters in groups.values() for parameter in parameters)
    return BUILDERS[cfg.optimizer](options, on_gpu)


BUILDERS: dict[str, Callable[[list[dict[str, object]], bool], torch.optim.Optimizer]] = {
    "adamw": lambda groups, on_gpu: torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=on_gpu),
    "rmsprop": lambda groups, on_gpu: torch.optim.RMSprop(groups, alpha=0.99),
    "sgd": lambda groups, on_gpu: torch.optim.SGD(groups, momentum=0.9, fused=on_gpu),
}
"""On a GPU one kernel changes all weights, if torch has it."""


def step(optimizer: torch.optim.Optimizer, trained: Sequence[Tensor], lr: float, cfg: TrainConfig) -> None:
    """Clip the gradients of the trained parameters, and change these."""
    for group in optimizer.param_groups:
        group["lr"] = group["scale"] * lr
    if cfg.clip_value:
        nn.utils.clip_grad_value_(trained, cfg.clip_value)
    if cfg.clip_norm:
        nn.utils.clip_grad_norm_(trained, cfg.clip_norm)
    optimizer.step()
