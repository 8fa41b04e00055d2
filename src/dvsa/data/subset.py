"""Some items of a sequence, without a copy of them."""

from collections.abc import Iterator, Sequence
from typing import TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike

T = TypeVar("T")


class Subset(Sequence[T]):
    """The items at some places of a sequence, in a given order; eight bytes for each.

    >>> some = Subset("abcdef", [4, 0, 2])
    >>> len(some), some[0], some[1:], list(some)
    (3, 'e', ['a', 'c'], ['e', 'a', 'c'])
    """

    def __init__(self, items: Sequence[T], places: ArrayLike) -> None:
        """Args:
        items: the whole sequence.
        places: indices into it.
        """
        self._items, self._places = items, np.asarray(places, np.int64)

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, k: int) -> T: ...
    @overload
    def __getitem__(self, k: slice) -> list[T]: ...
    def __getitem__(self, k: int | slice) -> T | list[T]:
        if isinstance(k, slice):
            return [self._items[place] for place in self._places[k].tolist()]
        return self._items[int(self._places[k])]

    def __iter__(self) -> Iterator[T]:
        return (self._items[place] for place in self._places.tolist())
