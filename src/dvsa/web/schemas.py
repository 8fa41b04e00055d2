"""What goes over the wire. Boxes are (x0, y0, x1, y1) in fractions of the photograph's width and height."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Box = tuple[float, float, float, float]
Beta = float | Literal["inf"]
"""JSON has no infinite numbers."""


class Answer(BaseModel):
    """What the service says; never changed once it is made."""

    model_config = ConfigDict(frozen=True)


class Question(BaseModel):
    """What the service is asked; a field that it does not know is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Fault(Answer):
    """Why there is no answer."""

    detail: str = Field(description="One line.", examples=["there is no such photograph: open it again"])


class Region(Answer):
    """A part of the photograph; the last of a photograph's regions is the frame, the whole of it."""

    index: int
    box: Box
    pixels: tuple[int, int, int, int] = Field(description="The box in pixels of the original.")
    score: float = Field(description="The proposer's confidence, 0 to 1.")


class Word(Answer):
    """A word with its best region."""

    text: str
    known: bool = Field(description="Whether the vocabulary has it; if not, it has no region and scores 0.")
    region: int | None
    score: float = Field(description="max over regions i of v_i . s_t")
    supported: bool = Field(description="Whether a region speaks for it; function words need none.")


class SaidWord(Word):
    """A word of a caption, with the evidence for it."""

    logprob: float = Field(description="Of this word after those before it.")


class Said(Answer):
    """A caption."""

    text: str
    logprob: float = Field(description="Of the whole, its end included.")
    words: list[SaidWord]


class Phrase(Answer):
    """A caption of one region."""

    region: int
    caption: Said


class Segment(Answer):
    """Neighbouring words that the MRF puts on one region."""

    first: int
    last: int = Field(description="The last word, inclusive.")
    text: str
    region: int
    score: float


class Alignment(Answer):
    """A sentence laid on a photograph."""

    sentence: str
    beta: Beta
    score: float = Field(description="The sum of the words' scores.")
    words: list[Word]
    segments: list[Segment]
    scores: list[list[float]] = Field(description="v_i . s_t for each word and region; 0 for unknown words.")
    marginals: list[list[float]] = Field(
        description="Probability of each region for each word under the chain MRF. An unknown word goes with "
        "the known one before it, or the first after; without any known word all regions are as likely."
    )


class Photo(Answer):
    """All that the model says about a photograph by itself."""

    id: str
    name: str
    width: int = Field(description="Of the original, in pixels, upright.")
    height: int
    proposer: str = Field(description="Where the regions come from, such as head or grid.")
    beta: float = Field(description="The bundle's own wish for long segments.")
    regions: list[Region]
    caption: Said
    phrases: list[Phrase]
    alignment: Alignment | None = Field(description="That of the caption; none where it has no words.")


class AlignQuestion(Question):
    """A sentence to lay on a photograph."""

    sentence: str = Field(max_length=10_000, description="1 to 500 words.", examples=["a dog on a log"])
    beta: Annotated[float, Field(ge=0, allow_inf_nan=False)] | Literal["inf"] | None = Field(
        None, description="The wish for long segments; the bundle's own where there is none.", examples=[0.5]
    )


class CaptionQuestion(Question):
    """How to look for captions."""

    method: Literal["greedy", "beam", "sample"] = "beam"
    beam: int = Field(5, ge=1, le=10, description="How many sentences a beam search keeps.")
    temperature: float = Field(1.0, ge=0.1, le=2, description="Of samples: below 1 tamer, above 1 wilder.")
    n: int = Field(5, ge=1, le=10, description="How many captions; greedy has one, beam up to its width.")
    seed: int = Field(0, ge=0, lt=2**32, description="Of samples: the same seed, the same samples.")


class Captions(Answer):
    """Captions of one photograph, the best first."""

    captions: list[Said]


class Sample(Answer):
    """A photograph to try."""

    name: str
    title: str


class Hit(Answer):
    """A photograph that a search found."""

    id: str = Field(description="SHA-256 of its content.")
    name: str
    score: float
    width: int
    height: int
    boxes: list[Box]
    words: list[Word] = Field(description="A word of a query by photograph is one of its regions.")


class Found(Answer):
    """What a search found, the best first."""

    query: str
    seconds: float
    hits: list[Hit]


class Health(Answer):
    """Whether the service works, and with what."""

    status: Literal["ok"]
    model: str
    digest: str = Field(description="SHA-256 of the bundle.")
    photographs: int = Field(description="Held in memory.")
    index: int | None = Field(description="Photographs in the index.")
