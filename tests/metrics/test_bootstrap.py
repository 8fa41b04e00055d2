from collections.abc import Callable

import numpy as np
import pytest

from dvsa.arrays import Doubles, IntArray
from dvsa.metrics.bootstrap import difference, estimate, interval
from dvsa.metrics.figures import Figure


def mean_of(values_N: Doubles) -> Callable[[IntArray], float]:
    return lambda index_N: float(values_N[index_N].mean())


def test_the_interval_covers_a_known_mean_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(7)
    covered = 0
    for trial in range(400):
        sample_N = generator.normal(3.0, 2.0, size=60)
        low, high = interval(mean_of(sample_N), 60, resamples=200, seed=trial, level=0.9)
        covered += low <= 3.0 <= high
    # With 60 values the percentile interval covers 88.7% of 3000 trials; 400 trials lie within 3 sd of that.
    assert 0.84 <= covered / 400 <= 0.935


def test_the_interval_of_a_mean_has_the_width_of_theory() -> None:
    sample_N = np.random.default_rng(0).normal(size=400)
    low, high = interval(mean_of(sample_N), 400, resamples=4000)
    assert high - low == pytest.approx(2 * 1.96 * sample_N.std() / np.sqrt(400), rel=0.05)


def test_a_seed_gives_one_interval() -> None:
    def statistic(index_N: IntArray) -> float:
        return float(index_N.mean())

    assert interval(statistic, 30, seed=1) == interval(statistic, 30, seed=1)
    assert interval(statistic, 30, seed=1) != interval(statistic, 30, seed=2)


def test_estimate_gives_each_figure_its_own_interval() -> None:
    x_N = np.arange(50.0)

    def figures(index_N: IntArray) -> dict[str, float]:
        return {"mean": float(x_N[index_N].mean()), "highest": float(x_N[index_N].max())}

    assert estimate(figures, 50) == {
        "mean": Figure(24.5, *interval(lambda index_N: figures(index_N)["mean"], 50)),
        "highest": Figure(49.0, *interval(lambda index_N: figures(index_N)["highest"], 50)),
    }


def test_a_paired_difference_is_sharper_than_two_intervals() -> None:
    generator = np.random.default_rng(3)
    hard_N = generator.normal(size=200)
    a_N, b_N = hard_N + 0.1 + generator.normal(0, 0.1, size=200), hard_N
    compared = difference(
        lambda index_N: {"mean": float(a_N[index_N].mean()), "only a": 0.0},
        lambda index_N: {"mean": float(b_N[index_N].mean())},
        200,
    )
    assert list(compared) == ["mean"]
    assert compared["mean"].value == pytest.approx((a_N - b_N).mean())
    low, high = compared["mean"].ends
    assert 0.05 < low < high < 0.15


def test_a_figure_that_a_resample_lacks_is_left_out_of_its_interval() -> None:
    def figures(index_N: IntArray) -> dict[str, float]:
        return {"first": 1.0 if 0 in index_N else np.nan, "other": float(len(index_N)), "none": np.nan}

    assert estimate(figures, 3, resamples=30) == {
        "first": Figure(1.0, 1.0, 1.0),
        "other": Figure(3.0, 3.0, 3.0),
        "none": Figure(None),
    }
    rare = estimate(
        lambda index_N: {"rare": 1.0 if len({*index_N.tolist()}) == 9 else np.nan}, 9, resamples=1
    )
    assert rare == {"rare": Figure(1.0)}


@pytest.mark.parametrize(("n", "resamples"), [(0, 10), (10, 0)])
def test_nothing_to_draw_is_an_error(n: int, resamples: int) -> None:
    with pytest.raises(ValueError, match=f"got {n} and {resamples}"):
        interval(lambda index_N: 0.0, n, resamples=resamples)
