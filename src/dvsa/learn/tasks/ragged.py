"""Lists of different lengths in flat arrays. A million small Python lists would take gigabytes."""

from abc import abstractmethod
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple, TypeVar, overload

import numpy as np
import torch
from torch import Tensor

from dvsa.arrays import IntArray
from dvsa.records import Box

Ids = Sequence[int]
"""A sentence as the ids of its known words."""


T = TypeVar("T")


class Flat(Sequence[T]):
    """A list whose items are made from flat arrays when they are asked for."""

    @abstractmethod
    def item(self, k: int) -> T:
        """Item k, counted from 0."""

    @overload
    def __getitem__(self, k: int) -> T: ...
    @overload
    def __getitem__(self, k: slice) -> list[T]: ...
    def __getitem__(self, k: int | slice) -> T | list[T]:
        if isinstance(k, slice):
            return [self.item(place) for place in range(*k.indices(len(self)))]
        if not -len(self) <= k < len(self):
            raise IndexError(k)  # at which iteration ends
        return self.item(k % len(self))


class SentenceIds(Flat[list[list[int]]]):
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

    def item(self, k: int) -> list[list[int]]:
        """The sentences of photograph k."""
        return [self._sentence(n) for n in range(self._sentences[k], self._sentences[k + 1])]

    @property
    def words(self) -> int:
        """The number of all words."""
        return len(self._words)

    def size(self, k: int) -> int:
        """The number of sentences of photograph k."""
        return int(self._sentences[k + 1] - self._sentences[k])

    def before(self, k: int) -> int:
        """The number of sentences of the photographs before photograph k."""
        return int(self._sentences[k])

    def sentence(self, k: int, n: int) -> list[int]:
        """Sentence n of photograph k, both from 0."""
        return self._sentence(int(self._sentences[k]) + n)

    def _sentence(self, n: int) -> list[int]:
        ids: list[int] = self._words[self._ends[n] : self._ends[n + 1]].tolist()
        return ids


class PhraseTarget(NamedTuple):
    """A phrase with a box, as training sees it."""

    places: tuple[int, ...]
    """Indices of its known words among the known words of its sentence."""
    box: Box


class PhraseTargets(Flat[list[list[PhraseTarget]]]):
    """The boxed phrases of sentences: `phrases[k][n]` are those of sentence n of photograph k.

    >>> phrases = PhraseTargets([[[PhraseTarget((0, 1), (0.0, 0.0, 0.5, 1.0))], []], [[]]])
    >>> len(phrases), phrases.of(0, 0), phrases[1]
    (2, [PhraseTarget(places=(0, 1), box=(0.0, 0.0, 0.5, 1.0))], [[]])
    """

    def __init__(self, photographs: Iterable[Iterable[Sequence[PhraseTarget]]]) -> None:
        """Read the phrases of the sentences of each photograph once."""
        edges, sentences = array("d"), array("q", [0])

        def places() -> Iterator[list[Ids]]:
            for own in photographs:
                sentences.append(sentences[-1])
                for phrases in own:
                    sentences[-1] += 1
                    edges.extend(chain.from_iterable(phrase.box for phrase in phrases))
                    yield [phrase.places for phrase in phrases]

        self._places = SentenceIds(places())
        self._boxes, self._sentences = np.array(edges).reshape(-1, 4), np.asarray(sentences)

    def __len__(self) -> int:
        return len(self._sentences) - 1

    def item(self, k: int) -> list[list[PhraseTarget]]:
        """The phrases of the sentences of photograph k."""
        return [self._of(n) for n in range(self._sentences[k], self._sentences[k + 1])]

    def of(self, k: int, n: int) -> list[PhraseTarget]:
        """The phrases of sentence n of photograph k, both from 0."""
        return self._of(int(self._sentences[k]) + n)

    def _of(self, sentence: int) -> list[PhraseTarget]:
        places, first = self._places[sentence], self._places.before(sentence)
        boxes = self._boxes[first : first + len(places)].tolist()
        return [PhraseTarget(tuple(own), tuple(box)) for own, box in zip(places, boxes, strict=True)]


class Rows(Flat[Tensor]):
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

    def item(self, k: int) -> Tensor:
        """The rows of photograph k."""
        return self._rows[self._ends[k] : self._ends[k + 1]]

    @property
    def empty(self) -> bool:
        """Whether no photograph has a row."""
        return not len(self._rows)
