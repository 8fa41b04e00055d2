"""The picture of a training log."""

import json
from pathlib import Path

import pytest
from PIL import Image

from dvsa.learn.loop.curve import draw


@pytest.mark.parametrize("count", [1, 4, 10])
def test_every_figure_has_a_panel(tmp_path: Path, count: int) -> None:
    lines = [
        {
            "step": s,
            "epoch": s / 2,
            "seconds": 1.0,
            "lr": 0.1,
            **{f"figure {n}": float(s * n) for n in range(count)},
        }
        for s in range(3)
    ]

    draw(lines, tmp_path / "curve.png.partial")
    with Image.open(tmp_path / "curve.png.partial") as picture:
        assert picture.format == "PNG"
        assert picture.height == 240 * -(-count // 4)
        colours = picture.convert("RGB").getcolors(1 << 24)
    assert colours is not None
    assert len(colours) > 10  # lines, text, grid


def test_every_stage_of_a_run_has_a_curve_and_a_log(toy_run: Path) -> None:
    for folder in (path for path in toy_run.iterdir() if path.is_dir()):
        assert (folder / "curve.png").read_bytes().startswith(b"\x89PNG")
        assert all(json.loads(line)["loss"] for line in (folder / "log.jsonl").read_text().splitlines())
