"""`dvsa search` and `dvsa caption-search`: photographs by sentence, and sentences by photograph."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dvsa.cli.indexing import connected_cluster
from dvsa.cli.options import AsJson, IndexFolder, ModelBundle, PhotoFile, RayAddress
from dvsa.cli.output import named, note, note_unknown, print_json, show, table
from dvsa.cli.pictures import draw_hits, photo_reader
from dvsa.cli.search_options import (
    Asked,
    Camera,
    City,
    Country,
    EveryHit,
    GpsArea,
    HitOrder,
    HitPage,
    HitPictures,
    LikePhoto,
    LikeRegion,
    LikeWeight,
    MostHits,
    PathPrefix,
    Pruned,
    SearchText,
    TakenAfter,
    TakenBefore,
    WithFields,
    WithIds,
    Without,
    filter_of,
)
from dvsa.records import FRAME

if TYPE_CHECKING:
    from dvsa.index import Filter, Hit, Index, Photograph, Query

DEFAULT_SENTENCES = 10

HitCount = Annotated[int, typer.Option("-k", metavar="N", help="The number of results.")]
SentenceFile = Annotated[
    Path,
    typer.Argument(metavar="SENTENCES", help="A text file with a sentence on each line.", show_default=False),
]


def search(
    folder: IndexFolder,
    sentence: SearchText = None,
    k: MostHits = None,
    every: EveryHit = False,
    photo: LikePhoto = None,
    region: LikeRegion = None,
    weight: LikeWeight = None,
    without: Without = None,
    prefix: PathPrefix = None,
    after: TakenAfter = None,
    before: TakenBefore = None,
    camera: Camera = None,
    gps: GpsArea = None,
    country: Country = None,
    city: City = None,
    field: WithFields = None,
    ids: WithIds = None,
    sort: HitOrder = "score",
    pruned: Pruned = False,
    html: HitPage = None,
    pictures: HitPictures = None,
    bundle: ModelBundle = None,
    ray: RayAddress = None,
    as_json: AsJson = False,
) -> None:
    """Search an index for photographs.

    Search by a sentence, by a photograph (`--photo`) or by a part of one (`--region`), or by both together.
    The results end where the words of the sentence lose support. Prints for each result the box that each
    word matched, in pixels, and the word's share of the score.

    Example: `dvsa search photographs.index "two dogs play in the snow" --html results.html`
    """
    import dvsa
    from dvsa.index import Index
    from dvsa.index.answer import no_answer

    if every and k is not None:
        raise ValueError("give one of these: -k, --all")
    model = dvsa.load(bundle)
    where = filter_of(prefix, (after, before), field, camera, gps, (country, city), ids)
    query = Asked(sentence, photo, region, weight, without or ()).query(model)
    _note_unknown_parts(query)

    with Index.open(folder, model) as opened, _searcher(opened, ray) as find:
        hits = find(query, max(len(opened), 1) if every else k, where, pruned=pruned, order=sort)
        nearest = hits or find(replace(query, without=()), 1, where, pruned=pruned)
        _note_count(opened, query, hits, k, where)
        empty = not len(opened)
    answer = None if hits else no_answer(query, next(iter(nearest), None), _path, empty=empty)

    complete = draw_hits(model, query.text, answer, hits, html, pictures)
    if as_json:
        found = [_plain(hit) for hit in hits]
        print_json({"query": query.text, "unknown": query.nearest, "answer": answer, "hits": found})
    else:
        _show_hits(hits, answer, "; -k 5 shows the nearest photographs" if nearest and k is None else "")
    if not complete:
        raise typer.Exit(2)


def caption_search(
    sentences: SentenceFile,
    photo: PhotoFile,
    k: HitCount = DEFAULT_SENTENCES,
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


@contextmanager
def _searcher(opened: "Index", ray: str | None) -> "Iterator[Callable[..., list[Hit]]]":
    """What searches an index, without warnings: this process, or a Ray cluster."""
    from dvsa.index import UnrecordedWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnrecordedWarning)
        if ray is None:
            yield opened.search
            return
        with connected_cluster(ray).Shards(opened) as shards:
            yield shards.search


def _note_unknown_parts(query: "Query") -> None:
    """Say which words and parts of a question do not count."""
    from dvsa.index.answer import ignored_parts

    note_unknown(query.nearest)
    if ignored := ignored_parts(query):
        note(ignored)


def _note_count(
    opened: "Index", query: "Query", hits: "Sequence[Hit]", k: int | None, where: "Filter"
) -> None:
    """Say that there are fewer results than were asked for, or may be more, or what was never looked at."""
    from dvsa.index import Filter
    from dvsa.index.answer import fewer, never_looked_at
    from dvsa.index.plan import MOST_HITS

    if k is not None and len(hits) < k:
        restricted = where != Filter() or bool(query.without)
        note(f"{opened.folder} has only {fewer(hits, restricted)}, not {k}")
    if unrecorded := opened.unrecorded(where):
        note(f"{opened.folder}: {never_looked_at(unrecorded)}")
    if k is None and len(hits) == MOST_HITS:
        note(f"these are the best {MOST_HITS} photographs; -k shows more, --all shows every one")


def _show_hits(hits: "Sequence[Hit]", answer: str | None, hint: str) -> None:
    """Print the results; a line says where the words lose support, or why there are none."""
    if answer is not None:
        show(answer + hint)
    told = False
    for n, hit in enumerate(hits, 1):
        if not hit.fits and not told:
            show("    the words have too little support from here on:")
        told = told or not hit.fits
        date = f"  {hit.photograph.taken[:10]}" if hit.photograph.taken else ""
        more = f"  (+ {len(hit.others)} near duplicates)" if hit.others else ""
        show(f"{n:>2}. {hit.score:.2f}  {_path(hit.photograph)}{date}{more}", f"    {_words(hit)}")


def _path(photograph: "Photograph") -> str:
    return named(photograph.path)


def _words(hit: "Hit") -> str:
    """Each word of the query with its evidence and the box that it matched, in pixels; ? is a weak match."""
    parts = []
    for t, word in enumerate(hit.alignment.words):
        if word.region is None:
            parts.append(f"{word.text} (unknown)")
        else:
            box = "frame" if hit.boxes[word.region] == FRAME else str(_pixels(hit, word.region))
            weak = "" if word.supported else "?"
            said = [word.text, weak, hit.alignment.evidence(t, word.region), box]
            parts.append(" ".join(filter(None, said)))
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
        {
            "text": word.text,
            "known": word.known,
            "score": word.score,
            "box": _pixels(hit, word.region),
            "supported": word.supported,
            "probability": word.probability,
        }
        for word in hit.alignment.words
    ]
    others = [other.path for other in hit.others]
    return {"score": hit.score, "fits": hit.fits, **asdict(hit.photograph), "words": words, "others": others}
