"""Frozen values of an index: photographs, entries, filters and search results."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dvsa import files, notebook, photo
from dvsa.data.dataset import Source
from dvsa.data.gather import LeftOut
from dvsa.records import Alignment, Box


class SearchError(ValueError):
    """An index is missing, damaged, locked or made by another model; the message is one line."""


SHOT: Final = 1
"""The version of what is recorded about a photograph since which its camera, its place, and the date of its
file are among it."""
HASHED: Final = 2
"""The same with its perceptual hash; only recorded with the extra `duplicates`."""

_GONE: Final = (FileNotFoundError, NotADirectoryError)


def content_id(content: bytes) -> str:
    """The identifier of a photograph: the SHA-256 of its file's content, in hexadecimal.

    >>> content_id(b"the bytes of a JPEG file")[:16]
    '501aa95733147424'
    """
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the bytes of a photograph are."""

    path: str
    """Its absolute path. A member of a tar file has the path that it would have after unpacking, or one
    that begins with that of its tar file, if another photograph has that path."""
    file: str
    """The file that contains its bytes: `path`, or the tar file."""
    offset: int = 0
    """Of its first byte in `file`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Photograph:
    """What an index knows about a photograph, except its vectors.

    >>> photograph = Photograph(id=content_id(b"..."), path="/album/dog.jpg", file="/album/dog.jpg")
    >>> photograph.fields
    {}
    """

    id: str
    """`content_id` of the file's content; an index contains each content once."""
    path: str
    """Its absolute path. A member of a tar file has the path that it would have after unpacking, or one
    that begins with that of its tar file, if another photograph has that path."""
    file: str
    """The file that contains its bytes: `path`, or the tar file."""
    offset: int = 0
    """Of its first byte in `file`."""
    size: int = 0
    """In bytes."""
    width: int = 0
    """In pixels, after the EXIF orientation is applied."""
    height: int = 0
    """In pixels, after the EXIF orientation is applied."""
    taken: str | None = None
    """The date in its EXIF data, or else that of its file: ISO 8601 without a time zone, such as
    `2024-07-31T18:05:00`."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """The user's own fields, to filter by."""
    camera: str | None = None
    """Maker and model in its EXIF data, such as `Canon EOS 5D`."""
    latitude: float | None = None
    """Of its place in its EXIF data, in degrees, north positive."""
    longitude: float | None = None
    """In degrees, east positive."""
    phash: str | None = None
    """Its perceptual hash (`dvsa.index.near`), 16 hexadecimal digits."""
    recorded: int = HASHED
    """The version of what is recorded about it; 0 for all before `SHOT`."""
    copies: tuple[Place, ...] = ()
    """Where else there are files with the same content."""

    @classmethod
    def of_facts(cls, facts: Mapping[str, Any]) -> "Photograph":
        """The photograph of its `dataclasses.asdict`, as JSON gives it back."""
        copies = tuple(Place(**place) for place in facts.get("copies", ()))
        return cls(**{"recorded": 0, **facts, "copies": copies})

    @property
    def places(self) -> tuple[Place, ...]:
        """Where its files are: the first one, then its copies.

        >>> dog = Photograph(id=content_id(b"..."), path="/album/dog.jpg", file="/album/dog.jpg")
        >>> [place.path for place in dog.at((*dog.places, Place(path="/b.jpg", file="/b.jpg"))).places]
        ['/album/dog.jpg', '/b.jpg']
        """
        return Place(path=self.path, file=self.file, offset=self.offset), *self.copies

    def at(self, places: Sequence[Place]) -> "Photograph":
        """The same photograph at other places, of which there is at least one."""
        first, *copies = places
        return replace(self, path=first.path, file=first.file, offset=first.offset, copies=tuple(copies))

    def read(self) -> bytes:
        """Read the file's content, which is the content that was indexed; of a copy if need be.

        Raises:
            SearchError: the file is missing, cannot be read, or has changed since it was indexed; the message
                says what to do.
        """
        errors: list[SearchError] = []
        for place in self.places:
            source = Source(Path(place.file), place.offset, None if place.file == place.path else self.size)
            try:
                content = source.read()
            except OSError as error:
                remedy = "index its folder again" if isinstance(error, _GONE) else "make it readable"
                errors.append(SearchError(f"{place.path} cannot be read ({error.strerror}): {remedy}"))
                continue
            except ValueError:
                content = b""  # what is no regular file or ends too early has changed
            if content_id(content) == self.id:
                return content
            errors.append(
                SearchError(f"{place.path} has changed since it was indexed: index its folder again")
            )
        raise errors[0]


@dataclass(frozen=True, eq=False, slots=True)
class Entry:
    """A photograph with its regions, as it is added to an index."""

    photograph: Photograph
    box_I4: NDArray[np.floating]
    """The regions' boxes, in fractions of width and height."""
    v_ID: NDArray[np.floating]
    """The regions' vectors as the bundle gives them; stored in half precision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which photographs a search may find: those that meet every given condition.

    >>> from datetime import date
    >>> snow = Filter(after=date(2024, 12, 1), fields={"trip": "Norway"})
    >>> photo = Photograph(
    ...     id="0" * 64, path="/a.jpg", file="/a.jpg", taken="2025-01-02T10:00:00", fields={"trip": "Norway"}
    ... )
    >>> snow.admits(photo)
    True
    """

    prefix: str | None = None
    """The path must begin with this."""
    after: date | None = None
    """The photograph must be taken on this day or later; photographs without a date are excluded."""
    before: date | None = None
    """The photograph must be taken on this day or earlier; photographs without a date are excluded."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """User fields and their required values."""
    camera: str | None = None
    """The camera's name must contain this, in any case."""
    area: tuple[float, float, float, float] | None = None
    """South, west, north and east in degrees: the photograph must be taken between these. If west is greater
    than east, the area crosses the 180th meridian."""
    country: str | None = None
    """English name or ISO code of the country of the nearest city (`dvsa.places`; extra `places`)."""
    city: str | None = None
    """Name, in any language, of the nearest city, or of one whose reach has the place (`dvsa.places`)."""
    ids: frozenset[str] | None = None
    """The identifiers of the photographs that may be found."""

    def __post_init__(self) -> None:
        """Raise ValueError if the area is invalid."""
        if self.area is not None:
            south, west, north, east = self.area
            if not (-90 <= south <= north <= 90 and -180 <= west <= 180 and -180 <= east <= 180):
                raise ValueError(f"the area {self.area} is invalid: give south, west, north, east in degrees")

    def admits(self, photograph: Photograph) -> bool:
        """Whether a photograph meets every condition.

        >>> dog = Photograph(id="0" * 64, path="/album/dog.jpg", file="/album/dog.jpg")
        >>> Filter(prefix="/album/").admits(dog), Filter(fields={"trip": "Norway"}).admits(dog)
        (True, False)
        """
        from dvsa.index.columns import admitted, columns_of

        return bool(admitted(columns_of([photograph]), self)[0])

    def shown(self, photograph: Photograph) -> Photograph:
        """A photograph that is admitted, at a path with the prefix, if it has several paths.

        >>> dog = Photograph(id="0" * 64, path="/album/dog.jpg", file="/album/dog.jpg")
        >>> both = dog.at((*dog.places, Place(path="/copy/dog.jpg", file="/copy/dog.jpg")))
        >>> Filter(prefix="/copy/").shown(both).path
        '/copy/dog.jpg'
        """
        if self.prefix is None or not photograph.copies:
            return photograph
        prefix = files.composed(self.prefix)
        return photograph.at(
            sorted(photograph.places, key=lambda place: not files.composed(place.path).startswith(prefix))
        )


@dataclass(frozen=True, slots=True, repr=False)
class Hit:
    """A photograph that a search found, and which region matched each word."""

    photograph: Photograph
    score: float
    """The MaxSim score of the query and the photograph's stored vectors."""
    boxes: tuple[Box, ...]
    """The photograph's regions, in fractions of width and height."""
    alignment: Alignment
    """The best region for each word of the query; in a query by photograph, its regions are the words."""
    fits: bool = True
    """Whether the photograph answers the question (`Query.fits`)."""
    others: tuple[Photograph, ...] = ()
    """Near duplicates of the photograph with lower scores."""

    def __repr__(self) -> str:
        """The path and the score."""
        return f"<Hit {self.photograph.path!r}: score {self.score:.2f}>"

    def _repr_html_(self) -> str:
        """The photograph, if it can be read, with the boxes that matched words; then the words."""
        marks = self.alignment.marks()
        colour = notebook.colours(mark.region for mark in marks)
        known = self.photograph
        try:
            found = photo.read(known.read(), name=known.path)
            boxes = [(region, self.boxes[region]) for region in colour]
            shown = notebook.picture(found.jpeg(notebook.SIDE), found.width, found.height, boxes, colour)
        except (OSError, ValueError) as error:
            shown = notebook.line(f"the photograph cannot be shown: {error}")
        about = notebook.line(known.path, f"score {self.score:.2f}")
        return notebook.block(shown, notebook.words(marks, colour), about)


@dataclass(slots=True)
class Added:
    """The result of `Index.add` and `Index.sync`: each file that was found is counted once."""

    added: int = 0
    """Files with new photographs."""
    changed: int = 0
    """Files of the index that now contain new photographs."""
    moved: int = 0
    """Files whose photographs the index contained at places where they are no longer."""
    copies: int = 0
    """Further files of photographs that are elsewhere, too."""
    known: int = 0
    """Files that are as the index has them."""
    vanished: int = 0
    """Files that are no longer there, whose photographs are nowhere else, and are dropped."""
    gone: int = 0
    """Files that are no longer there, whose photographs are still at other places."""
    overwritten: int = 0
    """Files that now contain photographs of other files; their own were nowhere else, and are dropped."""
    missing: int = 0
    """Files that are no longer there, whose photographs are kept."""
    read_again: int = 0
    """Photographs of which an earlier version had recorded less; their files are also counted above."""
    faults: list[str] = field(default_factory=list)
    """A line for each photograph that could not be read."""
    left_out: list[LeftOut] = field(default_factory=list)
    """Files and folders that were left out, each with its kind."""
    unmatched: list[str] = field(default_factory=list)
    """The patterns of `exclude` that match nothing."""


@dataclass(frozen=True, slots=True)
class Stats:
    """The size of an index."""

    bundle: str
    """Name of the bundle that made its vectors."""
    photographs: int
    removed: int
    """Photographs that use space until `compact`."""
    regions: int
    segments: int
    bytes: int
    """On disk, all files of segments together."""
