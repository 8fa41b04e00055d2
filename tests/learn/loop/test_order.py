"""Which examples each step sees: every epoch is a new shuffle, without repetitions."""

import pytest

from dvsa.learn.loop.order import batch_at, chunks, epoch_steps

COUNT = 10


@pytest.mark.parametrize("batch", [1, 3, 10, 50])
def test_an_epoch_sees_each_example_at_most_once_in_a_new_order(batch: int) -> None:
    steps = epoch_steps(COUNT, batch)
    assert steps == max(1, COUNT // batch)
    epochs = [[i for s in range(steps) for i in batch_at(e * steps + s, COUNT, batch, 0)] for e in range(3)]
    for drawn in epochs:
        assert len(set(drawn)) == len(drawn) == min(COUNT, steps * batch)
    assert epochs[0] != epochs[1] != epochs[2]
    assert batch_at(0, COUNT, batch, 0) != batch_at(0, COUNT, batch, 1) or batch == 1
    assert batch_at(steps, COUNT, batch, 0) == batch_at(steps, COUNT, batch, 0)


def test_chunks_cover_the_range() -> None:
    assert [i for chunk in chunks(7, 3) for i in range(7)[chunk]] == list(range(7))
    assert not list(chunks(0, 3))
