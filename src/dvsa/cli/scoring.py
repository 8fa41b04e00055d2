"""`dvsa score` and `dvsa compare`: any system's captions, and two systems' figures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from dvsa.cli.figures import interval, number, show_report
from dvsa.cli.options import AsJson
from dvsa.cli.output import note, print_json, show, table

if TYPE_CHECKING:
    from dvsa.evaluation import Report

References = Annotated[
    Path,
    typer.Argument(
        metavar="REFS",
        help='What people wrote: JSON {"photo": ["sentence", …]}, or COCO captions.',
        show_default=False,
    ),
]
Hypotheses = Annotated[
    Path,
    typer.Argument(
        metavar="HYPS",
        help='What the system wrote: COCO results in a .json, [{"image_id": "photo", "caption": "…"}], or a '
        "line for each photograph, in the order of REFS.",
        show_default=False,
    ),
]
Meteor = Annotated[bool, typer.Option(help="Run METEOR, which takes 10 seconds to start.")]
RUN = "A run, or a folder that `dvsa evaluate` got as --out."
RunA = Annotated[Path, typer.Argument(metavar="RUN_A", help=RUN, show_default=False)]
RunB = Annotated[Path, typer.Argument(metavar="RUN_B", help=RUN, show_default=False)]


def score(refs: References, hyps: Hypotheses, meteor: Meteor = True, as_json: AsJson = False) -> None:
    """Score captions of any system.

    The figures are those of `dvsa evaluate captions`: BLEU with and without brevity penalty, ROUGE-L, CIDEr,
    and METEOR where Java and its jar are. Each comes with its 95% bootstrap interval over photographs.

    Example: `dvsa score refs.json captions.txt`
    """
    from dvsa.metrics import captions, files

    references = files.read_references(refs)
    hypotheses = files.read_hypotheses(hyps, list(references))
    scores = captions.score(references, hypotheses, with_meteor=meteor)
    if meteor and "METEOR" not in scores.statistics:
        note(scores.meteor_note)
    show_report(scores.report(), as_json)


def compare(a: RunA, b: RunB, as_json: AsJson = False) -> None:
    """Say which differences between two systems are real.

    Every evaluation that both have is compared figure by figure, on the same photographs, by a paired
    bootstrap over them. A difference is real if its 95% interval excludes 0; of 20 that are none, one will
    look so. For `Med r` less is better.

    Example: `dvsa compare runs/paper runs/modern`
    """
    from dvsa import evaluation
    from dvsa.evaluation.comparison import kept

    ours, theirs = kept(a), kept(b)
    shared = [name for name in ours if name in theirs]
    if not shared:
        raise ValueError(
            f"{a} has {', '.join(ours)} and {b} has {', '.join(theirs)}: evaluate both on one task and split"
        )
    for name in sorted(ours.keys() ^ theirs.keys()):
        note(f"{name} is in {a if name in ours else b} alone")
    found: dict[str, Report] = {}
    for name in shared:
        try:
            found[name] = evaluation.compare(
                evaluation.Evidence.read(ours[name]), evaluation.Evidence.read(theirs[name])
            )
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    if as_json:
        print_json({"a": str(a), "b": str(b), "evaluations": found})
        return
    show(f"A: {a}\nB: {b}")
    for name, report in found.items():
        rows = table(
            "Figure", "A", "B", "A − B", "95% interval", "Real", right=("A", "B", "A − B", "95% interval")
        )
        for figure, row in cast("dict[str, Report]", report["figures"]).items():
            numbers = (number(row[key]) for key in ("a", "b", "difference"))
            ends = interval(cast("list[float]", row["ci95"]))
            rows.add_row(figure, *numbers, ends, "yes" if row["real"] else "no")
        show(f"\n{name}, {report['photos']} photographs\n", rows)
