"""`dvsa data`: a look at a data set, and the toy set."""

from collections import defaultdict
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dvsa.cli.options import LAYOUTS, AsJson, Entities, Seed
from dvsa.cli.output import print_json, progress, register, show, table

if TYPE_CHECKING:
    from dvsa.data import DataReport

SHOWN = 5
"""Problems of a kind that are printed; JSON has them all."""

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help=LAYOUTS, show_default=False)]
NewFolder = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="Where the toy set goes.", show_default=False)
]
Decode = Annotated[bool, typer.Option(help="Decode each photograph, to find the broken ones.")]
Train = Annotated[int, typer.Option(min=0, help="Scenes in the training split.")]
Val = Annotated[int, typer.Option(min=0, help="Scenes in the validation split.")]
Test = Annotated[int, typer.Option(min=0, help="Scenes in the test split.")]


def commands() -> typer.Typer:
    """The two commands under `dvsa data`."""
    app = typer.Typer(no_args_is_help=True)
    register(app, check, toy)
    return app


def check(folder: Folder, entities: Entities = None, decode: Decode = True, as_json: AsJson = False) -> None:
    """Look for faults in a data set.

    What each split holds is counted, and every fault of lists, files and annotations named. The exit code
    is 1 if a fault costs or leaks an example.

    Example: `dvsa data check flickr8k`
    """
    from dvsa.data import check as examine

    with progress() as tell:
        report = examine(folder, entities, decode=decode, progress=partial(tell, "looking at photographs"))
    if as_json:
        print_json({**asdict(report), "ok": report.ok})
    else:
        _show(report)
    if not report.ok:
        raise typer.Exit(1)


def toy(
    folder: NewFolder,
    train: Train = 1200,
    val: Val = 120,
    test: Test = 120,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Draw the toy set.

    It holds scenes of coloured shapes, five sentences on each, and the box of every thing.

    Example: `dvsa data toy shapes`
    """
    from dvsa.data import toy as toys

    toys.write(folder, train=train, val=val, test=test, seed=seed)
    if as_json:
        print_json(
            {"folder": str(folder), "scenes": {"train": train, "val": val, "test": test}, "seed": seed}
        )
    else:
        show(f"{folder}: {train} scenes for training, {val} for validation, {test} for testing")


def _show(report: "DataReport") -> None:
    from dvsa.data import HARMLESS

    names = ("Photographs", "Sentences", "Phrases", "Boxes")
    counts = table("Split", *names, right=names)
    for split, count in report.counts.items():
        numbers = (count.photographs, count.sentences, count.phrases, count.boxes)
        counts.add_row(split or "(none)", *(f"{n:,}" for n in numbers))
    show(f"{report.dataset}\n", counts, "")
    kinds = defaultdict(list)
    for problem in report.problems:
        kinds[problem.kind].append(problem)
    for kind, problems in sorted(kinds.items(), key=lambda item: item[0] in HARMLESS):
        show(f"{kind}{' (harmless)' if kind in HARMLESS else ''}: {len(problems):,}")
        show(*(f"  {problem.name}: {problem.detail}" for problem in problems[:SHOWN]))
        if len(problems) > SHOWN:
            show(f"  … and {len(problems) - SHOWN:,} more, which --json lists")
    show("No fault that matters." if report.ok else "Faults to mend.")
