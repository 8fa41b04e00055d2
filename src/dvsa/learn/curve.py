"""A picture of a training log."""

from collections.abc import Sequence
from pathlib import Path


def draw(lines: Sequence[dict[str, float]], path: Path) -> None:
    """Draw loss and metrics over epochs, a small panel each, to a PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = [name for name in lines[-1] if name not in ("step", "epoch", "seconds", "lr")]
    figure = Figure(figsize=(3.2 * min(4, len(names)), 2.4 * -(-len(names) // 4)), layout="constrained")
    FigureCanvasAgg(figure)
    for place, name in enumerate(names):
        axes = figure.add_subplot(-(-len(names) // 4), min(4, len(names)), place + 1)
        axes.plot([line["epoch"] for line in lines], [line[name] for line in lines], marker=".")
        axes.set_title(name)
        axes.set_xlabel("epoch")
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=100)
