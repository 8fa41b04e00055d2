"""`dvsa align`, and how the commands print what the model says about a photograph."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dvsa.cli.options import AsJson, ModelBundle, PhotoFile, RegionSource, SegmentPreference
from dvsa.cli.output import named, note_unknown, plain, print_json, show, table
from dvsa.cli.pictures import photo_reader
from dvsa.records import FRAME, UNFAMILIAR, Alignment, Description, Region, Thing, Word, percent

SentenceToAlign = Annotated[
    str,
    typer.Argument(metavar="SENTENCE", help="1 to 500 words, in quotation marks.", show_default=False),
]


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
    note_unknown(told.nearest)
    alignment = view.align(told, beta)
    if as_json:
        records = [plain(region) for region in view.regions]
        print_json({"file": str(photo), "regions": records, **plain(alignment)})
    else:
        _show_alignment("The sentence", alignment, view.regions)


def show_description(description: Description, overlay: Path | None) -> None:
    """Print a description: caption, phrases and alignment."""
    caption = description.caption
    size = f"{description.width} x {description.height} pixels"
    regions = f"{len(description.regions)} regions (proposer: {description.proposer})"
    show(
        f"{named(description.photo)}, {size}, {regions}\n",
        f"{caption.text}  (log-probability {caption.logprob:.2f})\n",
    )
    if not description.familiar:
        show(f"{UNFAMILIAR}\n")
    if description.things:
        show(f"Things: {', '.join(map(_thing, description.things))}\n")

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
    show("" if overlay is None else f"\nPicture: {named(str(overlay))}\n")


def _show_alignment(title: str, alignment: Alignment, regions: Sequence[Region]) -> None:
    """Print the region of each word, then the segments."""
    calibrated = any(word.probability is not None for word in alignment.words)
    column = "Probable" if calibrated else "Score"
    words = table("Word", "Region", column, "Box x0 y0 x1 y1", right=(column,))
    for t, word in enumerate(alignment.words):
        name = f"{word.text} ?" if _is_weak(word) else word.text
        if word.region is None:
            words.add_row(name, "unknown", "", "")
        else:
            region = regions[word.region]
            words.add_row(name, _region(region), alignment.evidence(t, word.region), _box(region))
    show(f"{title} on the regions: score {alignment.score:.2f}\n", words, "")

    if any(map(_is_weak, alignment.words)):
        show("? = weak: no region matches this word well; the photograph probably does not show it.\n")
    if not alignment.segments:
        show("The model knows no word of the sentence, so there are no segments.")
        return

    segments = table("Segment", "Region", "Score", "Box x0 y0 x1 y1", right=("Score",))
    for segment in alignment.segments:
        region = regions[segment.region]
        segments.add_row(segment.text, _region(region), f"{segment.score:.2f}", _box(region))
    show(f"Segments by the MRF, beta {alignment.beta:g}:\n", segments)


def _thing(thing: Thing) -> str:
    return thing.name if thing.probability == 1 else f"{thing.name} {percent(thing.probability)}"


def _is_weak(word: Word) -> bool:
    """Whether the model knows the word but finds no region for it."""
    return word.known and not word.supported


def _region(region: Region) -> str:
    return "frame" if region.box == FRAME else str(region.index)


def _box(region: Region) -> str:
    return "{} {} {} {}".format(*region.pixels)
