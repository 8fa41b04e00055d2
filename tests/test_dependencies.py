"""The lowest versions that are allowed are those that `make lowest` tests."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_lowest_versions_are_those_that_are_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    allowed = {*project["dependencies"], *project["optional-dependencies"]["serve"]}
    lines = (ROOT / "constraints-lowest.txt").read_text().splitlines()
    assert allowed == {line.replace("==", ">=") for line in lines if not line.startswith("#")}


def test_the_tested_versions_are_allowed() -> None:
    def version(text: str) -> list[int]:
        return [int(part) for part in text.split(".")]

    lines = (ROOT / "constraints.txt").read_text().splitlines()
    tested = dict(
        line.replace("_", "-").split("==") for line in lines if "==" in line and not line.startswith("#")
    )
    for line in (ROOT / "constraints-lowest.txt").read_text().splitlines()[1:]:
        name, lowest = line.split("==")
        assert re.fullmatch(r"[\d.]+", lowest)
        assert version(tested[name]) >= version(lowest)
