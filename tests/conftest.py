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
