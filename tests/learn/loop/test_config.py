"""The options of a training: learning rates, and invalid options."""

from dataclasses import replace

import pytest

from dvsa.learn.loop.config import TrainConfig


def test_the_learning_rate_rises_and_falls() -> None:
    cfg = TrainConfig(epochs=1, lr=2.0, warmup=4)
    assert [cfg.lr_at(step, 100) for step in (0, 1)] == pytest.approx([0.5, 1.0], rel=1e-3)
    assert cfg.lr_at(50, 100) == pytest.approx(1.0)
    assert cfg.lr_at(99, 100) < 1e-3
    assert replace(cfg, schedule="constant").lr_at(99, 100) == 2.0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"optimizer": "lion"}, "unknown optimizer 'lion': choose from adamw, rmsprop, sgd"),
        ({"schedule": "linear"}, "unknown schedule 'linear'"),
        ({"epochs": 0}, "must be positive"),
        ({"lr": 0.0}, "must be positive"),
        ({"ema": 1.0}, r"ema in \[0, 1\)"),
    ],
)
def test_invalid_options_are_refused(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        replace(TrainConfig(epochs=1), **changes)  # type: ignore[arg-type]
