"""The command line: arguments and printing, nothing else.

Commands import slow packages (numpy, ONNX Runtime, torch) when they run, so that `dvsa --help` is quick.
"""

import io
import sys

import typer

from dvsa.cli import (
    alt,
    datasets,
    describing,
    duplicates,
    encoding,
    evaluating,
    health,
    indexing,
    keeping,
    photographs,
    recipes,
    runs,
    scoring,
    searching,
    serving,
    sharing,
    teaching,
    training,
)
from dvsa.cli.output import register, register_old_names

app = typer.Typer(
    name="dvsa",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


@app.callback()
def dvsa() -> None:
    """Describe photographs, and align words with their regions.

    Example: `dvsa describe dog.jpg`
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A file name may contain characters that the terminal cannot show.
            stream.reconfigure(errors="backslashreplace")


register(
    app,
    describing.describe,
    alt.alt,
    photographs.align,
    training.train,
    recipes.recipes,
    runs.runs,
    sharing.export,
    sharing.push,
    searching.search,
    searching.caption_search,
    duplicates.duplicates,
    teaching.teach,
    encoding.encode,
    serving.serve,
    scoring.score,
    scoring.compare,
    health.doctor,
)
app.add_typer(
    indexing.commands(),
    name="index",
    help="Make an index of photographs and keep it in order. `dvsa index PHOTOS --out INDEX` makes one, or "
    "brings it up to date. A folder with the name of a command is reached as `./add`, or after `--`.",
)
register_old_names(
    app,
    {
        "index-remove": keeping.remove,
        "index-compact": keeping.compact,
        "index-stats": keeping.stats,
        "index-verify": keeping.verify,
    },
)
app.add_typer(evaluating.commands(), name="evaluate", help="Evaluate a model on a split of a data set.")
app.add_typer(datasets.commands(), name="data", help="Check a data set, or make the toy set.")
