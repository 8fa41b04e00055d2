"""How many photographs a search weighs, which of them it accepts, and how near duplicates are grouped."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, Self

from dvsa.arrays import Floats
from dvsa.index import explain, near
from dvsa.index.query import Query
from dvsa.index.values import Hit, Photograph

MOST_HITS: Final = 200
"""Most photographs that a search returns if nobody says how many."""

DEFAULT_HITS: Final = 10
"""The photographs that are returned for a query whose words have no calibration."""

WEIGHED: Final = 1000
"""The best photographs by score, among which those are looked for that a query accepts."""

SPARE: Final = 20
"""Photographs beyond the best k that may be near duplicates of these."""


class Accepted(NamedTuple):
    """A photograph that a search may return."""

    score: float
    photograph: Photograph
    box_I4: Floats
    v_ID: Floats


@dataclass(frozen=True, slots=True)
class Plan:
    """What a search returns, and how many photographs it weighs for that."""

    k: int
    cut: bool
    """Whether only photographs that fit the question are returned."""
    grouped: bool
    """Whether near duplicates stand behind the best of them."""
    weighed: int
    """The number of photographs with the best scores that are looked at."""

    @classmethod
    def of(cls, query: Query, k: int | None, grouped: bool) -> Self:
        """The plan of a search; None for as many photographs as fit."""
        cut = k is None and query.is_calibrated
        k = (MOST_HITS if cut else DEFAULT_HITS) if k is None else k

        # If the best by score may be refused, more are looked at from the start.
        strict = bool(query.without) or query.told < len(query.s_ND)
        weighed = max(WEIGHED, 2 * k) if strict else 2 * k + SPARE if grouped else k
        return cls(k, cut, grouped, weighed)

    def wider(self) -> "Plan":
        """The plan of another try, because too few were accepted."""
        return replace(self, weighed=4 * self.weighed)

    def hits(self, query: Query, accepted: Sequence[Accepted]) -> list[Hit]:
        """The results: the best `k` accepted photographs, each explained, with the duplicates behind it."""
        best = list[Accepted]()
        others: list[list[Photograph]] = []
        kept = near.Kept()
        for item in accepted:
            place = kept.find(item.photograph, item.v_ID[-1]) if self.grouped else None
            if place is not None:
                others[place].append(item.photograph)
            elif len(best) < self.k:
                kept.keep(item.photograph, item.v_ID[-1], len(best))
                best.append(item)
                others.append([])
        return [
            replace(explain.hit(query, *item), others=tuple(behind))
            for item, behind in zip(best, others, strict=True)
        ]


def accept(
    query: Query, plan: Plan, score: float, photograph: Photograph, box_I4: Floats, v_ID: Floats
) -> Accepted | None:
    """The photograph, or None if it does not fit or shows what it must not show."""
    if (plan.cut and not query.fits(v_ID)) or query.excludes(v_ID):
        return None
    return Accepted(score, photograph, box_I4, v_ID)
