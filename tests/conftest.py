"""Fixtures shared by all tests, and the markers that `make quick` leaves out."""

import inspect
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("dvsa", deadline=None, derandomize=True)
settings.load_profile("dvsa")

MARKERS = {
    "toy_run": "training",
    "quick": "training",
    "fit_without_curves": "training",
    "browser": "browser",
    "flickr8k_dir": "data",
    "java": "java",
    "exported": "slow",
}
"""The marker of every test that uses a fixture, also through other fixtures."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by what it uses, so that nobody has to remember to mark it."""
    for item in items:
        if isinstance(item, pytest.Function):
            for fixture in {*item.fixturenames} & {*MARKERS}:
                item.add_marker(MARKERS[fixture])
            if _trains(item):
                item.add_marker("training")


def _trains(test: pytest.Function) -> bool:
    """Whether the test, or one of its fixtures, calls `dvsa.learn`'s `fit`."""
    definitions = test._fixtureinfo.name2fixturedefs.values()
    functions = [test.function, *(fixture.func for several in definitions for fixture in several)]
    return any("fit" in inspect.unwrap(function).__code__.co_names for function in functions)


@pytest.fixture(scope="session")
def flickr8k_dir() -> Path:
    """The Flickr8K folder named by DVSA_DATA, or the one beside the repository; skips if it is missing."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data" / "flickr8k"
    folder = Path(os.environ.get("DVSA_DATA", beside))
    if not (folder / "Flickr8k.token.txt").is_file():
        pytest.skip(f"Flickr8K is not at {folder}; set DVSA_DATA to its folder to run this test")
    return folder


@pytest.fixture(scope="session")
def java() -> None:
    """Skips if Java is missing; METEOR needs it."""
    if shutil.which("java") is None:
        pytest.skip("METEOR needs Java: apt install default-jre-headless")


@pytest.fixture(scope="session")
def toy_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy set, as `dvsa data toy` writes it."""
    from dvsa.data import toy

    return toy.write(tmp_path_factory.mktemp("toy") / "data")


@pytest.fixture(scope="session")
def toy_run(toy_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the toy recipe, trained from scratch on the CPU (about two minutes on two cores)."""
    from dvsa.data import load
    from dvsa.learn.recipes.catalogue import RECIPES
    from dvsa.learn.runs.fit import fit
    from dvsa.learn.runs.inputs import FitOptions

    out = tmp_path_factory.mktemp("toy") / "run"
    fit(RECIPES["toy"](), load(toy_data), out, FitOptions(device="cpu", quiet=True))
    return out


@pytest.fixture(scope="session")
def toy_bundle(toy_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of the toy run."""
    from dvsa.learn.runs.run import Run
    from dvsa.learn.ship.export import export

    return export(Run(toy_run), tmp_path_factory.mktemp("toy") / "bundle")
