"""Options that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on standard output.")]
BundleFolder = Annotated[
    Path | None, typer.Option(metavar="FOLDER", show_default="the shipped one", help="A model's bundle.")
]
Entities = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        show_default="entities in the data set's folder",
        help="Flickr30k Entities: a folder or a tar file.",
    ),
]
LAYOUTS = "A data set in any of the layouts of docs/data.md."
