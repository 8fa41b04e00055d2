"""Optimizers by name."""

from dvsa.learn.loop.config import OPTIMIZERS
from dvsa.learn.loop.optimizer import BUILDERS


def test_every_optimizer_of_a_configuration_can_be_built() -> None:
    assert sorted(BUILDERS) == sorted(OPTIMIZERS)
