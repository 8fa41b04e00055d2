"""The picture of docs/results.md: the shipped model, the paper's equations on our data, and the paper."""

import paper_figures
from matplotlib.figure import Figure as Picture
from results_data import Results
from results_names import DIRECTIONS

from dvsa.metrics.figures import Figure, Report

COLOURS = {
    "the shipped model": "#1d6fb8",
    "the paper's equations, trained here": "#b8501d",
    "the paper": "#555555",
}
CAPTIONS = ("BLEU-1", "BLEU-4")


def draw(results: Results) -> Picture:
    """Figures with their intervals, one row for each figure."""
    picture = Picture(figsize=(8, 4), layout="constrained")
    axes = picture.subplots()
    rows = _rows(results)

    for offset, (name, colour) in zip((-0.22, 0.0, 0.22), COLOURS.items(), strict=True):
        for place, row in enumerate(rows.values()):
            figure = row[name]
            value = figure.value or 0.0
            low, high = figure.ends or [value, value]
            axes.plot([low, high], [place + offset] * 2, color=colour, linewidth=3, alpha=0.5)
            label = name if place == 0 else None
            axes.plot([value], [place + offset], "o", color=colour, markersize=5, label=label)

    axes.set_yticks(range(len(rows)), rows)
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("Flickr8K test, higher is better; lines are 95% intervals")
    axes.grid(axis="x", alpha=0.3)
    axes.legend(loc="lower center", bbox_to_anchor=(0.35, 1), ncols=3, frameon=False)
    return picture


def _rows(results: Results) -> dict[str, dict[str, Figure]]:
    """The three figures of each row."""
    rows = {}
    for direction, title in DIRECTIONS.items():
        ours, equations = (
            report.parts[direction]
            for report in (results.shipped["ranking"], results.paper["ranking.brnn.0"].report)
        )
        for name in ("R@1", "R@10"):
            published = paper_figures.RANKING["flickr8k"][direction][name]
            rows[f"{title}, {name}"] = _row(ours, equations, name, published.value)

    captions, equations = results.shipped["captions"], results.paper["captions.rnn.beam7"].report
    for name in CAPTIONS:
        published = paper_figures.CAPTIONS["flickr8k"][name]
        rows[f"captions, {name}"] = _row(captions, equations, name, published.value)
    return rows


def _row(ours: Report, equations: Report, name: str, published: float) -> dict[str, Figure]:
    figures = (ours.figures[name], equations.figures[name], Figure(published))
    return dict(zip(COLOURS, figures, strict=True))
