"""Reports as tables of other programs: CSV and LaTeX."""

import csv
import io
import re
from collections.abc import Iterator

from dvsa.metrics.figures import Report

_ESCAPES = {mark: f"\\{mark}" for mark in "&%$#_{}"}
_ESCAPES |= {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_SPECIAL = re.compile("[" + re.escape("".join(_ESCAPES)) + "]")


def csv_table(report: Report) -> str:
    """A row for each figure and count, in full precision: name, value, ends of the interval, signature.

    The figures of the report and of its parts come first, then all counts.

    >>> from dvsa.metrics.figures import Figure
    >>> print(csv_table(Report({"CIDEr": Figure(69.25, 65.5, 73.0)}, {"photos": 1000})), end="")
    figure,value,low,high,signature
    CIDEr,69.25,65.5,73.0,
    photos,1000,,,
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["figure", "value", "low", "high", "signature"])
    for name, figure in report.flat().items():
        writer.writerow([name, figure.value, figure.low, figure.high, _signature(report, name)])
    writer.writerows([name, count, "", "", ""] for name, count in _counts(report))
    return file.getvalue()


def latex_table(report: Report) -> str:
    r"""A `tabular` of the package booktabs, with a row for each figure; signatures and counts are comments.

    >>> from dvsa.metrics.figures import Figure
    >>> print(latex_table(Report({"R@1": Figure(42.4, 39.4, 45.4)}, {"photos": 1000})), end="")
    % photos: 1000
    \begin{tabular}{lrr}
    \toprule
    Figure & Value & 95\% interval \\
    \midrule
    R@1 & 42.4 & 39.4--45.4 \\
    \bottomrule
    \end{tabular}
    """
    comments = [f"{name}: {count}" for name, count in _counts(report)]
    comments += _signatures(report)
    rows = [
        f"{_escaped(name)} & {'--' if figure.value is None else figure.shown} & "
        rf"{figure.interval.replace(' – ', '--')} \\"
        for name, figure in report.flat().items()
    ]
    lines = [
        *(f"% {comment}" for comment in comments),
        r"\begin{tabular}{lrr}",
        r"\toprule",
        r"Figure & Value & 95\% interval \\",
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _counts(report: Report, above: str = "") -> Iterator[tuple[str, int]]:
    """The counts of a report and of its parts, named as by `Report.flat`."""
    yield from ((f"{above}{name}", count) for name, count in report.counts.items())
    for name, part in report.parts.items():
        yield from _counts(part, f"{above}{name}: ")


def _signatures(report: Report, above: str = "") -> Iterator[str]:
    yield from (f"{above}{text}" for text in report.signatures.values())
    for name, part in report.parts.items():
        yield from _signatures(part, f"{above}{name}: ")


def _signature(report: Report, figure: str) -> str:
    """The signature of a figure's metric, in its own part or above; empty if it has none."""
    for name, part in report.parts.items():
        own = figure.removeprefix(f"{name}: ")
        if own != figure and (found := _signature(part, own)):
            return found
    return next((text for metric, text in report.signatures.items() if figure.startswith(metric)), "")


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda match: _ESCAPES[match[0]], text)
