"""The options of `dvsa search`, and the query and the filter that they make."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dvsa.cli.indexing import parse_fields
from dvsa.cli.pictures import photo_reader

if TYPE_CHECKING:
    from dvsa.index import Filter, Query
    from dvsa.model import Model

SearchText = Annotated[
    str | None,
    typer.Argument(
        metavar="SENTENCE", help="What to search for: a sentence, or several.", show_default=False
    ),
]
MostHits = Annotated[
    int | None,
    typer.Option(
        "-k",
        metavar="N",
        show_default="those that fit",
        help="The number of results, whether they fit the question or not.",
    ),
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
        "--in",
        metavar="PREFIX",
        show_default=False,
        help="Only photographs of which a path begins with this; it may be relative.",
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
EveryHit = Annotated[
    bool, typer.Option("--all", help="Every photograph of the index, in the order of the question.")
]
LikeWeight = Annotated[
    float | None,
    typer.Option(
        "--weight",
        metavar="W",
        show_default=False,
        help="What --photo or --region counts beside a sentence, which counts 1; by default 1.",
    ),
]
Without = Annotated[
    list[str] | None,
    typer.Option(
        "--without",
        metavar="SENTENCE",
        show_default=False,
        help="Only photographs that do not show this; may be repeated.",
    ),
]
WithIds = Annotated[
    list[str] | None,
    typer.Option(
        "--id",
        metavar="ID",
        show_default=False,
        help="Only photographs with these identifiers, as --json prints them; may be repeated.",
    ),
]
Camera = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", show_default=False, help="Only photographs of a camera whose name contains this."
    ),
]
GpsArea = Annotated[
    str | None,
    typer.Option(
        "--gps",
        metavar="SOUTH,WEST,NORTH,EAST",
        show_default=False,
        help="Only photographs taken in this area, in degrees.",
    ),
]
Country = Annotated[
    str | None,
    typer.Option(metavar="NAME", show_default=False, help="Only photographs taken in this country."),
]
City = Annotated[
    str | None,
    typer.Option(metavar="NAME", show_default=False, help="Only photographs taken in this city."),
]
HitOrder = Annotated[
    str,
    typer.Option(
        "--sort", metavar="score|newest|oldest", help="The order of the results: by score, or by date."
    ),
]


def parse_area(text: str) -> tuple[float, float, float, float]:
    """The area of `--gps`; raises ValueError if it has another form."""
    try:
        south, west, north, east = (float(edge) for edge in text.split(","))
    except ValueError:
        raise ValueError(f"--gps {text}: give SOUTH,WEST,NORTH,EAST in degrees") from None
    return south, west, north, east


def absolute(prefix: str | None) -> str | None:
    """The beginning of absolute paths that a relative one means; a slash at its end stays."""
    if prefix is None:
        return None
    return os.path.abspath(prefix) + (os.sep if prefix.endswith(("/", os.sep)) else "")


def filter_of(
    prefix: str | None,
    dates: tuple[datetime | None, datetime | None],
    fields: Sequence[str] | None,
    camera: str | None,
    area: str | None,
    place: tuple[str | None, str | None],
    ids: Sequence[str] | None,
) -> "Filter":
    """The filter of the options; dates are after and before, a place is country and city."""
    from dvsa.index import Filter

    after, before = (day and day.date() for day in dates)
    return Filter(
        prefix=absolute(prefix),
        after=after,
        before=before,
        fields=parse_fields(fields),
        camera=camera,
        area=None if area is None else parse_area(area),
        country=place[0],
        city=place[1],
        ids=frozenset(ids) if ids else None,
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """What is searched for."""

    sentence: str | None
    photo: Path | None
    region: tuple[Path, str] | None
    weight: float | None
    without: Sequence[str]

    def query(self, model: "Model") -> "Query":
        """The query; raises ValueError if nothing is asked for, or something cannot be searched for."""
        from dvsa.index import Query

        if self.photo is not None and self.region is not None:
            raise ValueError("give one of these: --photo, --region")
        if self.sentence is None and self.photo is None and self.region is None:
            raise ValueError("give at least one of these: a sentence, --photo, --region")
        return Query.asked(model, self.sentence, self._like(model), self.weight, self.without)

    def _like(self, model: "Model") -> "Query | None":
        """The query of the photograph, or of the part of one."""
        from dvsa.index import Query

        if self.photo is not None:
            with photo_reader() as read:
                return Query.of_photo(model, read(self.photo))
        if self.region is None:
            return None

        path, corners = self.region
        try:
            box = [float(number) for number in corners.split(",")]
        except ValueError:
            box = []
        if len(box) != 4:
            raise ValueError(f"--region {corners}: give X0,Y0,X1,Y1 in pixels")
        with photo_reader() as read:
            return Query.of_photo(model, read(path), box)
