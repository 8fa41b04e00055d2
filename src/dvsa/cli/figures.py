"""How reports of figures are printed."""

from typing import TYPE_CHECKING

from dvsa.cli.output import print_json, show, table

if TYPE_CHECKING:
    from dvsa.evaluation import Comparison
    from dvsa.metrics.figures import Report


def show_report(report: "Report", as_json: bool) -> None:
    """Every figure with its 95% interval, and the settings behind them."""
    if as_json:
        print_json(report.to_json())
    else:
        show(str(report))


def show_comparison(comparison: "Comparison", title: str) -> None:
    """Every figure of both systems, and which differences are real."""
    numbers = ("A", "B", "A − B", "95% interval")
    rows = table("Figure", *numbers, "Real", right=numbers)
    for row in comparison.rows():
        rows.add_row(*row)
    show(f"\n{title}, {comparison.photos} photographs\n", rows)
