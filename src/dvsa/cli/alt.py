"""`dvsa alt`: alternative texts for the images of HTML pages."""

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dvsa.cli.options import AsJson, ModelBundle
from dvsa.cli.output import note, print_json, progress, show
from dvsa.cli.pictures import photo_reader

if TYPE_CHECKING:
    from dvsa.alt_text import PageImage
    from dvsa.decode import ReadPhoto
    from dvsa.model import Model

Pages = Annotated[list[Path], typer.Argument(metavar="PAGE", help="HTML files.", show_default=False)]
RootFolder = Annotated[
    Path | None,
    typer.Option(
        "--root",
        metavar="FOLDER",
        show_default="the page's folder",
        help="Where addresses that begin with / are.",
    ),
]
WithEmpty = Annotated[
    bool, typer.Option("--empty", help="Also images with an empty alt, which are marked as decoration.")
]


def alt(
    pages: Pages,
    root: RootFolder = None,
    empty: WithEmpty = False,
    bundle: ModelBundle = None,
    as_json: AsJson = False,
) -> None:
    """Propose alternative texts for the images of HTML pages.

    Lists the images without alternative text, each with its line and column and with a caption as a proposal.
    Pages are not changed, and nothing is fetched from the network. Images that cannot be read are named on
    standard error; then the exit code is 2.

    Example: `dvsa alt page.html`
    """
    import dvsa
    from dvsa.alt_text import images_without_text, read_page

    listed = [(page, image) for page in pages for image in images_without_text(read_page(page), empty=empty)]
    model = dvsa.load(bundle) if listed else None
    known: dict[Path | bytes, str] = {}
    records: list[dict[str, object]] = []

    with photo_reader() as read, progress() as update:
        for n, (page, image) in enumerate(listed, 1):
            where = f"{page}:{image.line}:{image.column}"
            try:
                text = _proposal(image, page, root, model, read, known)
            except (ValueError, OSError) as error:
                note(f"{where}: {error}")
                text = None
            update("describing images", n, len(listed))
            place = {"page": str(page), "line": image.line, "column": image.column}
            records.append({**place, "source": image.source[:200], "alt": text})
            if text is not None and not as_json:
                show(f"{where}  {image.source[:200]}", f'    alt="{escape(text)}"')

    lacking = len(records)
    if as_json:
        print_json({"images": records})
    else:
        show(f"{lacking:,} image{'s' * (lacking != 1)} without alternative text")
    if any(record["alt"] is None for record in records):
        raise typer.Exit(2)


def _proposal(
    image: "PageImage",
    page: Path,
    root: Path | None,
    model: "Model | None",
    read: "ReadPhoto",
    known: dict[Path | bytes, str],
) -> str:
    """A caption of an image; one that a page shows again is described once."""
    assert model is not None
    content = image.content(page, root)
    if content not in known:
        photo = read(content) if isinstance(content, Path) else read(content, name="the image in the page")
        known[content] = model.open(photo).caption().text
    return known[content]
