"""The order of search results."""

from collections.abc import Sequence
from typing import Final

from dvsa.index.values import Hit

ORDERS: Final = ("score", "newest", "oldest")
"""The highest score first, or by the date when the photographs were taken."""


def ordered(hits: Sequence[Hit], order: str) -> list[Hit]:
    """Results in an order; ties are ordered by score, then by identifier. Undated photographs come last.

    Raises:
        ValueError: the order is unknown.

    >>> ordered([], "newest")
    []
    """
    if order not in ORDERS:
        raise ValueError(f"the order {order!r} is unknown: choose from {', '.join(ORDERS)}")
    best = sorted(hits, key=lambda hit: (-hit.score, hit.photograph.id))
    if order == "score":
        return best
    dated = [hit for hit in best if hit.photograph.taken]
    dated.sort(key=lambda hit: hit.photograph.taken or "", reverse=order == "newest")
    return dated + [hit for hit in best if not hit.photograph.taken]
