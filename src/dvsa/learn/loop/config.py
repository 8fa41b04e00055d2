"""How to train one stage."""

import math
from dataclasses import dataclass

OPTIMIZERS = ("adamw", "rmsprop", "sgd")
SCHEDULES = ("constant", "cosine")


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainConfig:
    """The hyper-parameters of one call of `train`."""

    epochs: int
    batch: int = 100
    optimizer: str = "adamw"
    """`sgd` (momentum 0.9), `rmsprop` or `adamw`."""
    lr: float = 1e-3
    schedule: str = "cosine"
    """`cosine` falls to 0 at the last step; `constant` does not."""
    warmup: int = 0
    """Steps over which the learning rate rises to `lr`."""
    weight_decay: float = 0.0
    clip_value: float = 0.0
    """Bound of each gradient element (5 in the paper); 0 for none."""
    clip_norm: float = 0.0
    """Bound of the gradient's norm; 0 for none."""
    ema: float = 0.0
    """Decay of a running mean of the weights. If set, the mean is evaluated and kept; 0 for none."""
    evaluate_every: int = 1
    """Epochs between evaluations; each evaluation writes a checkpoint."""
    patience: int = 0
    """Training ends early after this many evaluations in a row without a new best one; 0 for never."""

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"unknown optimizer {self.optimizer!r}: choose from {', '.join(OPTIMIZERS)}")
        if self.schedule not in SCHEDULES:
            raise ValueError(f"unknown schedule {self.schedule!r}: choose from {', '.join(SCHEDULES)}")
        if min(self.epochs, self.batch, self.evaluate_every) < 1 or self.lr <= 0 or not 0 <= self.ema < 1:
            raise ValueError(f"epochs, batch, evaluate_every and lr must be positive, ema in [0, 1): {self}")
        if self.patience < 0:
            raise ValueError(f"patience must not be negative: {self}")

    def ended(self, epochs: float, since_best: int) -> bool:
        """Whether a training is at its end, after some epochs, and some evaluations since the best one."""
        return epochs >= self.epochs or 0 < self.patience <= since_best

    def lr_at(self, step: int, steps: int) -> float:
        """The learning rate of a step, counted from 0."""
        rise = min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0
        fall = (1 + math.cos(math.pi * step / steps)) / 2 if self.schedule == "cosine" else 1.0
        return self.lr * rise * fall
