"""Regions in arrays of one size, with the frame last."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvsa.data import RegionsOfPhotograph, padded
from dvsa.records import FRAME


@given(st.integers(1, 6), st.integers(1, 4), st.booleans(), st.booleans(), st.booleans())
def test_given_regions_come_first_and_frames_fill_up(
    own: int, more: int, boxed: bool, described: bool, scored: bool
) -> None:
    rng = np.random.default_rng(own)
    box_I4 = np.sort(rng.random((own, 4)), 1)[:, [0, 1, 2, 3]] if boxed or not described else None
    feature_IF = rng.normal(size=(own, 5)).astype(np.float32) if described else None
    score_I = rng.random(own).astype(np.float32) if scored else None
    regions = padded(RegionsOfPhotograph(box_I4, feature_IF, score_I), own + more)

    for i in range(own + more):
        is_frame = i >= own
        wanted_4 = FRAME if is_frame or box_I4 is None else box_I4[i]
        np.testing.assert_allclose(regions.box_I4[i], wanted_4, rtol=1e-6)
        assert regions.score_I[i] == (1 if is_frame or score_I is None else score_I[i])
        if feature_IF is not None and regions.feature_IF is not None:
            wanted_F = feature_IF.mean(0) if is_frame else feature_IF[i]
            np.testing.assert_allclose(regions.feature_IF[i], wanted_F, atol=1e-6)
    assert (regions.feature_IF is None) == (feature_IF is None)
    assert regions.box_I4.dtype == regions.score_I.dtype == np.float32


def test_there_must_be_room_for_the_frame() -> None:
    with pytest.raises(ValueError, match="2 regions and the frame do not fit into 2"):
        padded(RegionsOfPhotograph(None, np.ones((2, 3), np.float32), None), 2)
