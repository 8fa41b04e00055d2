"""`dvsa train`: from a data set to a run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dvsa.cli.options import LAYOUTS_HELP, AsJson, EntitiesFolder, RegionsPath, Seed
from dvsa.cli.output import note, print_json, show, table
from dvsa.cli.recipes import chosen_recipe

if TYPE_CHECKING:
    from dvsa.data import Dataset

RecipeName = Annotated[
    str | None,
    typer.Argument(
        metavar="RECIPE",
        help="The recipe's name, such as best, modern, toy or paper; dvsa recipes lists them.",
        show_default=False,
    ),
]
RecipeFile = Annotated[
    Path | None,
    typer.Option(
        "--recipe", metavar="FILE", show_default=False, help="A recipe in JSON, in place of a name."
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        show_default=False,
        help="Set a field of the recipe by its dotted name: vision.dropout=0.3, align.train.epochs=5, "
        "or train.epochs=5 in all stages. May be repeated.",
    ),
]
OutRun = Annotated[Path, typer.Option("--out", metavar="RUN", help="The run's folder.", show_default=False)]
TrainingData = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", show_default="for toy: made in RUN-data", help=LAYOUTS_HELP),
]
Device = Annotated[
    str | None, typer.Option(show_default="cuda if there is a GPU", help="Such as cpu or cuda.")
]
WordVectors = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        show_default="trained",
        help="Fixed word vectors: a word2vec, GloVe or fastText file. Not with --init.",
    ),
]
EncoderFolder = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        show_default="trained",
        help="A pretrained sentence encoder, such as MiniLM, in the layout of Hugging Face. It stays fixed "
        "under a trained head. Not with --init.",
    ),
]
ExtraText = Annotated[
    Path | None,
    typer.Option(
        "--sentences",
        metavar="FILE",
        show_default=False,
        help="Extra sentences of other photographs: each line is PHOTOGRAPH, a tab and a sentence.",
    ),
]
InitialBundle = Annotated[
    str | None,
    typer.Option(
        "--init",
        metavar="BUNDLE",
        show_default=False,
        help="Warm start from a bundle of the same recipe: a folder or shipped. Backbone and proposals stay.",
    ),
]
Remember = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        show_default=False,
        help="With --init: the data that the bundle has learned from. Some of it is replayed, and the mean "
        "recall on it is told before and after.",
    ),
]
DescribedBy = Annotated[
    str | None,
    typer.Option(
        metavar="map|crops|both",
        show_default="the recipe's own",
        help="What describes a region: means of feature maps, the backbone on a crop of it, or both.",
    ),
]
FullResolution = Annotated[
    bool,
    typer.Option("--full-resolution", help="Cut crops from the photographs, not from the network's square."),
]
Proposer = Annotated[
    str | None,
    typer.Option(
        metavar="trained|shipped|grid|frame|BUNDLE",
        show_default="trained; shipped if the data has no phrase boxes",
        help="Where the boxes of regions come from: a head trained on phrase boxes, the shipped bundle or "
        "another one, fixed boxes, or the whole photograph alone.",
    ),
]
BackboneName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        show_default="the recipe's",
        help="The image network: alexnet, vgg16, efficientnet_lite0 (or 1, 2), small, or timm:NAME for a "
        "model of timm.",
    ),
]
BackboneFile = Annotated[
    Path | None,
    typer.Option(
        "--backbone-weights",
        metavar="FILE",
        show_default="installed, or from timm's hub",
        help="First weights of the backbone, in safetensors.",
    ),
]
EarlierRun = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="RUN",
        show_default=False,
        help="Reuse the proposal and alignment stages of a finished run on the same data, if they are equal.",
    ),
]
LogTo = Annotated[
    list[str] | None,
    typer.Option(
        metavar="tensorboard|wandb",
        show_default="log.jsonl alone",
        help="Where figures go beside log.jsonl. May be repeated.",
    ),
]


def train(
    out: OutRun,
    recipe: RecipeName = None,
    recipe_file: RecipeFile = None,
    settings: Settings = None,
    data: TrainingData = None,
    entities: EntitiesFolder = None,
    regions: RegionsPath = None,
    seed: Seed = 0,
    device: Device = None,
    word_vectors: WordVectors = None,
    sentence_encoder: EncoderFolder = None,
    sentences: ExtraText = None,
    init: InitialBundle = None,
    remember: Remember = None,
    proposer: Proposer = None,
    earlier: EarlierRun = None,
    backbone: BackboneName = None,
    backbone_weights: BackboneFile = None,
    described_by: DescribedBy = None,
    full_resolution: FullResolution = False,
    log_to: LogTo = None,
    as_json: AsJson = False,
) -> None:
    """Train a recipe on a data set.

    Uses the splits train and val, never test. RUN contains the configuration, and the checkpoints, logs and
    curves of every stage. After an interruption the same command continues from the last checkpoint.

    Example: `dvsa train toy --out run`, or `dvsa train best --data photographs --init shipped --out run`
    """
    from dvsa.learn.loop import processes
    from dvsa.learn.runs.fit import fit
    from dvsa.learn.runs.inputs import FitOptions

    chosen = chosen_recipe(recipe, recipe_file, settings or ())
    options = FitOptions(
        seed=seed,
        device=device,
        word_vectors=word_vectors,
        sentence_encoder=sentence_encoder,
        sentences=sentences,
        earlier=earlier,
        init=init,
        remember=remember,
        proposer=proposer,
        backbone=backbone,
        backbone_weights=backbone_weights,
        described_by=described_by,
        full_resolution=full_resolution,
        log_to=tuple(log_to or ()),
        tell=note,
    )

    with processes.joined():
        folder = data or _toy_set(chosen.name, out)
        fit(chosen, _dataset(folder, entities, regions), out, options)
        if processes.rank() == 0:
            _show_figures(out, as_json)


def _toy_set(recipe: str, out: Path) -> Path:
    """The folder of the toy set beside the run, made if it is missing."""
    from dvsa.data import toy
    from dvsa.learn.loop import processes

    if recipe != "toy":
        raise ValueError(f"the recipe {recipe} needs a data set: name its folder with --data")
    data = out.with_name(f"{out.name}-data")
    if processes.rank() == 0 and not (data / "dataset_toy.json").is_file():
        note(f"making the toy set in {data}")
        toy.write(data)
    processes.wait()
    return data


def _show_figures(out: Path, as_json: bool) -> None:
    """The figures of the best checkpoint of each stage."""
    from dvsa.learn.runs.run import Run

    facts = Run(out).facts
    if as_json:
        print_json({"run": str(out), "stages": facts})
        return
    figures = table("Stage", "Figure", "Value", right=("Value",))
    for stage, values in facts.items():
        for name, value in values.items():
            figures.add_row(stage, name, f"{value:.4g}" if isinstance(value, float) else str(value))
    show(
        "The best checkpoint of each stage, evaluated on val:\n",
        figures,
        f"\nNext: dvsa export {out} --out BUNDLE",
    )


def _dataset(data: Path, entities: Path | None, regions: Path | None) -> "Dataset":
    """The data set with splits; its problems are counted in a note."""
    from dvsa.data import load_regions
    from dvsa.learn.runs.large_data import load_for_training

    given = None if regions is None else load_regions(regions)
    dataset = load_for_training(data, entities, given, note)
    if dataset.problems:
        note(f"{data}: {len(dataset.problems)} problems worked around; dvsa data check lists them")
    return dataset
