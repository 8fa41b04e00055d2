"""What the scripts share."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType


def test_figures_are_kept_in_a_new_folder(script: Callable[[str], ModuleType], tmp_path: Path) -> None:
    path = tmp_path / "new" / "figures" / "ranking.json"
    script("script").keep(path, {"R@1": 42.4})
    assert json.loads(path.read_text()) == {"R@1": 42.4}
