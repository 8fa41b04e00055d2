"""`dvsa data`: the commands about data sets, of which this module has `check` and `toy`."""

from collections import defaultdict
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dvsa.cli.data_tools import convert, sample, split, stats
from dvsa.cli.options import LAYOUTS_HELP, AsJson, EntitiesFolder, RegionsPath, Seed
from dvsa.cli.output import named, print_json, progress, register, show, table

if TYPE_CHECKING:
    from dvsa.data import DataReport, RegionsReport

SHOWN = 5
"""Problems of each kind that are printed; --json prints all of them."""

DataFolder = Annotated[Path, typer.Argument(metavar="FOLDER", help=LAYOUTS_HELP, show_default=False)]
ToyFolder = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="The folder of the toy set.", show_default=False)
]
Decode = Annotated[bool, typer.Option(help="Decode each photograph, to find broken ones.")]
TrainScenes = Annotated[int, typer.Option(min=0, help="Scenes in the training split.")]
ValScenes = Annotated[int, typer.Option(min=0, help="Scenes in the validation split.")]
TestScenes = Annotated[int, typer.Option(min=0, help="Scenes in the test split.")]


def commands() -> typer.Typer:
    """The commands under `dvsa data`."""
    app = typer.Typer(no_args_is_help=True)
    register(app, check, split, stats, sample, convert, toy)
    return app


def check(
    folder: DataFolder,
    entities: EntitiesFolder = None,
    regions: RegionsPath = None,
    decode: Decode = True,
    as_json: AsJson = False,
) -> None:
    """Check a data set for faults.

    Says in which layout it is read and why, and counts what each split contains. Names every fault of its
    lists, files, annotations and regions, and every file of captions that is ignored. The
    exit code is 1 if an example is lost or is in two splits, or if regions of a photograph are missing or
    malformed.

    Example: `dvsa data check flickr8k`
    """
    from dvsa.data import check as check_data
    from dvsa.data import load_regions

    given = None if regions is None else load_regions(regions)
    with progress() as update:
        report = check_data(
            folder, entities, regions=given, decode=decode, progress=partial(update, "checking photographs")
        )
    if as_json:
        print_json({**asdict(report), "ok": report.ok})
    else:
        _show(report)
    if not report.ok:
        raise typer.Exit(1)


def toy(
    folder: ToyFolder,
    train: TrainScenes = 1200,
    val: ValScenes = 120,
    test: TestScenes = 120,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Make the toy set.

    It contains scenes of coloured shapes, with five sentences for each scene and a box for each shape.

    Example: `dvsa data toy shapes`
    """
    from dvsa.data import toy as toy_set

    toy_set.write(folder, train=train, val=val, test=test, seed=seed)
    if as_json:
        print_json(
            {"folder": str(folder), "scenes": {"train": train, "val": val, "test": test}, "seed": seed}
        )
    else:
        show(f"{folder}: {train} scenes for training, {val} for validation, {test} for testing")


def _show(report: "DataReport") -> None:
    """Print the counts of each split, and the problems by kind, harmless ones last."""
    from dvsa.data import HARMLESS

    names = ("Photographs", "Sentences", "Phrases", "Boxes")
    counts = table("Split", *names, right=names)
    for name, count in report.counts.items():
        numbers = (count.photographs, count.sentences, count.phrases, count.boxes)
        counts.add_row(name or "(none)", *(f"{n:,}" for n in numbers))
    show(f"{report.dataset}, read as {report.layout} ({report.why})\n", counts, "")
    if report.regions is not None:
        _show_regions(report.regions)

    kinds = defaultdict(list)
    for problem in report.problems:
        kinds[problem.kind].append(problem)
    for kind, problems in sorted(kinds.items(), key=lambda item: item[0] in HARMLESS):
        show(f"{kind}{' (harmless)' if kind in HARMLESS else ''}: {len(problems):,}")
        show(*(named(f"  {problem.name}: {problem.detail}") for problem in problems[:SHOWN]))
        if len(problems) > SHOWN:
            show(f"  … and {len(problems) - SHOWN:,} more; --json lists all")
    show("No harmful faults." if report.ok else "There are faults to correct.")


def _show_regions(report: "RegionsReport") -> None:
    """Print what the files of regions contain."""
    counts = report.counts
    contents = [f"features of width {report.features:,}"] if report.features else []
    contents += ["boxes"] if report.boxed else []
    each = f"{counts.fewest} to {counts.most} regions each, {counts.mean:.1f} on average"
    show(
        f"{report.source}: {' and '.join(contents)}",
        f"  {counts.photographs:,} photographs with {each}",
        f"  {report.unused:,} more photographs that are not in the data set\n",
    )
