"""Pipes and devices in a data set are left out or refused, and never waited for."""

import os
import shutil
from pathlib import Path

import pytest

from dvsa.data.dataset import DataError
from dvsa.data.loading import load

CAT = Path(__file__).parents[2] / "examples" / "cat.jpg"


@pytest.mark.parametrize("name", ["captions.txt", "a.json", "b.csv", "c.jsonl", "cat.txt"])
def test_pipes_are_no_lists_of_sentences(tmp_path: Path, name: str) -> None:
    shutil.copy(CAT, tmp_path)
    os.mkfifo(tmp_path / name)
    (tmp_path / "zero.txt").symlink_to("/dev/zero")
    assert len(load(tmp_path).examples) == 1


def test_a_pipe_is_no_tar_file(tmp_path: Path) -> None:
    shutil.copy(CAT, tmp_path)
    os.mkfifo(tmp_path / "more.tar")
    with pytest.raises(DataError, match=r"more\.tar is not a regular file"):
        load(tmp_path)
