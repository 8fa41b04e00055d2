"""Lists of different lengths in flat arrays. A million small Python lists would take gigabytes."""

from abc import abstractmethod
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple, TypeVar, overload

import numpy as np
import torch
from torch import Tensor

from dvsa.arrays import BoolArray, FloatArray, IntArray
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


def spans(first_N: IntArray, end_N: IntArray) -> tuple[IntArray, IntArray]:
    """The numbers first, first + 1, ... below the end of each span, and the span of each number.

    >>> number_M, span_M = spans(np.array([5, 0, 2]), np.array([7, 0, 3]))
    >>> number_M.tolist(), span_M.tolist()
    ([5, 6, 2], [0, 0, 2])
    """
    count_N = end_N - first_N
    span_M = np.repeat(np.arange(len(count_N)), count_N)
    before_N = count_N.cumsum() - count_N
    return np.arange(len(span_M)) + (first_N - before_N)[span_M], span_M


class SentenceIds(Flat[list[list[int]]]):
    """The sentences of photographs as ids of words: `ids[k][n]` is sentence n of photograph k.

    They take four bytes for each word, and eight for each sentence and each photograph.

    >>> ids = SentenceIds([[[3, 4], []], [], [[5]]])
    >>> len(ids), ids[0], ids[1], ids.sizes(np.array([0, 2])).tolist()
    (3, [[3, 4], []], [], [2, 1])
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

    @property
    def sentences(self) -> int:
        """The number of all sentences."""
        return int(self._sentences[-1])

    def sentence(self, k: int, n: int) -> list[int]:
        """Sentence n of photograph k, both from 0."""
        return self._sentence(int(self._sentences[k]) + n)

    def sizes(self, photo_K: IntArray) -> IntArray:
        """The numbers of sentences of photographs."""
        size_K: IntArray = self._sentences[photo_K + 1] - self._sentences[photo_K]
        return size_K

    def numbers(self, photo_L: IntArray, sentence_L: IntArray) -> IntArray:
        """The numbers of some sentences of some photographs, counted over all photographs."""
        number_L: IntArray = self._sentences[photo_L] + sentence_L
        return number_L

    def some(self, photo_K: IntArray, count: int) -> tuple[IntArray, IntArray]:
        """At most `count` sentences of each photograph, drawn by torch's generator, in a random order.

        For each, the place of its photograph in `photo_K` (L,), and its number over all photographs (L,).
        """
        size_K = self.sizes(photo_K)
        key_KN = torch.rand(len(photo_K), int(size_K.max(initial=0))).numpy()
        key_KN[np.arange(key_KN.shape[1]) >= size_K[:, None]] = np.inf  # there is no such sentence
        order_KN = key_KN.argsort(1)[:, :count]
        owner_L, nth_L = (np.arange(order_KN.shape[1]) < size_K[:, None]).nonzero()
        return owner_L, self.numbers(photo_K[owner_L], order_KN[owner_L, nth_L])

    def spans(self, photo_K: IntArray) -> tuple[IntArray, IntArray]:
        """The numbers of all sentences of photographs, and for each which of these photographs has it."""
        return spans(self._sentences[photo_K], self._sentences[photo_K + 1])

    def words_of(self, number_L: IntArray) -> tuple[IntArray, IntArray]:
        """The words of some sentences, one after the other, and for each which of these sentences has it."""
        place_M, span_M = spans(self._ends[number_L], self._ends[number_L + 1])
        return self._words[place_M], span_M

    def padded(self, number_L: IntArray) -> tuple[IntArray, BoolArray]:
        """Some sentences as ids (L, T), padded with 0, and which of them are words (L, T)."""
        length_L = self._ends[number_L + 1] - self._ends[number_L]
        real_LT = np.arange(length_L.max(initial=0)) < length_L[:, None]
        ids_LT = np.zeros(real_LT.shape, np.int64)
        ids_LT[real_LT] = self.words_of(number_L)[0]
        return ids_LT, real_LT

    def _sentence(self, n: int) -> list[int]:
        ids: list[int] = self._words[self._ends[n] : self._ends[n + 1]].tolist()
        return ids


class PhraseTarget(NamedTuple):
    """A phrase with a box, as training sees it."""

    places: tuple[int, ...]
    """Indices of its known words among the known words of its sentence."""
    box: Box


class BoxedPhrases(NamedTuple):
    """The phrases with boxes of some sentences, in the order of these."""

    sentence_P: IntArray
    """The sentence of each."""
    box_P4: FloatArray
    phrase_M: IntArray
    """The phrase of each word of a phrase."""
    place_M: IntArray
    """Its place among the known words of its sentence."""

    def chosen(self, keep_P: BoolArray) -> "BoxedPhrases":
        """Some of the phrases."""
        number_P, keep_M = keep_P.cumsum() - 1, keep_P[self.phrase_M]
        return BoxedPhrases(
            self.sentence_P[keep_P],
            self.box_P4[keep_P],
            number_P[self.phrase_M[keep_M]],
            self.place_M[keep_M],
        )

    def with_words(self) -> "BoxedPhrases":
        """The phrases, and each of their words as a phrase of its own."""
        of_M, count = self.phrase_M, len(self.sentence_P)
        return BoxedPhrases(
            np.concatenate([self.sentence_P, self.sentence_P[of_M]]),
            np.concatenate([self.box_P4, self.box_P4[of_M]]),
            np.concatenate([of_M, count + np.arange(len(of_M))]),
            np.concatenate([self.place_M, self.place_M]),
        )


NO_PHRASES = BoxedPhrases(*np.zeros((4, 0), np.int64))._replace(box_P4=np.zeros((0, 4)))


class PhraseTargets(Flat[list[list[PhraseTarget]]]):
    """The boxed phrases of sentences: `phrases[k][n]` are those of sentence n of photograph k.

    >>> phrases = PhraseTargets([[[PhraseTarget((0, 1), (0.0, 0.0, 0.5, 1.0))], []], [[]]])
    >>> len(phrases), phrases[0][0], phrases[1]
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

    def of(self, number_L: IntArray) -> BoxedPhrases:
        """The phrases of some sentences, whose numbers are counted over all photographs."""
        phrase_P, sentence_P = self._places.spans(number_L)
        place_M, phrase_M = self._places.words_of(phrase_P)
        return BoxedPhrases(sentence_P, self._boxes[phrase_P], phrase_M, place_M)

    def _of(self, sentence: int) -> list[PhraseTarget]:
        phrase_P, _ = self._places.spans(np.array([sentence]))
        boxes = self._boxes[phrase_P].tolist()
        return [
            PhraseTarget(tuple(own), tuple(box))
            for own, box in zip(self._places[sentence], boxes, strict=True)
        ]


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

    def of(self, photo_K: IntArray) -> tuple[Tensor, IntArray]:
        """The rows of some photographs, one after the other, and for each which of these has it."""
        row_M, span_M = spans(self._ends[photo_K], self._ends[photo_K + 1])
        return self._rows[torch.from_numpy(row_M)], span_M

    @property
    def empty(self) -> bool:
        """Whether no photograph has a row."""
        return not len(self._rows)
