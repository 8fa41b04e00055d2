"""A run that answers from torch, against its exported bundle."""

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


def test_a_run_agrees_with_its_bundle(toy_run: Path, toy_bundle: Path, toy_data: Path) -> None:
    here, exported = torch_model(Run(toy_run), "cpu"), Model(Bundle.open(toy_bundle, threads=1))
    wanted = replace(exported.bundle.manifest, files={}, probe=None, name="")
    assert replace(here.bundle.manifest, name="") == wanted
    with pytest.raises(BundleError, match="no digest"):
        _ = here.bundle.digest

    same: list[bool] = []
    for example in load(toy_data).split("val")[:10]:
        # Half precision may swap two candidates, so the boxes are fixed.
        views = [model.open(example.read(), regions="grid") for model in (here, exported)]
        ours, theirs = views
        np.testing.assert_allclose(ours.feature_IF, theirs.feature_IF, atol=1e-2)
        np.testing.assert_allclose(ours.v_ID, theirs.v_ID, atol=1e-2)
        our_score_I, their_score_I = (model.open(example.read()).score_I for model in (here, exported))
        np.testing.assert_allclose(our_score_I, their_score_I, atol=1e-2)

        sentence = example.sentences[0]
        assert ours.score(sentence) == pytest.approx(theirs.score(sentence), rel=1e-2)
        captions = [[view.caption(1), *(p.caption for p in view.phrases(2))] for view in views]
        same += [our.text == their.text for our, their in zip(*captions, strict=True)]

    # Half precision may swap two words that are almost equally probable.
    assert np.mean(same) >= 0.9
