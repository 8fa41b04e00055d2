"""How a report of figures is printed."""

from collections.abc import Iterator, Mapping, Sequence

from dvsa.cli.output import print_json, show, table


def show_report(report: Mapping[str, object], as_json: bool) -> None:
    """Every figure with its 95 % interval, and the settings behind them."""
    if as_json:
        print_json(report)
        return
    rows = table("Figure", "Value", "95% interval", right=("Value", "95% interval"))
    for row in _rows(report):
        rows.add_row(*row)
    show(rows, *_settings(report))


def number(value: object) -> str:
    """A figure to one decimal; one that could not be had is `missing`."""
    return f"{value:.1f}" if isinstance(value, float) else "missing" if value is None else str(value)


def interval(ends: Sequence[float]) -> str:
    """The ends of an interval."""
    return " – ".join(map(number, ends))


def _rows(report: Mapping[str, object], above: str = "", within: object = None) -> Iterator[Sequence[str]]:
    """Each figure of nested mappings: its name, its value and the ends of its interval in `ci95`."""
    intervals = report.get("ci95", within)
    for name, value in report.items():
        inner = intervals.get(name) if isinstance(intervals, Mapping) else None
        if name in ("ci95", "settings"):
            continue
        if isinstance(value, Mapping):
            yield from _rows(value, f"{above}{name}: ", inner)
        else:
            yield f"{above}{name}", number(value), interval(inner if isinstance(inner, Sequence) else ())


def _settings(report: Mapping[str, object], above: str = "") -> Iterator[str]:
    """A line for each mapping named `settings`."""
    for name, value in report.items():
        if isinstance(value, Mapping) and name == "settings":
            yield f"\n{above}settings: {', '.join(f'{key} {setting}' for key, setting in value.items())}"
        elif isinstance(value, Mapping):
            yield from _settings(value, f"{above}{name}: ")
