"""Every layout leaves folders of other layouts alone, and the first that a folder has is read."""

from pathlib import Path

import pytest

from dvsa.data import layouts
from dvsa.data.layouts import LAYOUTS, Layout
from dvsa.data.layouts.listing import Listing


@pytest.mark.parametrize("read", LAYOUTS, ids=lambda read: read.__module__)
def test_another_folder_has_no_listing(tmp_path: Path, read: Layout) -> None:
    (tmp_path / "notes.txt").write_text("no list")
    assert read(tmp_path, tmp_path) is None


def test_the_first_layout_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def listed(name: str) -> Layout:
        return lambda root, entities: Listing(name)

    monkeypatch.setattr(layouts, "LAYOUTS", (lambda root, entities: None, listed("first"), listed("second")))
    found = layouts.find(tmp_path, tmp_path)
    assert found is not None
    assert found.name == "first"
