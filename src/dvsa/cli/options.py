"""Arguments and options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

LAYOUTS_HELP = "A data set in any of the layouts of docs/data.md, or hf:USER/NAME of Hugging Face's hub."

AsJson = Annotated[bool, typer.Option("--json", help="Print only JSON on standard output.")]
ModelBundle = Annotated[
    str | None,
    typer.Option(
        metavar="FOLDER|USER/NAME",
        show_default="the shipped one",
        help="The model's bundle: a folder, or USER/NAME or USER/NAME@REVISION on Hugging Face's hub.",
    ),
]
EntitiesFolder = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        show_default="entities in the data set's folder",
        help="Flickr30k Entities: a folder or a tar file.",
    ),
]
RegionsPath = Annotated[
    Path | None,
    typer.Option(
        "--regions",
        metavar="PATH",
        show_default="none",
        help="Regions from files: boxes or features of each photograph, in a layout of docs/data.md.",
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of all random choices.")]
PhotoFile = Annotated[Path, typer.Argument(metavar="PHOTO", help="A photograph.", show_default=False)]
PhotoNames = Annotated[
    list[str],
    typer.Argument(metavar="PHOTOS", help="Files, folders, globs or tar files.", show_default=False),
]
IndexFolder = Annotated[Path, typer.Argument(metavar="INDEX", help="The index's folder.", show_default=False)]
Trusted = Annotated[
    bool,
    typer.Option(
        "--trusted",
        help="Decode photographs in this process, without limits of memory and time: a little faster, but "
        "only for photographs that you trust.",
    ),
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="ADDRESS",
        show_default=False,
        help="Use the Ray cluster at this address; local starts one on this machine.",
    ),
]
SegmentPreference = Annotated[
    float | None,
    typer.Option(
        "--beta",
        min=0,
        show_default="from the bundle",
        help="Preference for longer segments: with 0 each word takes its best region, with inf all take one.",
    ),
]
RegionSource = Annotated[
    str,
    typer.Option(
        metavar="own|head|coverage|grid|frame|FILE",
        help="How regions are chosen: by the bundle's own proposer, by another one, or from a JSON file of "
        "boxes x0, y0, x1, y1 in pixels.",
    ),
]
