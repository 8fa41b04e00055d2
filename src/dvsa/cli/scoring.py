"""`dvsa score` and `dvsa compare`: the captions of any system, and the figures of two systems."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from dvsa.cli.options import AsJson
from dvsa.cli.output import note, print_json, progress, show, table

if TYPE_CHECKING:
    from dvsa.evaluation import Comparison
    from dvsa.metrics.clipscore import ImageTextModel
    from dvsa.metrics.figures import Report

References = Annotated[
    Path,
    typer.Argument(
        metavar="REFS",
        help='References by people: JSON {"photo": ["sentence", …]}, COCO captions, Karpathy\'s JSON, or a '
        "table (CSV, TSV, JSON Lines, Parquet) with the columns image_id and caption.",
        show_default=False,
    ),
]
Hypotheses = Annotated[
    Path,
    typer.Argument(
        metavar="HYPS",
        help='Captions of the system: COCO results, [{"image_id": "photo", "caption": "…"}], a table, or a '
        "line for each photograph, in the order of REFS.",
        show_default=False,
    ),
]
Meteor = Annotated[bool, typer.Option(help="Run METEOR, which takes 10 seconds to start.")]
ReferenceSplit = Annotated[
    str | None,
    typer.Option(
        "--split", show_default="the one that HYPS is for", help="The split of REFS, if it has several."
    ),
]
AsLatex = Annotated[bool, typer.Option("--latex", help="Print a table in LaTeX (package booktabs).")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print a table in CSV, in full precision.")]
SpiceFolder = Annotated[
    Path | None,
    typer.Option(
        "--spice",
        metavar="FOLDER",
        envvar="DVSA_SPICE",
        show_default="no SPICE",
        help="Compute SPICE with the jar in this folder; it needs Java and minutes.",
    ),
]
ClipFolder = Annotated[
    Path | None,
    typer.Option(
        "--clip",
        metavar="FOLDER",
        show_default="no CLIPScore",
        help="Compute CLIPScore with the CLIP model in this folder, in the layout of Hugging Face. Needs the "
        "extras train and transformers.",
    ),
]
PhotographsFolder = Annotated[
    Path | None,
    typer.Option("--photographs", metavar="FOLDER", show_default=False, help="The photographs, for --clip."),
]
Form = Literal["text", "json", "latex", "csv"]
"""How a report is printed."""
RUN = "A run, or a folder given to `dvsa evaluate` as --out."
RunA = Annotated[Path, typer.Argument(metavar="RUN_A", help=RUN, show_default=False)]
RunB = Annotated[Path, typer.Argument(metavar="RUN_B", help=RUN, show_default=False)]


def score(
    refs: References,
    hyps: Hypotheses,
    split: ReferenceSplit = None,
    meteor: Meteor = True,
    spice: SpiceFolder = None,
    clip: ClipFolder = None,
    photographs: PhotographsFolder = None,
    as_json: AsJson = False,
    latex: AsLatex = False,
    as_csv: AsCsv = False,
) -> None:
    """Score captions of any system.

    The figures are those of `dvsa evaluate captions`: BLEU with and without brevity penalty, ROUGE-L, CIDEr,
    METEOR if Java and its jar are installed, and SPICE and CLIPScore if you have what they need. Each has a
    95% bootstrap interval over photographs, and a signature that says what makes it comparable.

    Example: `dvsa score refs.json captions.txt`
    """
    from dvsa.metrics import captions, files
    from dvsa.metrics.added import with_models
    from dvsa.metrics.spice import program

    form = form_of(as_json, latex, as_csv)
    if (clip is None) != (photographs is None):
        raise ValueError("--clip and --photographs belong together: CLIPScore looks at photographs")
    if spice is not None:
        program(spice)
    references, hypotheses = files.read_pairs(refs, hyps, split)
    read = None if photographs is None else files.photographs(photographs, list(references))
    model = None if clip is None else clip_model(clip)
    with progress() as tell:
        scores = captions.score(references, hypotheses, with_meteor=meteor)
        scores = with_models(
            scores, references, hypotheses, spice=spice, clip=model, read=read, progress=tell
        )
    if meteor and "METEOR" not in scores.statistics:
        note(scores.meteor_note)
    if scores.caution:
        note(scores.caution)

    show_report(scores.report(), form)


def compare(a: RunA, b: RunB, as_json: AsJson = False) -> None:
    """Say which differences between two systems are real.

    Every evaluation that both have is compared figure by figure, on the same photographs, by a paired
    bootstrap. A difference is called real if its 95% interval excludes 0. If two systems are equally good,
    about one in 20 differences is called real by chance. For `Med r` lower is better.

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
        note(f"{name} is only in {a if name in ours else b}")

    found: dict[str, Comparison] = {}
    for name in shared:
        try:
            found[name] = evaluation.compare(
                evaluation.Evidence.read(ours[name]), evaluation.Evidence.read(theirs[name])
            )
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error

    if as_json:
        evaluations = {name: comparison.to_json() for name, comparison in found.items()}
        print_json({"a": str(a), "b": str(b), "evaluations": evaluations})
        return
    show(f"A: {a}\nB: {b}")
    for name, comparison in found.items():
        show_comparison(comparison, name)


def clip_model(folder: Path) -> "ImageTextModel":
    """The CLIP model in a folder."""
    from dvsa.learn.ship.clip import Clip

    return Clip(folder)


def form_of(as_json: bool, latex: bool, as_csv: bool) -> Form:
    """The form of a report that the options choose; raises ValueError if they choose several."""
    if as_json + latex + as_csv > 1:
        raise ValueError("--json, --latex and --csv are different forms of the output: give one of them")
    return "json" if as_json else "latex" if latex else "csv" if as_csv else "text"


def show_report(report: "Report", form: Form) -> None:
    """Every figure with its 95% interval, and the settings behind them."""
    from dvsa.metrics import report_tables

    if form == "json":
        print_json(report.to_json())
    elif form == "latex":
        show(report_tables.latex_table(report).rstrip())
    elif form == "csv":
        show(report_tables.csv_table(report).rstrip())
    else:
        show(str(report))


def show_comparison(comparison: "Comparison", title: str) -> None:
    """Every figure of both systems, and which differences are real."""
    numbers = ("A", "B", "A − B", "95% interval")
    rows = table("Figure", *numbers, "Real", right=numbers)
    for row in comparison.rows():
        rows.add_row(*row)
    show(f"\n{title}, {comparison.photos} photographs\n", rows)
