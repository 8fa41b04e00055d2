"""`dvsa search` and `dvsa caption-search`: photographs by sentence, and sentences by photograph."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dvsa.cli.indexing import cluster, fields
from dvsa.cli.options import AsJson, BundleFolder, Fields, IndexFolder, PhotoFile, RayAddress
from dvsa.cli.output import note, print_json, show, table
from dvsa.cli.pictures import save_overlay, save_report, thumbnail
from dvsa.records import FRAME

if TYPE_CHECKING:
    from dvsa.index import Hit, Query
    from dvsa.model import Model

Sentence = Annotated[
    str | None, typer.Argument(metavar="SENTENCE", help="What to look for.", show_default=False)
]
Count = Annotated[int, typer.Option("-k", metavar="N", help="How many to show.")]
LikePhoto = Annotated[
    Path | None,
    typer.Option("--photo", metavar="PHOTO", show_default=False, help="Look for photographs like it."),
]
LikeRegion = Annotated[
    tuple[Path, str] | None,
    typer.Option(
        "--region",
        metavar="PHOTO X0,Y0,X1,Y1",
        show_default=False,
        help="Look for what is in this box, in pixels.",
    ),
]
Prefix = Annotated[
    str | None, typer.Option("--in", metavar="PREFIX", show_default=False, help="Only paths that begin so.")
]
After = Annotated[
    datetime | None,
    typer.Option(
        "--after", formats=["%Y-%m-%d"], show_default=False, help="Only photographs taken then or later."
    ),
]
Before = Annotated[
    datetime | None,
    typer.Option(
        "--before", formats=["%Y-%m-%d"], show_default=False, help="Only photographs taken then or earlier."
    ),
]
Pruned = Annotated[
    bool, typer.Option("--pruned", help="Look closely at the most promising 1,000 photographs only: faster.")
]
Page = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", show_default=False, help="Write the hits as one page."),
]
Pictures = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", show_default=False, help="Draw each hit with the boxes that words found."),
]
Sentences = Annotated[
    Path, typer.Argument(metavar="SENTENCES", help="A text file, a sentence a line.", show_default=False)
]


def search(
    folder: IndexFolder,
    sentence: Sentence = None,
    k: Count = 10,
    photo: LikePhoto = None,
    region: LikeRegion = None,
    prefix: Prefix = None,
    after: After = None,
    before: Before = None,
    field: Fields = None,
    pruned: Pruned = False,
    html: Page = None,
    pictures: Pictures = None,
    bundle: BundleFolder = None,
    ray: RayAddress = None,
    as_json: AsJson = False,
) -> None:
    """Find photographs, by a sentence, by a photograph or by a part of one.

    Each hit comes with the box that each word found, in pixels, and its share of the score.

    Example: `dvsa search photographs.index "two dogs play in the snow" --html hits.html`
    """
    import dvsa
    from dvsa.index import Filter, Index

    model = dvsa.load(bundle)
    query = _query(model, sentence, photo, region)
    where = Filter(
        prefix=prefix, after=after and after.date(), before=before and before.date(), fields=fields(field)
    )
    with Index.open(folder, model) as opened:
        if ray is None:
            hits = opened.search(query, k, where, pruned=pruned)
        else:
            with cluster(ray).Shards(opened) as shards:
                hits = shards.search(query, k, where, pruned=pruned)
    if len(hits) < k:
        note(f"there are {len(hits)} such photographs in {folder}, and not {k}")
    if html is not None or pictures is not None:
        _draw(model, hits, html, pictures)
    if as_json:
        print_json({"query": query.text, "hits": [_plain(hit) for hit in hits]})
        return
    for n, hit in enumerate(hits, 1):
        show(f"{n:>2}. {hit.score:.2f}  {hit.photograph.path}", f"    {_words(hit)}")


def caption_search(
    sentences: Sentences,
    photo: PhotoFile,
    k: Count = 10,
    bundle: BundleFolder = None,
    as_json: AsJson = False,
) -> None:
    """Find the sentences that fit a photograph.

    A sentence's score is the sum over its words of each word's best region, as in a search for photographs.

    Example: `dvsa caption-search sentences.txt dog.jpg -k 5`
    """
    import dvsa
    from dvsa.index.sentences import rank

    try:
        lines = sentences.read_text("utf-8").splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{sentences}: not UTF-8; save it as UTF-8 text") from None
    places = [n for n, line in enumerate(lines) if line.strip()]
    if not places:
        raise ValueError(f"{sentences}: there is no sentence in it")
    view = dvsa.load(bundle).open(photo)
    found = rank(view, [lines[n] for n in places], k)
    if as_json:
        hits = [{"line": places[f.index] + 1, "sentence": f.sentence, "score": f.score} for f in found]
        print_json({"photo": str(photo), "sentences": hits})
        return
    rows = table("Score", "Line", "Sentence", right=("Score", "Line"))
    for f in found:
        rows.add_row(f"{f.score:.2f}", str(places[f.index] + 1), f.sentence)
    show(rows)


def _query(
    model: "Model", sentence: str | None, photo: Path | None, region: tuple[Path, str] | None
) -> "Query":
    from dvsa.index import Query

    if [sentence, photo, region].count(None) != 2:
        raise ValueError("give one of these: a sentence, --photo, --region")
    if sentence is not None:
        return Query.of_sentence(model, sentence)
    if photo is not None:
        return Query.of_photo(model, photo)
    assert region is not None
    path, corners = region
    try:
        box = [float(number) for number in corners.split(",")]
    except ValueError:
        box = []
    if len(box) != 4:
        raise ValueError(f"--region {corners}: give X0,Y0,X1,Y1 in pixels")
    return Query.of_photo(model, path, box)


def _words(hit: "Hit") -> str:
    """Each word of the query with its score and the box that it found, in pixels."""
    parts = []
    for word in hit.alignment.words:
        box = "(unknown)" if word.region is None else str(_pixels(hit, word.region))
        framed = word.region is not None and hit.boxes[word.region] == FRAME
        parts.append(f"{word.text} {word.score:.2f} {'frame' if framed else box}")
    return " · ".join(parts)


def _pixels(hit: "Hit", region: int | None) -> list[int] | None:
    from dvsa.boxes import to_pixels

    if region is None:
        return None
    return list(to_pixels(hit.boxes[region], hit.photograph.width, hit.photograph.height))


def _plain(hit: "Hit") -> dict[str, object]:
    words = [
        {"text": word.text, "known": word.known, "score": word.score, "box": _pixels(hit, word.region)}
        for word in hit.alignment.words
    ]
    return {"score": hit.score, **asdict(hit.photograph), "words": words}


def _draw(model: "Model", hits: "Sequence[Hit]", page: Path | None, folder: Path | None) -> None:
    """Write the page and the pictures; a photograph that is gone or has changed is named and left out."""
    from dvsa.index.explain import describe

    items = []
    for n, hit in enumerate(hits, 1):
        try:
            photo, description = describe(model, hit)
        except (ValueError, OSError) as error:
            note(error)
            continue
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            save_overlay(photo, description, folder / f"{n:02}-{Path(description.photo).stem}.png")
        items.append((thumbnail(photo), description))
    if page is not None:
        save_report(items, page)
