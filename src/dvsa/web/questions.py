"""What a request asks an index for: the query, and the filter."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from dvsa.index import Filter, Query
from dvsa.model import Model
from dvsa.photo import Photo

MAX_LETTERS = 10_000
"""Of a sentence."""


class Question(BaseModel):
    """The parameters of a search."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    q: str | None = Field(
        None, max_length=MAX_LETTERS, description="The sentence, or sentences, to search for."
    )
    photo: str | None = Field(
        None, description="The id of an open photograph: search for similar ones, also beside a sentence."
    )
    box: str | None = Field(
        None, description="Search by this part of it only: x0,y0,x1,y1 in fractions.", examples=["0,0,0.5,1"]
    )
    weight: float | None = Field(
        None, gt=0, le=100, description="What the photograph counts beside a sentence; by default 1."
    )
    without: list[str] = Field(
        [], max_length=10, description="Sentences for what no result may show; may be repeated."
    )
    k: int | None = Field(
        None,
        ge=1,
        le=100,
        description="The number of photographs, whether they fit the question or not. By default those that "
        "fit a sentence, at most 100; or 12, if there is no sentence.",
    )
    sort: Literal["score", "newest", "oldest"] = "score"
    path: str | None = Field(
        None,
        max_length=4096,
        description="Only photographs of which an absolute path begins with this. The service must allow it: "
        "`dvsa serve --search-paths`.",
        examples=["/home/me/photographs/2024/"],
    )
    after: date | None = Field(None, description="Only photographs taken on this day or later.")
    before: date | None = Field(None, description="Only photographs taken on this day or earlier.")
    camera: str | None = Field(
        None, max_length=100, description="Only photographs of a camera whose name contains this."
    )
    gps: str | None = Field(
        None,
        max_length=200,
        description="Only photographs taken in this area: south,west,north,east in degrees.",
        examples=["60,5,61,6"],
    )
    country: str | None = Field(None, max_length=100, description="Only photographs taken in this country.")
    city: str | None = Field(None, max_length=100, description="Only photographs taken in this city.")
    field: list[str] = Field(
        [], max_length=20, description="Only photographs with this field, NAME=VALUE; may be repeated."
    )
    id: list[str] = Field(
        [], max_length=1000, description="Only photographs with these identifiers; may be repeated."
    )

    def query(self, model: Model, photo: Photo | None) -> Query:
        """The query; raises ValueError if nothing known is asked for, or a box or the weight is invalid.

        Args:
            model: the model of the index.
            photo: the open photograph.
        """
        like = None
        if photo is not None:
            box = None if self.box is None else _pixels(self.box, photo)
            like = Query.of_photo(model, photo, box)
        return Query.asked(model, self.q, like, self.weight, [_short(one) for one in self.without])

    def filter(self) -> Filter:
        """The filter; raises ValueError if a field or an area is invalid."""
        pairs = [pair.partition("=") for pair in self.field]
        if any(not (name and equals) for name, equals, _ in pairs):
            raise ValueError("a field is invalid: give NAME=VALUE")
        return Filter(
            prefix=self.path,
            after=self.after,
            before=self.before,
            camera=self.camera,
            area=None if self.gps is None else _area(self.gps),
            country=self.country,
            city=self.city,
            fields={name: value for name, _, value in pairs},
            ids=frozenset(self.id) if self.id else None,
        )


def _short(sentence: str) -> str:
    if len(sentence) > MAX_LETTERS:
        raise ValueError(f"a sentence has more than {MAX_LETTERS:,} letters: give a shorter one")
    return sentence


def _area(text: str) -> tuple[float, float, float, float]:
    south, west, north, east = _numbers(text, "area", "south,west,north,east in degrees")
    return south, west, north, east


def _pixels(box: str, photo: Photo) -> list[float]:
    """A box in pixels of the original; raises ValueError if it is invalid."""
    x0, y0, x1, y1 = _numbers(box, "box", "x0,y0,x1,y1 in fractions")
    if not (0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1):
        raise ValueError(f"the box {box!r:.80} is invalid: give x0,y0,x1,y1 in fractions")
    return [x0 * photo.width, y0 * photo.height, x1 * photo.width, y1 * photo.height]


def _numbers(text: str, what: str, form: str) -> Sequence[float]:
    """Four numbers; raises ValueError for others."""
    try:
        numbers = [float(number) for number in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != 4:
        raise ValueError(f"the {what} {text!r:.80} is invalid: give {form}")
    return numbers
