"""Progress bars: drawn on standard error, unless they are hidden."""

import pytest
import torch

from dvsa.data import Dataset
from dvsa.learn.loop.progress import progress
from dvsa.learn.tasks.photographs import SquarePhotographs

CPU = torch.device("cpu")


def test_a_log_gets_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    with progress("learning", 9) as advance:
        for now in (10.0, 20.0, 31.0, 40.0, 62.0):
            advance(1, f"loss {now:g}")
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["learning 3/9 loss 31", "learning 5/9 loss 62"]


def test_progress_is_drawn_on_standard_error_unless_quiet(
    tiny: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    SquarePhotographs(tiny.split("train"), 17, CPU, quiet=True)
    assert capsys.readouterr() == ("", "")
    SquarePhotographs(tiny.split("train"), 18, CPU)
    out, err = capsys.readouterr()
    assert out == ""
    assert "reading photographs" in err
    assert "24/24" in err
