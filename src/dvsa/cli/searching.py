"""`dvsa search` and `dvsa caption-search`: photographs by sentence, and sentences by photograph."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dvsa.cli.indexing import connected_cluster, parse_fields
from dvsa.cli.options import AsJson, IndexFolder, ModelBundle, PhotoFile, RayAddress
from dvsa.cli.output import note, note_unknown, print_json, show, table
from dvsa.cli.pictures import photo_reader, save_overlay, save_report, thumbnail
from dvsa.records import FRAME

if TYPE_CHECKING:
    from dvsa.index import Hit, Query
    from dvsa.model import Model

DEFAULT_HITS = 10

SearchText = Annotated[
    str | None, typer.Argument(metavar="SENTENCE", help="What to search for.", show_default=False)
]
HitCount = Annotated[int, typer.Option("-k", metavar="N", help="The number of results.")]
MostHits = Annotated[
    int | None, typer.Option("-k", metavar="N", show_default=str(DEFAULT_HITS), help="The number of results.")
]
LikePhoto = Annotated[
    Path | None,
    typer.Option("--photo", metavar="PHOTO", show_default=False, help="Search for similar photographs."),
]
LikeRegion = Annotated[
    tuple[Path, str] | None,
    typer.Option(
        "--region",
        metavar="PHOTO X0,Y0,X1,Y1",
        show_default=False,
        help="Search for what is in this box, in pixels.",
    ),
]
PathPrefix = Annotated[
    str | None,
    typer.Option(
        "--in", metavar="PREFIX", show_default=False, help="Only photographs whose path begins with this."
    ),
]
TakenAfter = Annotated[
    datetime | None,
    typer.Option(
        "--after",
        formats=["%Y-%m-%d"],
        show_default=False,
        help="Only photographs taken on this day or later.",
    ),
]
TakenBefore = Annotated[
    datetime | None,
    typer.Option(
        "--before",
        formats=["%Y-%m-%d"],
        show_default=False,
        help="Only photographs taken on this day or earlier.",
    ),
]
WithFields = Annotated[
    list[str] | None,
    typer.Option(
        "--field",
        metavar="NAME=VALUE",
        show_default=False,
        help="Only photographs with this field; may be repeated.",
    ),
]
Pruned = Annotated[
    bool,
    typer.Option(
        "--pruned", help="Score only the most promising 1,000 photographs: faster, almost always the same."
    ),
]
HitPage = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", show_default=False, help="Write the results as one HTML page."),
]
HitPictures = Annotated[
    Path | None,
    typer.Option(
        "--pictures",
        metavar="FOLDER",
        show_default=False,
        help="Draw each result with the box of each word, in this folder.",
    ),
]
SentenceFile = Annotated[
    Path,
    typer.Argument(metavar="SENTENCES", help="A text file with a sentence on each line.", show_default=False),
]


def search(
    folder: IndexFolder,
    sentence: SearchText = None,
    k: MostHits = None,
    photo: LikePhoto = None,
    region: LikeRegion = None,
    prefix: PathPrefix = None,
    after: TakenAfter = None,
    before: TakenBefore = None,
    field: WithFields = None,
    pruned: Pruned = False,
    html: HitPage = None,
    pictures: HitPictures = None,
    bundle: ModelBundle = None,
    ray: RayAddress = None,
    as_json: AsJson = False,
) -> None:
    """Search an index for photographs.

    Search by a sentence, by a photograph (`--photo`) or by a part of one (`--region`). Prints for each result
    the box that each word matched, in pixels, and the word's share of the score.

    Example: `dvsa search photographs.index "two dogs play in the snow" --html results.html`
    """
    import dvsa
    from dvsa.index import Filter, Index

    model = dvsa.load(bundle)
    query = _query(model, sentence, photo, region)
    where = Filter(
        prefix=prefix,
        after=after and after.date(),
        before=before and before.date(),
        fields=parse_fields(field),
    )

    count = DEFAULT_HITS if k is None else k
    note_unknown(query.sentence)

    with Index.open(folder, model) as opened:
        if ray is None:
            hits = opened.search(query, count, where, pruned=pruned)
        else:
            with connected_cluster(ray).Shards(opened) as shards:
                hits = shards.search(query, count, where, pruned=pruned)
    if k is not None and len(hits) < k:
        kind = "photographs" if where == Filter() else "photographs that meet the conditions"
        note(f"{folder} has only {len(hits)} {kind}, not {k}")

    if html is not None or pictures is not None:
        _draw(model, hits, html, pictures)
    if as_json:
        unknown = {word: list(near) for word, near in query.sentence.nearest.items()}
        print_json({"query": query.text, "unknown": unknown, "hits": [_plain(hit) for hit in hits]})
        return
    for n, hit in enumerate(hits, 1):
        show(f"{n:>2}. {hit.score:.2f}  {hit.photograph.path}", f"    {_words(hit)}")


def caption_search(
    sentences: SentenceFile,
    photo: PhotoFile,
    k: HitCount = DEFAULT_HITS,
    bundle: ModelBundle = None,
    as_json: AsJson = False,
) -> None:
    """Find sentences for a photograph.

    Prints the lines of a text file that fit the photograph best. The score of a sentence is the sum of its
    words' scores, as in a search for photographs.

    Example: `dvsa caption-search sentences.txt dog.jpg -k 5`
    """
    import dvsa
    from dvsa import files
    from dvsa.index.sentences import MAX_BYTES, rank

    try:
        lines = files.read_given(sentences, MAX_BYTES).decode("utf-8").splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{sentences}: not UTF-8; save it as UTF-8 text") from None
    except files.UnreadableError as error:
        raise ValueError(f"{sentences}: {error}: give a shorter text file") from None
    numbers = [n for n, line in enumerate(lines) if line.strip()]
    if not numbers:
        raise ValueError(f"{sentences} has no sentences")

    with photo_reader() as read:
        view = dvsa.load(bundle).open(read(photo))
    ranked = rank(view, [lines[n] for n in numbers], k)

    if as_json:
        hits = [{"line": numbers[r.index] + 1, "sentence": r.sentence, "score": r.score} for r in ranked]
        print_json({"photo": str(photo), "sentences": hits})
        return
    rows = table("Score", "Line", "Sentence", right=("Score", "Line"))
    for r in ranked:
        rows.add_row(f"{r.score:.2f}", str(numbers[r.index] + 1), r.sentence)
    show(rows)


def _query(
    model: "Model", sentence: str | None, photo: Path | None, region: tuple[Path, str] | None
) -> "Query":
    """The query of the one option that is given."""
    from dvsa.index import Query

    if [sentence, photo, region].count(None) != 2:
        raise ValueError("give one of these: a sentence, --photo, --region")
    if sentence is not None:
        return Query.of_sentence(model, sentence)
    if photo is not None:
        with photo_reader() as read:
            return Query.of_photo(model, read(photo))

    assert region is not None
    path, corners = region
    try:
        box = [float(number) for number in corners.split(",")]
    except ValueError:
        box = []
    if len(box) != 4:
        raise ValueError(f"--region {corners}: give X0,Y0,X1,Y1 in pixels")
    with photo_reader() as read:
        return Query.of_photo(model, read(path), box)


def _words(hit: "Hit") -> str:
    """Each word of the query with its score and the box that it matched, in pixels."""
    parts = []
    for word in hit.alignment.words:
        box = "(unknown)" if word.region is None else str(_pixels(hit, word.region))
        is_frame = word.region is not None and hit.boxes[word.region] == FRAME
        parts.append(f"{word.text} {word.score:.2f} {'frame' if is_frame else box}")
    return " · ".join(parts)


def _pixels(hit: "Hit", region: int | None) -> list[int] | None:
    """The box of a region in pixels."""
    from dvsa.boxes import to_pixels

    if region is None:
        return None
    return list(to_pixels(hit.boxes[region], hit.photograph.width, hit.photograph.height))


def _plain(hit: "Hit") -> dict[str, object]:
    """A hit as JSON values."""
    words = [
        {"text": word.text, "known": word.known, "score": word.score, "box": _pixels(hit, word.region)}
        for word in hit.alignment.words
    ]
    return {"score": hit.score, **asdict(hit.photograph), "words": words}


def _draw(model: "Model", hits: "Sequence[Hit]", page: Path | None, folder: Path | None) -> None:
    """Write the page and the pictures, without photographs that are gone or have changed."""
    from dvsa.index.explain import describe

    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)

    items = []
    with photo_reader() as read:
        for n, hit in enumerate(hits, 1):
            try:
                photo, description = describe(model, hit, read)
            except (ValueError, OSError) as error:
                note(error)
                continue
            if folder is not None:
                save_overlay(photo, description, folder / f"{n:02}-{Path(description.photo).stem}.png")
            items.append((thumbnail(photo), description))
    if page is not None:
        save_report(items, page)
