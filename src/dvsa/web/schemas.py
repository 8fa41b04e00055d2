"""The JSON of requests and responses.

Boxes are (x0, y0, x1, y1) in fractions of the photograph's width and height.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from dvsa.records import Box

Beta = float | Literal["inf"]
"""JSON has no infinite numbers."""


class ResponseJson(BaseModel):
    """A part of a response; immutable."""

    model_config = ConfigDict(frozen=True)


class RequestJson(BaseModel):
    """The body of a request; unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ErrorJson(ResponseJson):
    """Why a request failed."""

    detail: str = Field(
        description="One line.", examples=["the photograph is unknown or expired: open it again"]
    )


class RegionJson(ResponseJson):
    """A region of the photograph; the last region is the frame, which is the whole photograph."""

    index: int
    box: Box
    pixels: tuple[int, int, int, int] = Field(description="The box in pixels of the original.")
    score: float = Field(description="The proposer's confidence, from 0 to 1.")


class WordJson(ResponseJson):
    """A word with its best region."""

    text: str
    known: bool = Field(
        description="Whether the vocabulary contains the word. An unknown word has no region, and scores 0."
    )
    region: int | None
    score: float = Field(description="max over regions i of v_i . s_t")
    supported: bool = Field(
        description="Whether a region supports the word. Function words always count as supported."
    )
    probability: float | None = Field(
        description="How probable it is that the photograph shows what the word says, from 0 to 1. It is "
        "null for function words, for unknown ones, and if the model has no calibration."
    )


class CaptionWordJson(WordJson):
    """A word of a caption, with the region that supports it."""

    logprob: float = Field(description="The log-probability of this word, given the words before it.")


class CaptionJson(ResponseJson):
    """A caption."""

    text: str
    logprob: float = Field(description="The log-probability of the whole caption, including its end.")
    value: float = Field(
        description="What captions of a photograph are ordered by, the highest first: how natural the "
        "sentence is, which is log-probability / length ** power, and a share of its score with the "
        "photograph. Phrases of regions have no such share."
    )
    words: list[CaptionWordJson]


class PhraseJson(ResponseJson):
    """A caption of one region."""

    region: int
    caption: CaptionJson


class ThingJson(ResponseJson):
    """Something that the photograph shows."""

    name: str
    region: int = Field(description="Where it is seen best.")
    probability: float = Field(
        description="How probable it is that the photograph shows it, from 1/2 to 1. It is 1 for words if "
        "the model has no calibration."
    )


class SegmentJson(ResponseJson):
    """Neighbouring words that the MRF assigns to the same region."""

    first: int
    last: int = Field(description="The last word, inclusive.")
    text: str
    region: int
    score: float


class AlignmentJson(ResponseJson):
    """A sentence aligned with a photograph."""

    sentence: str
    beta: Beta
    score: float = Field(description="The sum of the words' scores.")
    words: list[WordJson]
    segments: list[SegmentJson]
    scores: list[list[float]] = Field(description="v_i . s_t for each word and region; 0 for unknown words.")
    marginals: list[list[float]] = Field(
        description="The probability of each region for each word under the chain MRF. An unknown word gets "
        "the row of the known word before it, or of the first one after it. If no word is known, all regions "
        "are equally likely."
    )
    unknown: dict[str, list[str]] = Field(
        description="Words that the model does not know, each with the nearest ones that it knows."
    )


class PhotoJson(ResponseJson):
    """An open photograph: its regions, its caption, a phrase for each region, and things."""

    id: str
    name: str
    width: int = Field(description="Width of the original in pixels, after its EXIF rotation.")
    height: int
    proposer: str = Field(description="The method that proposed the regions, such as head or grid.")
    beta: float = Field(description="The bundle's default beta.")
    distance: float | None = Field(
        description="How far the photograph is from those that the model knows, from 0. Beyond 1 it is "
        "unlike them, as about 2.5% of new photographs of the same kind are. It is null if that is unknown."
    )
    familiar: bool = Field(
        description="Whether the distance is at most 1, or unknown. If not, the caption is short, and "
        "everything may be wrong."
    )
    regions: list[RegionJson]
    caption: CaptionJson
    phrases: list[PhraseJson]
    things: list[ThingJson] = Field(description="At most ten, the most probable first.")
    alignment: AlignmentJson | None = Field(
        description="The alignment of the caption; null if the caption has no words."
    )


class AlignRequest(RequestJson):
    """A sentence to align with the photograph."""

    sentence: str = Field(max_length=10_000, description="1 to 500 words.", examples=["a dog on a log"])
    beta: Annotated[float, Field(ge=0, allow_inf_nan=False)] | Literal["inf"] | None = Field(
        None,
        description="Preference for longer segments: a number from 0, or inf. The default is the bundle's.",
        examples=[0.5],
    )


class CaptionRequest(RequestJson):
    """How to search for captions."""

    method: Literal["greedy", "beam", "sample"] = "beam"
    beam: int = Field(5, ge=1, le=10, description="The width of the beam.")
    temperature: float = Field(
        1.0, ge=0.1, le=2, description="Of sampling: lower is more predictable, higher is more varied."
    )
    n: int = Field(
        5, ge=1, le=10, description="The number of captions. Greedy returns one, beam at most its width."
    )
    seed: int = Field(0, ge=0, lt=2**32, description="Of sampling: the same seed gives the same samples.")


class CaptionsJson(ResponseJson):
    """Captions of one photograph, the best first."""

    captions: list[CaptionJson]


class SampleJson(ResponseJson):
    """An example photograph."""

    name: str
    title: str
    note: str | None = Field(description="What to expect of it, if the model fails there; otherwise null.")


class HitJson(ResponseJson):
    """A photograph that a search found."""

    id: str = Field(description="The SHA-256 of its content.")
    name: str
    score: float
    fits: bool = Field(description="Whether the words have enough support: whether it answers the question.")
    others: int = Field(description="The number of near duplicates that stand behind the photograph.")
    taken: str | None = Field(description="The date in its EXIF data: ISO 8601 without a time zone.")
    width: int
    height: int
    boxes: list[Box]
    words: list[WordJson] = Field(description="In a search by photograph, the words are its regions.")


class SearchJson(ResponseJson):
    """The result of a search, the best photograph first."""

    query: str
    seconds: float
    unknown: dict[str, list[str]] = Field(
        description="Words that the model does not know, each with the nearest ones that it knows."
    )
    answer: str | None = Field(description="Why nothing was found; null if something was.")
    nearest: bool = Field(
        description="Whether nothing was found although photographs meet the conditions; `k` returns some."
    )
    note: str | None = Field(
        description="Which parts of the question do not count because the model does not know them, and how "
        "many photographs a condition leaves out because they were indexed by an earlier version, which did "
        "not look at what it asks for; null if there are none."
    )
    hits: list[HitJson]


class HealthJson(ResponseJson):
    """The state of the service and its model."""

    status: Literal["ok", "busy", "failing"] = Field(
        description="`busy`: new requests are refused for now. `failing`: work does not end, or photographs "
        "cannot be decoded; then the HTTP status is 503."
    )
    workers: int = Field(description="The number of threads that work.")
    decoders: int = Field(description="The number of processes that can decode photographs now.")
    places_taken: int = Field(description="The number of requests that are running or waiting.")
    model: str
    digest: str = Field(description="The SHA-256 of the bundle.")
    photographs: int = Field(description="The number of open photographs, all in memory.")
    index: int | None = Field(description="The number of photographs in the index; null without an index.")
    search_paths: bool = Field(description="Whether searches may filter by `path`.")
