"""Pipes and devices in a data set are left out or refused, and never waited for."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from dvsa.data.check import check
from dvsa.data.dataset import DataError
from dvsa.data.loading import load

CAT = Path(__file__).parents[2] / "examples" / "cat.jpg"


@pytest.mark.parametrize("name", ["captions.txt", "a.json", "b.csv", "c.jsonl", "cat.txt"])
def test_pipes_are_no_lists_of_sentences(tmp_path: Path, name: str) -> None:
    shutil.copy(CAT, tmp_path)
    os.mkfifo(tmp_path / name)
    (tmp_path / "zero.txt").symlink_to("/dev/zero")
    assert len(load(tmp_path).examples) == 1


def test_a_folder_that_cannot_be_read_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(CAT, tmp_path)
    (tmp_path / "closed").mkdir()
    (tmp_path / "captions.txt").write_text("image,caption\ncat.jpg,a cat\n")
    scandir = os.scandir

    def refuse(path: Any) -> Any:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    report = check(tmp_path)
    assert sum(split.photographs for split in report.counts.values()) == 1
    assert [(problem.kind, problem.detail) for problem in report.problems] == [
        ("unreadable folder", "Permission denied")
    ]
    assert not report.ok


@pytest.mark.parametrize("name", ["cat.jpg", "more.png"])
def test_a_pipe_that_is_called_as_a_photograph_is_a_problem(tmp_path: Path, name: str) -> None:
    shutil.copy(CAT, tmp_path / "other.jpg")
    os.mkfifo(tmp_path / name)
    (problem,) = check(tmp_path).problems
    assert (problem.kind, problem.name) == ("broken photograph", name)


def test_a_pipe_is_no_tar_file(tmp_path: Path) -> None:
    shutil.copy(CAT, tmp_path)
    os.mkfifo(tmp_path / "more.tar")
    with pytest.raises(DataError, match=r"more\.tar is not a regular file"):
        load(tmp_path)
