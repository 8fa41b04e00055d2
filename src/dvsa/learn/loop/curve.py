"""A picture of a training log."""

from collections.abc import Sequence
from pathlib import Path

COLUMNS = 4
"""Panels in a row."""


def draw(lines: Sequence[dict[str, float]], path: Path) -> None:
    """Draw loss and metrics over epochs, one small panel each, into a PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # One panel for each figure.
    names = [name for name in lines[-1] if name not in ("step", "epoch", "seconds", "lr")]
    rows = -(-len(names) // COLUMNS)
    figure = Figure(figsize=(3.2 * COLUMNS, 2.4 * rows))
    FigureCanvasAgg(figure)
    figure.subplots_adjust(0.05, 0.2 / rows, 0.98, 1 - 0.1 / rows, wspace=0.25, hspace=0.5)

    for place, name in enumerate(names):
        axes = figure.add_subplot(rows, COLUMNS, place + 1)
        axes.plot([line["epoch"] for line in lines], [line[name] for line in lines], marker=".")
        axes.set_title(name)
        axes.set_xlabel("epoch")
        axes.grid(alpha=0.3)
    figure.savefig(path, format="png", dpi=100)
