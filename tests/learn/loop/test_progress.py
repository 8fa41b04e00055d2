"""Progress bars: drawn on standard error, unless they are hidden."""

import pytest
import torch

from dvsa.data import Dataset
from dvsa.learn.tasks.photographs import SquarePhotographs

CPU = torch.device("cpu")


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
