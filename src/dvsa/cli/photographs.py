"""`dvsa describe` and `dvsa align`: what the model says about photographs."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dvsa.cli.options import AsJson, ModelBundle, PhotoFile, Trusted
from dvsa.cli.output import note, note_unknown, plain, print_json, show, table
from dvsa.cli.pictures import photo_reader, save_overlay, save_report, thumbnail
from dvsa.files import write
from dvsa.records import FRAME, Alignment, Description, Region, Word

if TYPE_CHECKING:
    from dvsa.annotations import ToBoxes
    from dvsa.photo import Photo

REPORT = "dvsa-report.html"

PhotoFiles = Annotated[
    list[Path],
    typer.Argument(metavar="PHOTO", help="BMP, GIF, JPEG, PNG, PPM, TIFF or WebP.", show_default=False),
]
SentenceToAlign = Annotated[
    str,
    typer.Argument(metavar="SENTENCE", help="1 to 500 words, in quotation marks.", show_default=False),
]
GivenSentence = Annotated[
    str | None,
    typer.Option(metavar="SENTENCE", show_default="the caption", help="The sentence to align with regions."),
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
PhraseCount = Annotated[int, typer.Option(min=0, help="The number of regions that get a phrase.")]
BoxFormat = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="coco|fiftyone|labelstudio",
        show_default=False,
        help="Also write the boxes with their phrases for another tool, as dvsa-FORMAT.json.",
    ),
]
PictureFolder = Annotated[Path, typer.Option(metavar="FOLDER", help="Folder of the pictures and the report.")]


def describe(
    photos: PhotoFiles,
    sentence: GivenSentence = None,
    beta: SegmentPreference = None,
    regions: RegionSource = "own",
    phrases: PhraseCount = 5,
    out: PictureFolder = Path(),
    box_format: BoxFormat = None,
    bundle: ModelBundle = None,
    trusted: Trusted = False,
    as_json: AsJson = False,
) -> None:
    """Describe photographs.

    Prints a caption of the whole photograph, phrases for the best regions, and the region of each word and
    segment. Writes a picture of each photograph, `NAME.dvsa.png`, and one page of all, `dvsa-report.html`.

    With `--format`, the boxes of phrases, and those of the segments of `--sentence`, are written for another
    tool: MSCOCO's JSON, FiftyOne's, or tasks of Label Studio.

    Photographs that cannot be read are named on standard error; then the exit code is 2.

    Example: `dvsa describe dog.jpg --sentence "a dog leaps over a log" --out described`
    """
    import dvsa

    to_boxes = _box_format(box_format)
    items, records, errors = [], [], []
    described: list[tuple[Path, Description]] = []
    with photo_reader(trusted) as read:
        model = dvsa.load(bundle)
        out.mkdir(parents=True, exist_ok=True)

        for path, name in zip(photos, _picture_names(photos), strict=True):
            try:
                view = model.open(read(path), regions=regions)
            except (ValueError, OSError) as error:
                note(error)
                errors.append({"file": str(path), "error": str(error)})
                continue

            description = view.describe(sentence, beta=beta, phrases=phrases)
            overlay = out / f"{name}.dvsa.png"
            save_overlay(view.photo, description, overlay)
            items.append((thumbnail(view.photo), description))
            described.append((path, description))
            records.append({"file": str(path), "overlay": str(overlay), **plain(description)})
            if not as_json:
                _show(description, overlay)

    page = _save(items, described, to_boxes, out, box_format)
    if as_json:
        print_json({"photographs": records, "errors": errors, **page})
    for name, file in page.items():
        if file is not None and not as_json:
            show(f"{name.capitalize()}: {file}")
    if errors:
        raise typer.Exit(2)


def _save(
    items: Sequence[tuple["Photo", Description]],
    described: Sequence[tuple[Path, Description]],
    to_boxes: "ToBoxes | None",
    out: Path,
    box_format: str | None,
) -> dict[str, str | None]:
    """Write the page and the boxes; their files by what they are."""
    saved: dict[str, str | None] = {"report": None}
    if items:
        save_report(items, out / REPORT)
        saved["report"] = str(out / REPORT)
    if to_boxes is not None:
        boxes = out / f"dvsa-{box_format}.json"
        write(boxes, json.dumps(to_boxes(described), indent=1, allow_nan=False).encode())
        saved["boxes"] = str(boxes)
    return saved


def align(
    photo: PhotoFile,
    sentence: SentenceToAlign,
    beta: SegmentPreference = None,
    regions: RegionSource = "own",
    bundle: ModelBundle = None,
    as_json: AsJson = False,
) -> None:
    """Align a sentence with a photograph.

    Each word gets its best region. An MRF joins neighbouring words on one region into segments.

    Example: `dvsa align dog.jpg "a dog leaps over a log" --beta 2`
    """
    import dvsa

    model = dvsa.load(bundle)
    with photo_reader() as read:
        view = model.open(read(photo), regions=regions)
    told = model.read(sentence)
    note_unknown(told)
    alignment = view.align(told, beta)
    if as_json:
        records = [plain(region) for region in view.regions]
        print_json({"file": str(photo), "regions": records, **plain(alignment)})
    else:
        _show_alignment("The sentence", alignment, view.regions)


def _box_format(name: str | None) -> "ToBoxes | None":
    """What turns descriptions into the boxes of a format; None if none is asked for."""
    from dvsa.annotations import FORMATS

    if name is not None and name not in FORMATS:
        raise ValueError(f"--format {name} is unknown: choose from {', '.join(FORMATS)}")
    return None if name is None else FORMATS[name]


def _picture_names(photos: Sequence[Path]) -> list[str]:
    """A name for each photograph's picture; photographs with the same stem get numbers from 2."""
    names: list[str] = []
    for path in photos:
        name, n = path.stem, 1
        while name in names:
            n += 1
            name = f"{path.stem}-{n}"
        names.append(name)
    return names


def _show(description: Description, overlay: Path) -> None:
    """Print a description: caption, phrases and alignment."""
    caption = description.caption
    size = f"{description.width} x {description.height} pixels"
    regions = f"{len(description.regions)} regions (proposer: {description.proposer})"
    show(
        f"{description.photo}, {size}, {regions}\n",
        f"{caption.text}  (log-probability {caption.logprob:.2f})\n",
    )

    if description.phrases:
        rows = table(
            "Region", "Phrase", "Log-prob", "Box x0 y0 x1 y1", "Box score", right=("Log-prob", "Box score")
        )
        for phrase in description.phrases:
            text, logprob, region = phrase.caption.text, phrase.caption.logprob, phrase.region
            rows.add_row(_region(region), text, f"{logprob:.2f}", _box(region), f"{region.score:.2f}")
        show(rows, "")

    if description.alignment is not None:
        title = "The caption" if description.alignment.sentence == caption.text else "The sentence"
        _show_alignment(title, description.alignment, description.regions)
    show(f"\nPicture: {overlay}\n")


def _show_alignment(title: str, alignment: Alignment, regions: Sequence[Region]) -> None:
    """Print the region of each word, then the segments."""
    words = table("Word", "Region", "Score", "Box x0 y0 x1 y1", right=("Score",))
    for word in alignment.words:
        name = f"{word.text} ?" if _is_weak(word) else word.text
        if word.region is None:
            words.add_row(name, "unknown", "", "")
        else:
            region = regions[word.region]
            words.add_row(name, _region(region), f"{word.score:.2f}", _box(region))
    show(f"{title} on the regions: score {alignment.score:.2f}\n", words, "")

    if any(map(_is_weak, alignment.words)):
        show("? = weak: no region matches this word well.\n")
    if not alignment.segments:
        show("The model knows no word of the sentence, so there are no segments.")
        return

    segments = table("Segment", "Region", "Score", "Box x0 y0 x1 y1", right=("Score",))
    for segment in alignment.segments:
        region = regions[segment.region]
        segments.add_row(segment.text, _region(region), f"{segment.score:.2f}", _box(region))
    show(f"Segments by the MRF, beta {alignment.beta:g}:\n", segments)


def _is_weak(word: Word) -> bool:
    """Whether the model knows the word but finds no region for it."""
    return word.known and not word.supported


def _region(region: Region) -> str:
    return "frame" if region.box == FRAME else str(region.index)


def _box(region: Region) -> str:
    return "{} {} {} {}".format(*region.pixels)
