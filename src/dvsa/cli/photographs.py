"""`dvsa describe` and `dvsa align`: what the model says of photographs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dvsa.cli.options import AsJson, BundleFolder, PhotoFile
from dvsa.cli.output import note, plain, print_json, show, table
from dvsa.cli.pictures import save_overlay, save_report, thumbnail
from dvsa.records import FRAME, Alignment, Description, Region

REPORT = "dvsa-report.html"

Photos = Annotated[
    list[Path],
    typer.Argument(metavar="PHOTO", help="BMP, GIF, JPEG, PNG, PPM, TIFF or WebP.", show_default=False),
]
Sentence = Annotated[
    str,
    typer.Argument(metavar="SENTENCE", help="1 to 500 words, in quotation marks.", show_default=False),
]
OwnSentence = Annotated[
    str | None,
    typer.Option(metavar="SENTENCE", show_default="the caption", help="What is laid on the regions."),
]
Beta = Annotated[
    float | None,
    typer.Option(
        min=0,
        show_default="the bundle's own",
        help="The wish for long segments: 0 leaves each word to itself, inf puts all on one region.",
    ),
]
Regions = Annotated[
    str,
    typer.Option(
        metavar="own|head|coverage|grid|frame|FILE",
        help="How regions are chosen: by the bundle's own proposer, by another one, or from a JSON file of "
        "boxes x0, y0, x1, y1 in pixels.",
    ),
]
Phrases = Annotated[int, typer.Option(min=0, help="How many regions get a phrase.")]
Out = Annotated[Path, typer.Option(metavar="FOLDER", help="Where the pictures and the report go.")]


def describe(
    photos: Photos,
    sentence: OwnSentence = None,
    beta: Beta = None,
    regions: Regions = "own",
    phrases: Phrases = 5,
    out: Out = Path(),
    bundle: BundleFolder = None,
    as_json: AsJson = False,
) -> None:
    """Say what photographs show.

    A sentence for the whole, phrases for the best regions, and the region of each word and segment. Each
    photograph gets a picture, `NAME.dvsa.png`; all together get one page, `dvsa-report.html`.

    A photograph that cannot be read is named on standard error; the others are done, and the exit code is 2.

    Example: `dvsa describe dog.jpg --sentence "a dog leaps over a log" --out described`
    """
    import dvsa

    model = dvsa.load(bundle)
    out.mkdir(parents=True, exist_ok=True)
    names = _names(photos)
    items, records, errors = [], [], []
    for path, name in zip(photos, names, strict=True):
        try:
            view = model.open(path, regions=regions)
        except (ValueError, OSError) as error:
            note(error)
            errors.append({"file": str(path), "error": str(error)})
            continue
        description = view.describe(sentence, beta=beta, phrases=phrases)
        overlay = out / f"{name}.dvsa.png"
        save_overlay(view.photo, description, overlay)
        items.append((thumbnail(view.photo), description))
        records.append({"file": str(path), "overlay": str(overlay), **plain(description)})
        if not as_json:
            _show(description, overlay)
    if items:
        save_report(items, out / REPORT)
    if as_json:
        page = str(out / REPORT) if items else None
        print_json({"photographs": records, "errors": errors, "report": page})
    elif items:
        show(f"Report: {out / REPORT}")
    if errors:
        raise typer.Exit(2)


def align(
    photo: PhotoFile,
    sentence: Sentence,
    beta: Beta = None,
    regions: Regions = "own",
    bundle: BundleFolder = None,
    as_json: AsJson = False,
) -> None:
    """Lay a sentence on a photograph.

    Each word goes to its best region; the MRF makes segments of words that go to a region together.

    Example: `dvsa align dog.jpg "a dog leaps over a log" --beta 2`
    """
    import dvsa

    view = dvsa.load(bundle).open(photo, regions=regions)
    alignment = view.align(sentence, beta)
    if as_json:
        spots = [plain(region) for region in view.regions]
        print_json({"file": str(photo), "regions": spots, **plain(alignment)})
    else:
        _show_alignment("The sentence", alignment, view.regions)


def _names(photos: Sequence[Path]) -> list[str]:
    """A name for each photograph's overlay; files with the same stem get numbers from 2."""
    taken: list[str] = []
    for path in photos:
        name, n = path.stem, 1
        while name in taken:
            n += 1
            name = f"{path.stem}-{n}"
        taken.append(name)
    return taken


def _show(description: Description, overlay: Path) -> None:
    caption = description.caption
    size = f"{description.width} x {description.height} pixels"
    origin = f"{len(description.regions)} regions (proposer: {description.proposer})"
    found = table(
        "Region", "Phrase", "Log-prob", "Box x0 y0 x1 y1", "Confidence", right=("Log-prob", "Confidence")
    )
    for phrase in description.phrases:
        said, region = phrase.caption, phrase.region
        found.add_row(_region(region), said.text, f"{said.logprob:.2f}", _box(region), f"{region.score:.2f}")
    show(
        f"{description.photo}, {size}, {origin}\n",
        f"{caption.text}  (log-probability {caption.logprob:.2f})\n",
    )
    if description.phrases:
        show(found, "")
    if description.alignment is not None:
        whose = "The caption" if description.alignment.sentence == caption.text else "The sentence"
        _show_alignment(whose, description.alignment, description.regions)
    show(f"\nPicture: {overlay}\n")


def _show_alignment(whose: str, alignment: Alignment, regions: Sequence[Region]) -> None:
    words = table("Word", "Region", "Score", "Box x0 y0 x1 y1", right=("Score",))
    for word in alignment.words:
        name = word.text if word.supported else f"{word.text} ?"
        if word.region is None:
            words.add_row(name, "unknown", "", "")
        else:
            region = regions[word.region]
            words.add_row(name, _region(region), f"{word.score:.2f}", _box(region))
    show(f"{whose} on the regions: score {alignment.score:.2f}\n", words, "")
    if not all(word.supported for word in alignment.words):
        show("?: nothing seen supports the word.\n")
    if not alignment.segments:
        show("The model knows no word of the sentence: there is nothing to lay on regions.")
        return
    segments = table("Segment", "Region", "Score", "Box x0 y0 x1 y1", right=("Score",))
    for segment in alignment.segments:
        region = regions[segment.region]
        segments.add_row(segment.text, _region(region), f"{segment.score:.2f}", _box(region))
    show(f"Segments by the MRF, beta {alignment.beta:g}:\n", segments)


def _region(region: Region) -> str:
    return "frame" if region.box == FRAME else str(region.index)


def _box(region: Region) -> str:
    return "{} {} {} {}".format(*region.pixels)
