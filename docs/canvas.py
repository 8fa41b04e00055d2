"""Pieces of a picture of boxes and arrows; coordinates are pixels from the top left corner."""

import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon, Rectangle
from matplotlib.path import Path as Curve
from matplotlib.textpath import TextPath
from PIL import Image

WIDTH, MARGIN = 1200, 18
TEXT, LINE = 13, 18
INK, QUIET, PAPER, BAND = "#1f2933", "#6b7785", "#ffffff", "#f4f6f9"

Point = tuple[float, float]


def canvas(height: float) -> Axes:
    """An empty picture."""
    mpl.rcParams["path.simplify"] = False
    figure = Figure((WIDTH / 100, height / 100), dpi=100)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(height, 0))
    axes.axis("off")
    return axes


def save(axes: Axes, path: Path) -> None:
    """Write a picture as a PNG with few colours, which is small."""
    drawn = io.BytesIO()
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.savefig(drawn, dpi=100, facecolor=PAPER)
    Image.open(drawn).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


def title(axes: Axes, text: str, *notes: str) -> None:
    """A title with small lines below."""
    write(axes, MARGIN, 22, text, size=18, weight="bold")
    for n, note in enumerate(notes):
        write(axes, MARGIN, 46 + n * LINE, note, color=QUIET)


def band(axes: Axes, y: float, height: float, label: str, *, shaded: bool) -> None:
    """The background of a floor, with its label."""
    if shaded:
        axes.add_patch(Rectangle((0, y), WIDTH, height, color=BAND, lw=0, zorder=0))
    write(axes, MARGIN - 6, y + height / 2, label, color=QUIET)


def box(axes: Axes, corner: Point, width: float, height: float, colour: str) -> None:
    """A box with round corners."""
    shape = FancyBboxPatch(
        corner, width, height, "round,pad=0,rounding_size=5", fc=PAPER, ec=colour, lw=1.4, zorder=4
    )
    axes.add_patch(shape)


def line(axes: Axes, vertices: Sequence[Point], codes: Sequence[np.uint8], colour: str, width: float) -> None:
    """A curve below all boxes."""
    axes.add_patch(PathPatch(Curve(vertices, codes), fill=False, ec=colour, lw=width, alpha=0.75, zorder=2))


def tip(axes: Axes, corners: Sequence[Point], colour: str) -> None:
    """The tip of an arrow, a triangle."""
    axes.add_patch(Polygon(corners, color=colour, lw=0, zorder=3))


def write(
    axes: Axes,
    x: float,
    y: float,
    text: str,
    *,
    size: float = TEXT,
    color: str = INK,
    weight: str = "normal",
    ha: str = "left",
) -> None:
    """Text with its small letters centred at `y`; `size` is in pixels."""
    axes.text(x, y + 0.3 * size, text, size=0.72 * size, color=color, weight=weight, ha=ha, zorder=5)


def text_width(text: str) -> float:
    """The width of a text in pixels."""
    return float(TextPath((0, 0), text, size=TEXT, prop=FontProperties()).get_extents().width)
