"""The background of regions: against numpy's own mean and covariance, and its file."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dvsa.background import Background


@given(st.integers(1, 20), st.integers(1, 5), st.integers(0, 999))
def test_it_is_the_mean_and_the_covariance(N: int, D: int, seed: int) -> None:
    v_ND = np.random.default_rng(seed).normal(size=(N, D))
    found = Background.of(v_ND)
    np.testing.assert_allclose(found.mean_D, v_ND.mean(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.cov_DD, np.cov(v_ND.T, bias=True).reshape(D, D), rtol=1e-4, atol=1e-6)

    read = Background.parse(found.to_bytes(), D, "here")
    np.testing.assert_allclose(read.mean_D, found.mean_D, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(read.cov_DD, found.cov_DD, rtol=1e-3, atol=1e-3)


def as_file(array: NDArray[np.generic]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        Background.of(np.eye(2)).to_bytes()[:-1],
        Background.of(np.eye(3)).to_bytes(),
        as_file(np.zeros((3, 2))),
        as_file(np.full((3, 2), np.nan, "<f2")),
        as_file(np.array([{}])),
    ],
)
def test_another_file_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"^here .*: export the bundle again$"):
        Background.parse(content, 2, "here")
