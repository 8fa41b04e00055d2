"""Familiar photographs: the distance against the covariance that it stands for, its file, and its limit."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray

from dvsa.familiar import BEYOND, Familiar, frame_features, known, limit


def photographs(count: int, seed: int = 0) -> NDArray[np.float64]:
    """Points near a plane of three directions among twelve."""
    rng = np.random.default_rng(seed)
    plane_3F = np.linalg.qr(np.random.default_rng(9).normal(size=(12, 3)))[0].T
    flat_NF = rng.normal(size=(count, 3)) * np.array([5, 4, 3]) @ plane_3F
    return np.asarray(1 + flat_NF + 0.2 * rng.normal(size=(count, 12)))


def test_the_distance_is_that_of_the_covariance_with_equal_other_variances() -> None:
    x_NF, new_NF = (
        photographs(400),
        np.vstack([photographs(5, 1), 3 * np.random.default_rng(2).normal(size=(5, 12))]),
    )
    found = Familiar.of(x_NF, 3)

    # The covariance whose smallest nine eigenvalues are their mean.
    variance_F, u_FF = np.linalg.eigh(np.cov(x_NF.T, bias=True))
    rest = variance_F[:9].mean()
    variance_F[:9] = rest
    inverse_FF = u_FF @ np.diag(1 / variance_F) @ u_FF.T
    off_NF = new_NF - x_NF.mean(axis=0)
    wanted_N = rest * np.einsum("ni,ij,nj->n", off_NF, inverse_FF, off_NF)
    np.testing.assert_allclose(found.distances(new_NF), wanted_N, rtol=0.05, atol=0.05)


def test_the_file_has_the_same_distances_and_is_small() -> None:
    found = Familiar.of(photographs(40))
    assert len(found.axis_KF) == 11
    read = Familiar.parse(found.to_bytes(), "here")
    new_NF = photographs(5, 1)
    np.testing.assert_array_equal(read.distances(new_NF), found.distances(new_NF))
    assert len(Familiar.of(np.random.default_rng(0).normal(size=(99, 1400))).to_bytes()) < 300_000


def as_file(array: NDArray[np.generic]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        Familiar.of(photographs(9)).to_bytes()[:-1],
        as_file(np.zeros((3, 2))),
        as_file(np.zeros((1, 2), "<f2")),
        as_file(np.zeros(4, "<f2")),
        as_file(np.full((3, 2), np.inf, "<f2")),
        as_file(np.array([{}])),
    ],
)
def test_another_content_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"^the bundle's file .*export the bundle again$"):
        Familiar.parse(content, "the bundle's file")


def test_few_of_the_usual_photographs_are_beyond_the_limit_and_all_strange_ones() -> None:
    told = known(photographs(300), photographs(200, 1))
    assert (told.familiar.distances(photographs(200, 1)) > told.limit).sum() == BEYOND * 200
    strange_NF = 1 + 5 * np.random.default_rng(3).normal(size=(50, 12))
    assert (told.familiar.distances(strange_NF) > told.limit).all()

    # At most the share, whatever the number of photographs.
    for count in range(1, 90):
        far_N = np.arange(count, dtype=np.float64)
        assert (far_N > limit(far_N, 0.1)).sum() == count // 10
    with pytest.raises(ValueError, match="give two or more"):
        known(photographs(1), photographs(9))
    with pytest.raises(ValueError, match="no photograph for validation"):
        known(photographs(9), photographs(0))


def test_other_features_are_refused() -> None:
    with pytest.raises(ValueError, match=r"familiar\.npy is for features of width 12, not 11"):
        Familiar.of(photographs(9)).distances(np.ones((1, 11)))


def test_equal_photographs_are_at_no_distance() -> None:
    assert Familiar.of(np.ones((5, 4))).distances(np.ones((1, 4))).tolist() == [0.0]
    assert frame_features(np.array([[[9.0, 9.0], [0.25, 0.0]]])).tolist() == [[0.5, 0.0]]
