"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("dvsa", deadline=None, derandomize=True)
settings.load_profile("dvsa")


@pytest.fixture(scope="session")
def flickr8k_dir() -> Path:
    """The Flickr8K folder named by DVSA_DATA, or the one beside the repository; skips where there is none."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data" / "flickr8k"
    folder = Path(os.environ.get("DVSA_DATA", beside))
    if not (folder / "Flickr8k.token.txt").is_file():
        pytest.skip(f"Flickr8K is not at {folder}; set DVSA_DATA to its folder to run this test")
    return folder


@pytest.fixture(scope="session")
def toy_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy set, as `dvsa data toy` writes it."""
    from dvsa.data import toy

    return toy.write(tmp_path_factory.mktemp("toy") / "data")


@pytest.fixture(scope="session")
def toy_run(toy_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the toy recipe from nothing, on the CPU (about two minutes on two cores)."""
    from dvsa.data import load
    from dvsa.learn.recipes.modern import RECIPES
    from dvsa.learn.runs.run import fit

    out = tmp_path_factory.mktemp("toy") / "run"
    fit(RECIPES["toy"](), load(toy_data), out, device="cpu", quiet=True)
    return out


@pytest.fixture(scope="session")
def toy_bundle(toy_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of the toy run."""
    from dvsa.learn.runs.run import Run
    from dvsa.learn.ship.export import export

    return export(Run(toy_run), tmp_path_factory.mktemp("toy") / "bundle")
