"""`dvsa evaluate`: a model judged on a split of a data set."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from dvsa.cli.judging import Request, evaluate
from dvsa.cli.options import LAYOUTS_HELP, AsJson, EntitiesFolder, ModelBundle, RegionsPath
from dvsa.cli.output import register
from dvsa.cli.scoring import AsCsv, AsLatex, ClipFolder, SpiceFolder, clip_model, form_of

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
    latex: AsLatex = False,
    as_csv: AsCsv = False,
) -> None:
    """Rank photographs and sentences.

    Each sentence searches for its photograph in the whole split, and each photograph for its sentences.

    Each figure comes with its 95% bootstrap interval over photographs. Photographs, words and splits that
    would make the figures misleading are refused.

    Example: `dvsa evaluate ranking --data flickr8k --split val`
    """
    from dvsa import evaluation

    form = form_of(as_json, latex, as_csv)
    request = Request(data, split, first, entities, regions, bundle, run, allow_custom_split, out, form)
    evaluate("ranking", evaluation.ranking, request)


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
    spice: SpiceFolder = None,
    clip: ClipFolder = None,
    allow_custom_split: AllowCustomSplit = False,
    out: Out = None,
    as_json: AsJson = False,
    latex: AsLatex = False,
    as_csv: AsCsv = False,
) -> None:
    """Judge captions of photographs.

    One caption for each whole photograph is compared with the photograph's own sentences, and with the
    photograph itself if there is a CLIP model.

    Each figure comes with its 95% bootstrap interval over photographs. Photographs, words and splits that
    would make the figures misleading are refused.

    Example: `dvsa evaluate captions --data flickr8k --split val`
    """
    from dvsa import evaluation

    model = None if clip is None else clip_model(clip)
    judge = partial(evaluation.captions, beam=beam, length_power=length_power, spice=spice, clip=model)
    form = form_of(as_json, latex, as_csv)
    request = Request(data, split, first, entities, regions, bundle, run, allow_custom_split, out, form)
    evaluate("captions", judge, request)


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
    latex: AsLatex = False,
    as_csv: AsCsv = False,
) -> None:
    """Judge phrases of regions.

    One phrase for each thing with a box in Flickr30k Entities is compared with people's phrases.

    Each figure comes with its 95% bootstrap interval over photographs. Photographs, words and splits that
    would make the figures misleading are refused.

    Example: `dvsa evaluate regions --data flickr8k --split val`
    """
    from dvsa import evaluation

    judge = partial(evaluation.regions, beam=beam, length_power=length_power)
    form = form_of(as_json, latex, as_csv)
    request = Request(data, split, first, entities, None, bundle, run, allow_custom_split, out, form)
    evaluate("regions", judge, request)


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
    latex: AsLatex = False,
    as_csv: AsCsv = False,
) -> None:
    """Find the boxes of phrases.

    For each phrase of Flickr30k Entities the model ranks the regions. The first, the first 5 and the first 10
    are compared with the true box. Without `--beta`, the first region is the one that `View.locate` gives.
    The figures are over all phrases, and over those of each category, such as people.

    Each figure comes with its 95% bootstrap interval over photographs. Photographs, words and splits that
    would make the figures misleading are refused.

    Example: `dvsa evaluate grounding --data flickr8k --split val`
    """
    from dvsa import evaluation

    form = form_of(as_json, latex, as_csv)
    request = Request(data, split, first, entities, regions, bundle, run, allow_custom_split, out, form)
    evaluate("grounding", partial(evaluation.grounding, beta=beta), request)


TASKS = (ranking, captions, regions, grounding)


def commands() -> typer.Typer:
    """The four commands under `dvsa evaluate`."""
    app = typer.Typer(no_args_is_help=True)
    register(app, *TASKS)
    return app
