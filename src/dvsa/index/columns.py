"""What filters ask of the photographs of a segment, in columns: a million photographs take milliseconds."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dvsa import files
from dvsa.arrays import BoolArray, Floats
from dvsa.index.values import SHOT, Filter, Photograph
from dvsa.places import gazetteer

ABSENT: Final = -1
"""The code of a value that a photograph does not have."""

UNDATED: Final = 0
"""The day of a photograph without a date, before the first of year 1."""

FILED: Final = 2**16
"""The first bytes of identifiers, by which most are told apart at once."""


@dataclass(frozen=True, eq=False, slots=True)
class Coded:
    """A column of texts: each different text once, and its number for each photograph."""

    texts: tuple[str, ...]
    code_K: NDArray[np.int32]
    """Positions in `texts`, or `ABSENT`."""

    @classmethod
    def of(cls, texts: Sequence[str | None]) -> "Coded":
        """The column of texts; None is absent.

        >>> Coded.of(["b", None, "b"]).code_K.tolist()
        [0, -1, 0]
        """
        number = {text: n for n, text in enumerate(dict.fromkeys(t for t in texts if t is not None))}
        codes = [ABSENT if text is None else number[text] for text in texts]
        return cls(tuple(number), np.array(codes, np.int32))

    def where(self, wanted: Iterable[int]) -> BoolArray:
        """Which photographs have one of the texts with these numbers."""
        chosen_N = np.zeros(len(self.texts) + 1, np.bool_)
        chosen_N[[*wanted]] = True
        chosen_N[ABSENT] = False
        found_K: BoolArray = chosen_N[self.code_K]
        return found_K


@dataclass(frozen=True, eq=False, slots=True)
class Columns:
    """The columns of K photographs."""

    id_K: NDArray[np.bytes_]
    """Identifiers, 32 bytes each."""
    day_K: NDArray[np.int32]
    """Days when the photographs were taken (`date.toordinal`), or `UNDATED`."""
    latitude_K: Floats
    """In degrees; NaN without a place."""
    longitude_K: Floats
    recorded_K: NDArray[np.int32]
    """The versions of what is recorded about the photographs."""
    row_P: NDArray[np.int32]
    """The photograph of each path: a photograph with copies has several."""
    folder: Coded
    """The paths up to their last `/`, composed."""
    name_P: NDArray[np.bytes_]
    """The rest of the paths, composed, in UTF-8."""
    camera: Coded
    fields: dict[str, Coded]
    """By the names of the user's fields."""
    city_K: NDArray[np.int32] | None
    """The nearest city of each photograph, as `Gazetteer.nearest` numbers them; None if nobody asked yet."""
    cities: str = ""
    """The version of the table of cities."""

    def city(self) -> NDArray[np.int32]:
        """The nearest city of each photograph."""
        table = gazetteer()
        if self.city_K is None or self.cities != table.version:
            return table.nearest(self.latitude_K, self.longitude_K)
        return self.city_K


def columns_of(photographs: Sequence[Photograph]) -> Columns:
    """The columns of photographs, without their cities."""
    every = [(row, place.path) for row, photograph in enumerate(photographs) for place in photograph.places]
    paths = [files.composed(path).rpartition("/") for _, path in every]
    places = [
        (p.latitude, p.longitude) if None not in (p.latitude, p.longitude) else (np.nan, np.nan)
        for p in photographs
    ]
    latitude_K, longitude_K = np.array(places, np.float32).reshape(-1, 2).T
    names = dict.fromkeys(name for photograph in photographs for name in photograph.fields)
    return Columns(
        id_K=np.array([bytes.fromhex(p.id) for p in photographs], "S32"),
        day_K=np.array([_day(p.taken) for p in photographs], np.int32),
        latitude_K=latitude_K,
        longitude_K=longitude_K,
        recorded_K=np.array([p.recorded for p in photographs], np.int32),
        row_P=np.array([row for row, _ in every], np.int32),
        folder=Coded.of([folder + slash for folder, slash, _ in paths]),
        name_P=np.array([_bytes(name) for _, _, name in paths], np.bytes_),
        camera=Coded.of([p.camera for p in photographs]),
        fields={name: Coded.of([p.fields.get(name) for p in photographs]) for name in names},
        city_K=None,
    )


def admitted(columns: Columns, where: Filter) -> BoolArray:
    """Which photographs meet every condition of a filter; see `Filter`.

    Raises:
        PlaceError: there is no such country or city, or the extra `places` is not installed.
    """
    allowed_K = np.ones(len(columns.id_K), np.bool_)
    if where.prefix is not None:
        allowed_K &= _below(columns, files.composed(where.prefix))
    if where.after is not None or where.before is not None:
        first, last = (where.after or date.min).toordinal(), (where.before or date.max).toordinal()
        allowed_K &= (columns.day_K >= first) & (columns.day_K <= last)
    for name, value in where.fields.items():
        column = columns.fields.get(name, Coded((), np.full(len(allowed_K), ABSENT, np.int32)))
        allowed_K &= column.where(n for n, text in enumerate(column.texts) if text == value)
    if where.camera is not None:
        part = where.camera.casefold()
        allowed_K &= columns.camera.where(
            n for n, text in enumerate(columns.camera.texts) if part in text.casefold()
        )
    if where.ids is not None:
        allowed_K &= _among(columns.id_K, where.ids)
    return allowed_K & _in_place(columns, where)


def unrecorded(columns: Columns, where: Filter) -> BoolArray:
    """Which photographs a filter leaves out because nobody looked at what it asks for.

    These were recorded by an earlier version, lack the date, the camera or the place that the filter asks
    for, and meet its other conditions.
    """
    early_K = columns.recorded_K < SHOT
    lacking_K = np.zeros(len(columns.id_K), np.bool_)
    if not early_K.any():
        return lacking_K
    if where.after is not None or where.before is not None:
        lacking_K |= columns.day_K == UNDATED
    if where.camera is not None:
        lacking_K |= columns.camera.code_K == ABSENT
    if where.area is not None or where.country is not None or where.city is not None:
        lacking_K |= np.isnan(columns.latitude_K)
    others = Filter(prefix=where.prefix, fields=where.fields, ids=where.ids)
    return early_K & lacking_K & admitted(columns, others)


def _below(columns: Columns, prefix: str) -> BoolArray:
    """Which photographs have a path that begins with a prefix.

    These are paths in folders that do, and in the prefix's own folder some names.
    """
    folder, slash, name = prefix.rpartition("/")
    texts = columns.folder.texts
    below_P = columns.folder.where(n for n, text in enumerate(texts) if text.startswith(prefix))
    if name and folder + slash in texts:
        inside_P = columns.folder.where([texts.index(folder + slash)])
        below_P |= inside_P & np.strings.startswith(columns.name_P, _bytes(name))
    below_K = np.zeros(len(columns.id_K), np.bool_)
    below_K[columns.row_P[below_P]] = True
    return below_K


def _among(id_K: NDArray[np.bytes_], ids: frozenset[str]) -> BoolArray:
    """Which identifiers are among some."""
    wanted_N = _wanted(ids)
    filed = np.zeros(FILED, np.bool_)
    filed[_first_bytes(wanted_N)] = True
    among_K: BoolArray = filed[_first_bytes(id_K)]
    at = np.flatnonzero(among_K)
    place_N = np.searchsorted(wanted_N, id_K[at]).clip(max=max(len(wanted_N) - 1, 0))
    among_K[at] = wanted_N[place_N] == id_K[at]
    return among_K


def _first_bytes(id_K: NDArray[np.bytes_]) -> NDArray[np.uint16]:
    return id_K.view(np.uint16).reshape(-1, 16)[:, 0]


def _day(taken: str | None) -> int:
    """The day of a date in ISO 8601."""
    try:
        return date.fromisoformat((taken or "")[:10]).toordinal()
    except ValueError:
        return UNDATED


def _in_place(columns: Columns, where: Filter) -> BoolArray:
    """Which photographs were taken in the area, the country and the city of a filter."""
    inside_K = np.ones(len(columns.id_K), np.bool_)
    if where.area is not None:
        south, west, north, east = where.area
        up_K, around_K = columns.latitude_K, columns.longitude_K
        from_west_K, to_east_K = around_K >= np.float32(west), around_K <= np.float32(east)
        inside_K &= (up_K >= np.float32(south)) & (up_K <= np.float32(north))
        inside_K &= from_west_K & to_east_K if west <= east else from_west_K | to_east_K
    if where.country is not None or where.city is not None:
        table, city_K = gazetteer(), columns.city()
        if where.country is not None:
            inside_K &= _in_country(where.country)[city_K]
        if where.city is not None:
            numbers = table.called(where.city)
            there_K = np.isin(city_K, numbers)
            for number in numbers:
                there_K |= table.within(number, columns.latitude_K, columns.longitude_K)
            inside_K &= there_K
    return inside_K


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # names may have bytes that are no letters


@lru_cache(maxsize=8)
def _wanted(ids: frozenset[str]) -> NDArray[np.bytes_]:
    """Identifiers as the columns have them; others than 64 hexadecimal digits are none."""
    known = [bytes.fromhex(identifier) for identifier in ids if re.fullmatch("[0-9a-f]{64}", identifier)]
    return np.sort(np.array(known, "S32"))


@lru_cache(maxsize=8)
def _in_country(name: str) -> BoolArray:
    """Which cities are in a country, and False for `NOWHERE` at the end."""
    return np.append(gazetteer().in_country(name), False)
