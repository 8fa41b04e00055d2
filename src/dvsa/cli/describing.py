"""`dvsa describe`: descriptions of photographs, as text, pictures, lists, boxes or metadata."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dvsa.cli.annotating import Metadata, write_metadata
from dvsa.cli.listing import listed, write_list
from dvsa.cli.options import AsJson, ModelBundle, RegionSource, SegmentPreference, Trusted
from dvsa.cli.output import named, note, one_line, plain, print_json, show
from dvsa.cli.photographs import show_description
from dvsa.cli.pictures import photo_reader, save_overlay, save_report, thumbnail
from dvsa.files import fitting_name, write
from dvsa.records import Description

if TYPE_CHECKING:
    from dvsa.annotations import ToBoxes
    from dvsa.model import Model
    from dvsa.photo import Photo

REPORT = "dvsa-report.html"

PhotoFiles = Annotated[
    list[Path],
    typer.Argument(
        metavar="PHOTO",
        help="AVIF, BMP, GIF, HEIC, JPEG, JPEG 2000, PNG, PPM, TIFF or WebP, or folders of these.",
        show_default=False,
    ),
]
GivenSentence = Annotated[
    str | None,
    typer.Option(metavar="SENTENCE", show_default="the caption", help="The sentence to align with regions."),
]
PhraseCount = Annotated[int, typer.Option(min=0, help="The number of regions that get a phrase.")]
OutputFormat = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="csv|jsonl|html|md|coco|fiftyone|labelstudio",
        show_default=False,
        help="Make one list of all photographs: csv, jsonl, html or md. Or write the boxes of phrases for "
        "another tool, as dvsa-FORMAT.json in the folder of --out.",
    ),
]
PictureFolder = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER|FILE",
        show_default="nothing is written",
        help="Folder of the pictures and the report, or file of the list.",
    ),
]


MetadataTarget = Annotated[
    str | None,
    typer.Option(
        "--write",
        metavar="sidecar|xmp|exif",
        show_default=False,
        help="Write caption and things to a file beside each photograph, or into its XMP or EXIF data.",
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="With --write, replace descriptions that are already there.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="With --write, show what would be written.")]


@dataclass(frozen=True, slots=True)
class Telling:
    """What to say about each photograph, and how."""

    sentence: str | None
    beta: float | None
    regions: str
    phrases: int
    trusted: bool


def describe(
    photos: PhotoFiles,
    sentence: GivenSentence = None,
    beta: SegmentPreference = None,
    regions: RegionSource = "own",
    phrases: PhraseCount = 5,
    out: PictureFolder = None,
    form: OutputFormat = None,
    target: MetadataTarget = None,
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    bundle: ModelBundle = None,
    trusted: Trusted = False,
    as_json: AsJson = False,
) -> None:
    """Describe photographs.

    Prints a caption of the whole photograph, phrases for the best regions, and the region of each word and
    segment. With `--out FOLDER`, writes a picture of each photograph, `NAME.dvsa.png`, and one page of all,
    `dvsa-report.html`. Without `--out`, nothing is written.

    With `--format csv`, `jsonl`, `html` or `md`, makes one list of the photographs in files and folders, on
    standard output or in the file of `--out`; then an interrupted run goes on where it ended. With the other
    formats, the boxes of phrases, and those of the segments of `--sentence`, are written for another tool:
    MSCOCO's JSON, FiftyOne's, or tasks of Label Studio.

    With `--write`, puts the caption, also as alternative text, and the things that it names into metadata,
    where photo managers read them. What is already there stays. Pixels are never changed.

    Photographs that cannot be read are named on standard error; then the exit code is 2.

    Example: `dvsa describe dog.jpg --sentence "a dog leaps over a log" --out described`
    """
    import dvsa
    from dvsa.listing import LISTS

    if target is not None or overwrite or dry_run:
        if target is None or form is not None or out is not None or sentence is not None:
            raise ValueError(
                "give --write with --overwrite and --dry-run, without --format, --out and --sentence"
            )
        how = Metadata(target, overwrite, dry_run)
        write_metadata(dvsa.load(bundle), photos, how, regions, phrases, trusted=trusted, as_json=as_json)
        return
    if form is not None and form in LISTS:
        if sentence is not None or as_json:
            raise ValueError(f"--format {form} takes neither --sentence nor --json")
        write_list(dvsa.load(bundle), photos, form, out, regions=regions, phrases=phrases, trusted=trusted)
        return
    to_boxes = _boxes(form, out)
    telling = Telling(sentence, beta, regions, phrases, trusted)
    _describe_each(dvsa.load(bundle), photos, telling, out, (form, to_boxes), as_json)


def _describe_each(
    model: "Model",
    photos: Sequence[Path],
    telling: Telling,
    out: Path | None,
    boxes: "tuple[str | None, ToBoxes | None]",
    as_json: bool,
) -> None:
    """Print descriptions one by one; write their pictures, page and boxes to a folder, if there is one."""
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    items, records, errors = [], [], []
    described: list[tuple[Path, Description]] = []
    found = listed(photos)

    names = _picture_names([Path(name) for name, _ in found.sources])
    with photo_reader(telling.trusted) as read:
        for (file, source), name in zip(found.sources, names, strict=True):
            path = Path(file)
            try:
                photo = read(path) if source.size is None else read(source.read(), name=path.name)
                view = model.open(photo, regions=telling.regions)
            except (ValueError, OSError) as error:
                reason = one_line(error) if isinstance(error, OSError) else str(error)
                note(reason)
                errors.append({"file": file, "error": reason})
                continue

            description = view.describe(telling.sentence, beta=telling.beta, phrases=telling.phrases)
            overlay = None
            if out is not None:
                overlay, fault = save_overlay(view.photo, description, out / fitting_name(name, ".dvsa.png"))
                if fault is not None:
                    errors.append({"file": file, "error": fault})
                items.append((thumbnail(view.photo), description))
            described.append((path, description))
            records.append({"file": file, "overlay": overlay and str(overlay), **plain(description)})
            if not as_json:
                show_description(description, overlay)

    found.name_faults()
    errors += [{"file": file, "error": fault} for file, fault in found.faults.items()]
    saved = {} if out is None else _save(items, described, boxes, out)
    if as_json:
        left_out = [asdict(item) for item in found.left_out]
        print_json({"photographs": records, "errors": errors, "left_out": left_out, "report": None, **saved})
    for kind, saved_file in saved.items():
        if not as_json:
            show(f"{kind.capitalize()}: {named(str(saved_file))}")
    if errors or not found.is_whole:
        raise typer.Exit(2)


def _save(
    items: Sequence[tuple["Photo", Description]],
    described: Sequence[tuple[Path, Description]],
    boxes: "tuple[str | None, ToBoxes | None]",
    out: Path,
) -> dict[str, str]:
    """Write the page and the boxes; their files by what they are."""
    saved = {}
    if items:
        save_report(items, out / REPORT)
        saved["report"] = str(out / REPORT)
    form, to_boxes = boxes
    if to_boxes is not None:
        file = out / f"dvsa-{form}.json"
        write(file, json.dumps(to_boxes(described), indent=1, allow_nan=False).encode())
        saved["boxes"] = str(file)
    return saved


def _boxes(form: str | None, out: Path | None) -> "ToBoxes | None":
    """What turns descriptions into the boxes of a format; None if none is asked for."""
    from dvsa.annotations import FORMATS
    from dvsa.listing import LISTS

    if form is None:
        return None
    if form not in FORMATS:
        raise ValueError(f"--format {form} is unknown: choose from {', '.join((*LISTS, *FORMATS))}")
    if out is None:
        raise ValueError(f"--format {form} writes a file: name its folder with --out")
    return FORMATS[form]


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
