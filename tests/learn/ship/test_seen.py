"""What a bundle records of ordinary regions, and of what people write."""

import shutil
from functools import partial
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
from dvsa.learn.ship.export import export
from dvsa.learn.ship.seen import features, seen
from dvsa.learn.ship.torch_bundle import torch_model
from dvsa.photo import read
from dvsa.teaching import teach


@pytest.fixture(scope="module")
def bundle(toy_run: Path, toy_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that records what it has seen."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dvsa.learn.ship.export.seen", partial(seen, ordinary=4, familiar=120))
        out = tmp_path_factory.mktemp("seen") / "bundle"
        return export(Run(toy_run), out, data=load(toy_data), quiet=True)


def test_ordinary_regions_are_those_of_the_training_split(
    bundle: Path, toy_run: Path, toy_data: Path
) -> None:
    opened = Bundle.open(bundle)
    content = opened.content(BACKGROUND_FILE)
    assert content is not None
    found = Background.parse(content, opened.manifest.embedding, "here")
    model, training = torch_model(Run(toy_run), "cpu"), load(toy_data).split("train")
    chosen = [training[k] for k in np.linspace(0, len(training) - 1, 4).astype(int)]
    v_ND = np.concatenate([model.open(read(e.read(), name=e.name)).v_ID for e in chosen])
    np.testing.assert_allclose(found.mean_D, v_ND.mean(0), rtol=1e-2, atol=1e-2)
    np.testing.assert_allclose(found.cov_DD, np.cov(v_ND.T, bias=True), rtol=1e-2, atol=1e-2)


def test_it_can_be_taught_without_other_photographs(bundle: Path, toy_data: Path, tmp_path: Path) -> None:
    assert BACKGROUND_FILE in Bundle.open(bundle).manifest.files
    out = Path(shutil.copytree(bundle, tmp_path / "bundle"))
    teach("our zyzzyva", [e.read() for e in load(toy_data).split("val")[:2]], bundle=out)
    assert [*Bundle.open(out).taught.vectors] == ["our zyzzyva"]


def test_it_knows_the_photographs_of_its_run(bundle: Path, toy_data: Path) -> None:
    assert FAMILIAR_FILE in Bundle.open(bundle).manifest.files

    # A few of val are beyond the limit, and photographs are, of which there are none in the data.
    data, model = load(toy_data), dvsa.load(bundle, threads=1)
    distances = [model.open(read(e.read(), name=e.name)).distance or 0.0 for e in data.split("val")]
    assert sum(far > 1 for far in distances) <= BEYOND * len(distances)
    assert not model.open("examples/photographer.jpg").familiar

    # Photographs are spaced evenly.
    three = features(model, data.split("train"), 3, quiet=True)
    np.testing.assert_array_equal(three[-1], features(model, data.split("train")[-1:], quiet=True)[0])


def test_a_bundle_carries_the_rules_of_its_run(toy_run: Path, toy_bundle: Path, toy_data: Path) -> None:
    bundle = Bundle.open(toy_bundle)
    assert (toy_bundle / FLUENCY_FILE).read_bytes() == (toy_run / FLUENCY_FILE).read_bytes()
    assert bundle.fluency is not None
    in_torch = torch_model(Run(toy_run), "cpu").bundle.fluency
    assert in_torch is not None
    np.testing.assert_array_equal(in_torch.code_N, bundle.fluency.code_N)
    assert BACKGROUND_FILE not in bundle.manifest.files
