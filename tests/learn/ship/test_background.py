"""What a bundle records of ordinary regions, and of what people write."""

from pathlib import Path

import numpy as np
import pytest

import dvsa
from dvsa.background import BACKGROUND_FILE, Background
from dvsa.bundle import Bundle
from dvsa.data import load
from dvsa.familiar import BEYOND, FAMILIAR_FILE
from dvsa.fluency_file import FLUENCY_FILE
from dvsa.learn.runs.run import Run
from dvsa.learn.ship.background import background
from dvsa.learn.ship.export import export
from dvsa.learn.ship.familiar import familiar, looked
from dvsa.learn.ship.torch_bundle import torch_model
from dvsa.photo import read
from dvsa.teaching import teach


@pytest.fixture(scope="module")
def found(toy_run: Path, toy_data: Path) -> Background:
    return background(Run(toy_run), load(toy_data), count=4, device="cpu", quiet=True)


def test_it_is_that_of_photographs_of_the_training_split(
    found: Background, toy_run: Path, toy_data: Path
) -> None:
    model, training = torch_model(Run(toy_run), "cpu"), load(toy_data).split("train")
    chosen = [training[k] for k in np.linspace(0, len(training) - 1, 4).astype(int)]
    v_ND = np.concatenate([model.open(read(e.read(), name=e.name)).v_ID for e in chosen])
    np.testing.assert_allclose(found.mean_D, v_ND.mean(0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.cov_DD, np.cov(v_ND.T, bias=True), rtol=1e-3, atol=1e-5)


def test_an_exported_bundle_can_be_taught_without_other_photographs(
    found: Background, toy_run: Path, toy_data: Path, tmp_path: Path
) -> None:
    out = export(Run(toy_run), tmp_path / "bundle", background=found)
    assert BACKGROUND_FILE in Bundle.open(out).manifest.files
    teach("our zyzzyva", [e.read() for e in load(toy_data).split("val")[:2]], bundle=out)
    assert [*Bundle.open(out).taught.vectors] == ["our zyzzyva"]


def test_an_exported_bundle_knows_the_photographs_of_its_run(
    toy_run: Path, toy_data: Path, tmp_path: Path
) -> None:
    run, data = Run(toy_run), load(toy_data)
    told = familiar(run, data, count=60, device="cpu", quiet=True)
    out = export(run, tmp_path / "bundle", known=told)
    assert FAMILIAR_FILE in Bundle.open(out).manifest.files

    # A few of val are beyond the limit, and photographs are, of which there are none in the data.
    model, val = dvsa.load(out, threads=1), data.split("val")
    distances = [model.open(read(e.read(), name=e.name)).distance or 0.0 for e in val]
    assert sum(far > 1 for far in distances) <= BEYOND * len(val) + 1
    assert not model.open("examples/photographer.jpg").familiar

    # Photographs are spaced evenly.
    features = looked(model, data.split("train"), count=3, quiet=True)
    np.testing.assert_array_equal(features[-1], looked(model, data.split("train")[-1:], quiet=True)[0])


def test_a_bundle_carries_the_rules_of_its_run(toy_run: Path, toy_bundle: Path, toy_data: Path) -> None:
    bundle = Bundle.open(toy_bundle)
    assert (toy_bundle / FLUENCY_FILE).read_bytes() == (toy_run / FLUENCY_FILE).read_bytes()
    assert bundle.fluency is not None
    in_torch = torch_model(Run(toy_run), "cpu").bundle.fluency
    assert in_torch is not None
    np.testing.assert_array_equal(in_torch.code_N, bundle.fluency.code_N)
    assert BACKGROUND_FILE not in bundle.manifest.files
