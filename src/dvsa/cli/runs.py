"""`dvsa runs`: trainings beside each other."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dvsa.cli.options import AsJson
from dvsa.cli.output import print_json, show, table

if TYPE_CHECKING:
    from rich.table import Table

    from dvsa.learn.runs.comparison import RunSummary

Folders = Annotated[
    list[Path],
    typer.Argument(metavar="FOLDER...", help="Runs, or folders that contain runs.", show_default=False),
]
Picture = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE.png", show_default="none", help="Draw all figures over epochs."),
]


def runs(folders: Folders, out: Picture = None, as_json: AsJson = False) -> None:
    """Compare runs: what differs in their recipes, how far they are, and what they reached on val.

    Example: `dvsa runs first second --out compared.png`
    """
    from dvsa.learn.runs import comparison

    found = comparison.summaries(folders)
    different = comparison.differences(found)
    if out is not None:
        comparison.draw(found, out)

    if as_json:
        rows = zip(found, different, strict=True)
        print_json([{**_plain(run), "different": fields} for run, fields in rows])
        return
    about = table("Run", "Recipe", "Data", "Seed", "Seconds", "Different fields", right=("Seed", "Seconds"))
    for run, fields in zip(found, different, strict=True):
        told = ", ".join(f"{name}={value}" for name, value in fields.items())
        about.add_row(run.folder.name, run.recipe.name, run.data, str(run.seed), f"{run.seconds:.0f}", told)
    show(about, "\nThe last evaluation of each stage on val:\n", _figures(found))


def _plain(run: "RunSummary") -> dict[str, object]:
    """A run as JSON values."""
    stages = {name: {"epochs": run.epochs(name), **run.last(name)} for name in run.logs}
    return {
        "run": str(run.folder),
        "recipe": run.recipe.name,
        "data": run.data,
        "seed": run.seed,
        "seconds": run.seconds,
        "stages": stages,
    }


def _figures(found: "list[RunSummary]") -> "Table":
    """A row for each figure of each stage, a column for each run."""
    names = [run.folder.name for run in found]
    made = table("Stage", "Figure", *names, right=names)
    stages = dict.fromkeys(stage for run in found for stage in run.logs)
    for stage in stages:
        begun = [run for run in found if stage in run.logs]
        made.add_row(stage, "epochs", *(f"{run.epochs(stage):g}" for run in found))
        for figure in dict.fromkeys(figure for run in begun for figure in run.last(stage)):
            values = [run.last(stage).get(figure) if run in begun else None for run in found]
            made.add_row(stage, figure, *("" if value is None else f"{value:.4g}" for value in values))
    return made
