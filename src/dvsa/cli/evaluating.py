"""`dvsa evaluate`: a model judged on a split of a data set."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from dvsa.cli.options import LAYOUTS_HELP, AsJson, EntitiesFolder, ModelBundle, RegionsPath
from dvsa.cli.output import note, progress, register
from dvsa.cli.scoring import show_report
from dvsa.files import write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dvsa.data import Example, GivenRegions
    from dvsa.evaluation import Encoded, Judged
    from dvsa.evaluation.encoding import Progress
    from dvsa.model import Model

Data = Annotated[Path, typer.Option(metavar="FOLDER", help=LAYOUTS_HELP, show_default=False)]
Split = Annotated[
    str,
    typer.Option(
        metavar="val|test", help="Which split. Make all choices on val; look at test once, at the end."
    ),
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
    typer.Option("--run", metavar="RUN", show_default=False, help="A run to judge instead of a bundle."),
]
Beam = Annotated[
    int | None, typer.Option(min=1, show_default="the bundle's own", help="Width of the beam search.")
]
LengthPower = Annotated[
    float | None,
    typer.Option(
        min=0,
        show_default="the bundle's own",
        help="Captions are compared by log-probability divided by length to this power.",
    ),
]
BetaOption = Annotated[
    float | None,
    typer.Option(
        min=0,
        show_default="no MRF",
        help="Assign words to regions by the MRF with this preference for longer segments.",
    ),
]
AllowCustomSplit = Annotated[
    bool,
    typer.Option(
        "--allow-custom-split",
        help="Accept other data sets and other numbers of photographs than the protocol's; such figures do "
        "not compare with published ones.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        show_default="RUN/evaluation with --run, else nowhere",
        help="Write figures and evidence there, for dvsa compare.",
    ),
]


class Request(NamedTuple):
    """What to judge, on what, and where the results go: the options that all four commands have."""

    data: Path
    split: str
    first: int | None
    entities: Path | None
    regions: Path | None
    bundle: str | None
    run: Path | None
    allow_custom_split: bool
    out: Path | None
    as_json: bool


def ranking(
    data: Data,
    split: Split = "val",
    first: First = None,
    entities: EntitiesFolder = None,
    regions: RegionsPath = None,
    bundle: ModelBundle = None,
    run: RunFolder = None,
    allow_custom_split: AllowCustomSplit = False,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Rank photographs and sentences.

    Each sentence searches for its photograph in the whole split, and each photograph for its sentences.

    Each figure comes with its 95% bootstrap interval over photographs. Photographs, words and splits that
    would make the figures misleading are refused.

    Example: `dvsa evaluate ranking --data flickr8k --split val`
    """
    from dvsa import evaluation

    request = Request(data, split, first, entities, regions, bundle, run, allow_custom_split, out, as_json)
    _evaluate("ranking", evaluation.ranking, request)


def captions(
    data: Data,
    split: Split = "val",
    first: First = None,
    entities: EntitiesFolder = None,
    regions: RegionsPath = None,
    bundle: ModelBundle = None,
    run: RunFolder = None,
    beam: Beam = None,
    length_power: LengthPower = None,
    allow_custom_split: AllowCustomSplit = False,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Judge captions of photographs.

    One caption for each whole photograph is compared with the photograph's own sentences.

    Each figure comes with its 95% bootstrap interval over photographs. Photographs, words and splits that
    would make the figures misleading are refused.

    Example: `dvsa evaluate captions --data flickr8k --split val`
    """
    from dvsa import evaluation

    judge = partial(evaluation.captions, beam=beam, length_power=length_power)
    request = Request(data, split, first, entities, regions, bundle, run, allow_custom_split, out, as_json)
    _evaluate("captions", judge, request)


def regions(
    data: Data,
    split: Split = "val",
    first: First = None,
    entities: EntitiesFolder = None,
    bundle: ModelBundle = None,
    run: RunFolder = None,
    beam: Beam = None,
    length_power: LengthPower = None,
    allow_custom_split: AllowCustomSplit = False,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Judge phrases of regions.

    One phrase for each thing with a box in Flickr30k Entities is compared with people's phrases.

    Each figure comes with its 95% bootstrap interval over photographs. Photographs, words and splits that
    would make the figures misleading are refused.

    Example: `dvsa evaluate regions --data flickr8k --split val`
    """
    from dvsa import evaluation

    judge = partial(evaluation.regions, beam=beam, length_power=length_power)
    request = Request(data, split, first, entities, None, bundle, run, allow_custom_split, out, as_json)
    _evaluate("regions", judge, request)


def grounding(
    data: Data,
    split: Split = "val",
    first: First = None,
    entities: EntitiesFolder = None,
    regions: RegionsPath = None,
    bundle: ModelBundle = None,
    run: RunFolder = None,
    beta: BetaOption = None,
    allow_custom_split: AllowCustomSplit = False,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Find the boxes of phrases.

    Each phrase of Flickr30k Entities is assigned to a region, which is compared with the true box. Without
    `--beta`, the region is the one that `View.locate` gives.

    Each figure comes with its 95% bootstrap interval over photographs. Photographs, words and splits that
    would make the figures misleading are refused.

    Example: `dvsa evaluate grounding --data flickr8k --split val`
    """
    from dvsa import evaluation

    request = Request(data, split, first, entities, regions, bundle, run, allow_custom_split, out, as_json)
    _evaluate("grounding", partial(evaluation.grounding, beta=beta), request)


TASKS = (ranking, captions, regions, grounding)


def commands() -> typer.Typer:
    """The four commands under `dvsa evaluate`."""
    app = typer.Typer(no_args_is_help=True)
    register(app, *TASKS)
    return app


def _evaluate(task: str, judge: Callable[..., "Judged"], request: Request) -> None:
    """Check the protocol, judge the model, keep the evidence and print the report."""
    from dvsa.data import load, load_regions
    from dvsa.evaluation import protocol

    given = None if request.regions is None else load_regions(request.regions)
    dataset = load(request.data, request.entities, given).divided()
    examples = dataset.split(request.split)[: request.first]
    model = _model(request.bundle, request.run)
    out = request.out
    if out is None and request.run is not None:
        out = request.run / "evaluation"

    with progress() as tell:
        custom = request.allow_custom_split
        protocol.check(model.bundle, dataset, examples, allow_custom_split=custom, progress=tell)
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)  # fails before the work if it cannot be written
        if task != "regions" and dataset.regions is not None:
            judge = partial(judge, encoded=_encoded(task, model, examples, dataset.regions, tell))
        judged = judge(model, examples, progress=tell)

    if out is not None:
        name = f"{task}.{request.split}"
        _keep(judged, out, name if request.first is None else f"{name}.{request.first}", dataset.name)
    show_report(judged.report, request.as_json)
    if caution := protocol.caution(model.bundle):
        note(caution)


def _encoded(
    task: str, model: "Model", examples: "Sequence[Example]", given: "GivenRegions", tell: "Progress"
) -> "Encoded":
    """The photographs with regions from files in place of the model's own."""
    from dvsa import evaluation

    if task == "grounding" and not given.boxed:
        raise ValueError(f"{given.source} has features without boxes: grounding needs the boxes of regions")
    return evaluation.encode(model, examples, tell, given)


def _model(bundle: str | None, run: Path | None) -> "Model":
    """The model of a bundle or of a run."""
    if run is None:
        import dvsa

        return dvsa.load(bundle)
    if bundle is not None:
        raise ValueError("give --bundle or --run, not both")
    from dvsa.learn.runs.run import Run
    from dvsa.learn.ship.torch_bundle import torch_model

    return torch_model(Run(run))


def _keep(judged: "Judged", folder: Path, name: str, data: str) -> None:
    """Write the report, with the name of the data set, and its evidence."""
    report = judged.report.with_settings(data=data)
    write(folder / f"{name}.npz", judged.evidence.content())
    write(folder / f"{name}.json", json.dumps(report.to_json(), indent=1, allow_nan=False).encode())
    note(f"wrote {folder / name}.json and .npz")
