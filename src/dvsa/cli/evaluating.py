"""`dvsa evaluate`: a model judged on a split of a data set."""

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from dvsa.cli.figures import show_report
from dvsa.cli.options import LAYOUTS, AsJson, BundleFolder, Entities
from dvsa.cli.output import note, one_line_errors, progress
from dvsa.files import write

if TYPE_CHECKING:
    from dvsa.evaluation import Judged
    from dvsa.model import Model

Data = Annotated[Path, typer.Option(metavar="FOLDER", help=LAYOUTS, show_default=False)]
Split = Annotated[
    str, typer.Option(metavar="val|test", help="Which split. Choose on val; look at test once.")
]
First = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        show_default="all",
        help="Only the split's first N photographs, such as 1000 of MSCOCO's 5000.",
    ),
]
RunFolder = Annotated[
    Path | None,
    typer.Option("--run", metavar="RUN", show_default=False, help="A run to judge in place of a bundle."),
]
Beam = Annotated[
    int | None, typer.Option(min=1, show_default="the bundle's own", help="Width of the search for captions.")
]
LengthPower = Annotated[
    float | None,
    typer.Option(
        min=0,
        show_default="the bundle's own",
        help="Captions compare by log-probability over length to this power.",
    ),
]
Beta = Annotated[
    float | None,
    typer.Option(
        min=0,
        show_default="no MRF: the largest sum of v.s over the phrase",
        help="Lay words on regions by the MRF with this wish for long segments.",
    ),
]
Custom = Annotated[
    bool,
    typer.Option(
        "--allow-custom-split",
        help="Allow data and numbers of photographs that no protocol has: figures compare with no others.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        show_default="RUN/evaluation with --run, else nowhere",
        help="Keep figures and evidence there, for dvsa compare.",
    ),
]


class Task(NamedTuple):
    """What is measured."""

    help: str
    options: tuple[str, ...] = ()
    """Those of its command that the others have not."""


TASKS = {
    "ranking": Task(
        "Rank photographs and sentences.\n\n"
        "Each sentence looks for its photograph among all of the split, each photograph for its sentences."
    ),
    "captions": Task(
        "Judge captions of photographs.\n\n"
        "One caption for each whole photograph is held against the photograph's own sentences.",
        ("beam", "length_power"),
    ),
    "regions": Task(
        "Judge phrases of regions.\n\n"
        "One phrase for each thing that has a box in Flickr30k Entities is held against people's phrases.",
        ("beam", "length_power"),
    ),
    "grounding": Task(
        "Find the boxes of phrases.\n\n"
        "Each phrase of Flickr30k Entities is laid on a region, which is held against the true box.",
        ("beta",),
    ),
}
"""By the command's name."""


def commands() -> typer.Typer:
    """The four commands under `dvsa evaluate`."""
    app = typer.Typer(no_args_is_help=True)
    for name, task in TASKS.items():
        intervals = "Each figure comes with its 95% bootstrap interval over photographs."
        guard = "Photographs, words and splits that would make the figures mislead are refused."
        example = f"Example: `dvsa evaluate {name} --data flickr8k --split val`"
        app.command(name, help=f"{task.help}\n\n{intervals} {guard}\n\n{example}")(_command(name, task))
    return app


def _command(name: str, task: Task) -> Callable[..., None]:
    @one_line_errors()
    def command(
        data: Data,
        split: Split = "val",
        first: First = None,
        entities: Entities = None,
        bundle: BundleFolder = None,
        run: RunFolder = None,
        beam: Beam = None,
        length_power: LengthPower = None,
        beta: Beta = None,
        allow_custom_split: Custom = False,
        out: Out = None,
        as_json: AsJson = False,
    ) -> None:
        from dvsa import evaluation
        from dvsa.data import load
        from dvsa.evaluation import protocol

        dataset = load(data, entities).divided()
        examples = dataset.split(split)[:first]
        model = _model(bundle, run)
        if out is None and run is not None:
            out = run / "evaluation"
        given = {"beam": beam, "length_power": length_power, "beta": beta}
        options = {option: given[option] for option in task.options}
        with progress() as tell:
            protocol.check(
                model.bundle, dataset, examples, allow_custom_split=allow_custom_split, progress=tell
            )
            if out is not None:
                out.mkdir(parents=True, exist_ok=True)
            judged: Judged = getattr(evaluation, name)(model, examples, progress=tell, **options)
        if out is not None:
            _keep(judged, out, f"{name}.{split}" if first is None else f"{name}.{split}.{first}")
        show_report(judged.report, as_json)

    options = {option for task in TASKS.values() for option in task.options} - {*task.options}
    signature = inspect.signature(command)
    kept = [parameter for parameter in signature.parameters.values() if parameter.name not in options]
    command.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
    return command


def _model(bundle: Path | None, run: Path | None) -> "Model":
    """The model of a bundle or of a run."""
    if run is None:
        import dvsa

        return dvsa.load(bundle)
    if bundle is not None:
        raise ValueError("give --bundle or --run, not both")
    from dvsa.learn.runs.run import Run
    from dvsa.learn.ship import torch_bundle as live

    return live.model(Run(run))


def _keep(judged: "Judged", folder: Path, name: str) -> None:
    """Write the report and its evidence."""
    write(folder / f"{name}.npz", judged.evidence.content())
    write(folder / f"{name}.json", json.dumps(judged.report.to_json(), indent=1, allow_nan=False).encode())
    note(f"keeps {folder / name}.json and .npz")
