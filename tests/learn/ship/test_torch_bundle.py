"""A run used live against the same run exported."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dvsa.bundle import Bundle
from dvsa.data import load
from dvsa.learn.runs.run import Run
from dvsa.learn.ship.torch_bundle import torch_model
from dvsa.manifest import BundleError
from dvsa.model import Model


def test_a_live_run_says_what_its_bundle_says(toy_run: Path, toy_bundle: Path, toy_data: Path) -> None:
    here, there = torch_model(Run(toy_run), "cpu"), Model(Bundle.open(toy_bundle, threads=1))
    theirs = replace(there.bundle.manifest, files={}, probe=None, name="")
    assert replace(here.bundle.manifest, name="") == theirs
    with pytest.raises(BundleError, match="no digest"):
        _ = here.bundle.digest
    same: list[bool] = []
    for example in load(toy_data).split("val")[:10]:
        # half precision may turn the order of two candidates; fixed boxes are the same
        ours_seen, theirs_seen = (m.open(example.read(), regions="grid") for m in (here, there))
        np.testing.assert_allclose(ours_seen.feature_IF, theirs_seen.feature_IF, atol=1e-2)
        np.testing.assert_allclose(ours_seen.v_ID, theirs_seen.v_ID, atol=1e-2)
        np.testing.assert_allclose(
            here.open(example.read()).score_I, there.open(example.read()).score_I, atol=1e-2
        )
        sentence = example.sentences[0]
        assert ours_seen.score(sentence) == pytest.approx(theirs_seen.score(sentence), rel=1e-2)
        written = [
            [view.caption(1), *(p.caption for p in view.phrases(2))] for view in (ours_seen, theirs_seen)
        ]
        same += [our.text == their.text for our, their in zip(*written, strict=True)]
    assert np.mean(same) >= 0.9, "of two words that are as likely, half precision may take the other"
