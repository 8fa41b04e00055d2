"""Lists of different lengths in flat arrays. A million small Python lists would take gigabytes."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import overload

import numpy as np
import torch
from torch import Tensor

from dvsa.arrays import IntArray

Ids = Sequence[int]
"""A sentence as the ids of its known words."""


class SentenceIds(Sequence[list[list[int]]]):
    """The sentences of photographs as ids of words: `ids[k][n]` is sentence n of photograph k.

    They take four bytes for each word, and eight for each sentence and each photograph.

    >>> ids = SentenceIds([[[3, 4], []], [], [[5]]])
    >>> len(ids), ids[0], ids[1], ids.size(2)
    (3, [[3, 4], []], [], 1)
    """

    def __init__(self, photographs: Iterable[Sequence[Ids]]) -> None:
        """Read the sentences of each photograph once."""
        words, ends, sentences = array("i"), array("q", [0]), array("q", [0])
        for own in photographs:
            for ids in own:
                words.extend(ids)
                ends.append(len(words))
            sentences.append(len(ends) - 1)
        self._words, self._ends, self._sentences = (np.asarray(flat) for flat in (words, ends, sentences))

    def __len__(self) -> int:
        return len(self._sentences) - 1

    @overload
    def __getitem__(self, k: int) -> list[list[int]]: ...
    @overload
    def __getitem__(self, k: slice) -> list[list[list[int]]]: ...
    def __getitem__(self, k: int | slice) -> list[list[int]] | list[list[list[int]]]:
        if isinstance(k, slice):
            return [self[place] for place in range(*k.indices(len(self)))]
        k = _place(k, len(self))
        return [self._sentence(n) for n in range(self._sentences[k], self._sentences[k + 1])]

    def __iter__(self) -> Iterator[list[list[int]]]:
        return (self[k] for k in range(len(self)))

    @property
    def words(self) -> int:
        """The number of all words."""
        return len(self._words)

    def size(self, k: int) -> int:
        """The number of sentences of photograph k."""
        return int(self._sentences[k + 1] - self._sentences[k])

    def sentence(self, k: int, n: int) -> list[int]:
        """Sentence n of photograph k, both from 0."""
        return self._sentence(int(self._sentences[k]) + n)

    def _sentence(self, n: int) -> list[int]:
        ids: list[int] = self._words[self._ends[n] : self._ends[n + 1]].tolist()
        return ids


class Rows(Sequence[Tensor]):
    """Rows of numbers of photographs: `rows[k]` has the shape (G, width), where G may differ.

    >>> rows = Rows([[[0.0, 1.0]], [], [[0.5, 0.5], [1.0, 0.0]]], width=2)
    >>> [tuple(own.shape) for own in rows]
    [(1, 2), (0, 2), (2, 2)]
    """

    def __init__(self, photographs: Iterable[Sequence[Sequence[float]]], width: int) -> None:
        """Read the rows of each photograph once; each has `width` numbers."""
        numbers, ends = array("f"), array("q", [0])
        for own in photographs:
            numbers.extend(chain.from_iterable(own))
            ends.append(len(numbers) // width)
        self._rows = torch.from_numpy(np.array(numbers, np.float32)).reshape(-1, width)
        self._ends: IntArray = np.asarray(ends)

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, k: int) -> Tensor: ...
    @overload
    def __getitem__(self, k: slice) -> list[Tensor]: ...
    def __getitem__(self, k: int | slice) -> Tensor | list[Tensor]:
        if isinstance(k, slice):
            return [self[place] for place in range(*k.indices(len(self)))]
        k = _place(k, len(self))
        return self._rows[self._ends[k] : self._ends[k + 1]]

    @property
    def empty(self) -> bool:
        """Whether no photograph has a row."""
        return not len(self._rows)


def _place(k: int, count: int) -> int:
    """The place from the beginning; raises IndexError, at which iteration ends."""
    if not -count <= k < count:
        raise IndexError(k)
    return k % count
