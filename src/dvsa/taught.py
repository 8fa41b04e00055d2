"""Names that a bundle was taught after its training, each with a vector of its own.

A name is one or several words. Wherever a sentence has these words in a row, they count as one word with the
vector of the name; the other words are read as if the name were not there.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from dvsa.arrays import Floats
from dvsa.sentence import Sentence
from dvsa.text import FUNCTION_WORDS, Vocabulary, words
from dvsa.typed_json import parse as parse_json

MAX_NAMES: Final = 10_000
MAX_NAME: Final = 10
"""Words of a name."""


@dataclass(frozen=True, eq=False)
class Taught:
    """The names, as `dvsa.text.words` reads them, with one space between two words, and their vectors (D,).

    >>> taught = Taught({"our boat": np.ones(2, np.float32)})
    >>> taught.joined(["in", "our", "boat"])
    ['in', 'our boat']
    """

    vectors: Mapping[str, Floats] = field(default_factory=dict)

    def joined(self, words: Sequence[str]) -> list[str]:
        """The words of a sentence, those of a name as one; the longest name at each place counts.

        >>> Taught({name: np.ones(2, np.float32) for name in ("our", "our boat")}).joined(["our", "boat"])
        ['our boat']
        """
        found, n = [], 0
        lengths = sorted({name.count(" ") + 1 for name in self.vectors}, reverse=True)
        while n < len(words):
            parts = (" ".join(words[n : n + length]) for length in lengths)
            found.append(next((part for part in parts if part in self.vectors), words[n]))
            n += found[-1].count(" ") + 1
        return found

    def known(self, sentence: Sentence) -> Sentence:
        """The sentence with the vectors of the names in it; its words are `joined`.

        >>> read = Sentence("our boat", ("our boat",), np.array([False]), np.zeros((0, 2), np.float32))
        >>> Taught({"our boat": np.ones(2, np.float32)}).known(read).s_ND.tolist()
        [[1.0, 1.0]]
        """
        name_T = np.array([word in self.vectors for word in sentence.words], dtype=np.bool_)
        if not name_T.any():
            return sentence
        s_TD, known_T = sentence.s_TD, sentence.known_T | name_T
        s_TD[name_T] = [self.vectors[word] for word in sentence.words if word in self.vectors]
        return replace(sentence, known_T=known_T, s_ND=s_TD[known_T])

    def with_name(self, name: str, s_D: Floats, vocabulary: Vocabulary) -> "Taught":
        """These names and another one.

        Raises:
            ValueError: it has no words or too many, it has only words such as "the", or it is known already.

        >>> vocabulary = Vocabulary(("a", "boat"), (2, 1), 2)
        >>> [*Taught().with_name("Our boat", np.ones(2, np.float32), vocabulary).vectors]
        ['our boat']
        >>> Taught().with_name("boat", np.ones(2, np.float32), vocabulary)
        Traceback (most recent call last):
        ValueError: the model knows the word 'boat' already: give another name, such as 'our boat'
        """
        parts = words(name)
        plain = " ".join(parts)
        if not 1 <= len(parts) <= MAX_NAME or FUNCTION_WORDS.issuperset(parts):
            raise ValueError(
                f"{name!r:.80} is no name: give 1 to {MAX_NAME} words, not only words such as 'the'"
            )
        if plain in vocabulary:
            raise ValueError(
                f"the model knows the word {plain!r} already: give another name, such as 'our {plain}'"
            )
        if plain in self.vectors:
            raise ValueError(f"{plain!r} was taught already: forget it first")
        if len(self.vectors) >= MAX_NAMES:
            raise ValueError(f"{MAX_NAMES:,} names were taught already: forget some first")
        return Taught({**self.vectors, plain: s_D})

    def without(self, name: str) -> "Taught":
        """These names without one of them.

        Raises:
            ValueError: it was not taught.

        >>> Taught().without("our boat")
        Traceback (most recent call last):
        ValueError: 'our boat' was not taught: there are no names
        """
        plain = " ".join(words(name))
        if plain not in self.vectors:
            others = f"the names are {', '.join(self.vectors)}" if self.vectors else "there are no names"
            raise ValueError(f"{plain!r:.80} was not taught: {others}")
        return Taught({other: s_D for other, s_D in self.vectors.items() if other != plain})

    def to_bytes(self) -> bytes:
        """The content of a file, in JSON.

        >>> Taught({"our boat": np.ones(2, np.float32)}).to_bytes()
        b'{"our boat": [1.0, 1.0]}'
        """
        return json.dumps({name: s_D.tolist() for name, s_D in self.vectors.items()}).encode()

    @classmethod
    def parse(cls, content: bytes, embedding: int, source: str) -> "Taught":
        """Read what `to_bytes` gives, with vectors of `embedding` numbers.

        Raises:
            ValueError: the content is invalid; the message begins with `source`.

        >>> [*Taught.parse(b'{"our boat": [1.0, 1.0]}', 2, "here").vectors]
        ['our boat']
        """
        try:
            found = parse_json(content)
        except ValueError as error:
            raise ValueError(f"{source} cannot be read ({error}): teach the names again") from error
        if not isinstance(found, dict) or len(found) > MAX_NAMES:
            raise ValueError(f"{source} has no names, or more than {MAX_NAMES:,}: teach the names again")
        for name, vector in found.items():
            if not name or " ".join(words(name)) != name or not _is_vector(vector, embedding):
                raise ValueError(
                    f"{source}: {name!r:.60} is no name with {embedding} numbers: teach it again"
                )
        return cls({name: np.array(vector, np.float32) for name, vector in found.items()})


def _is_vector(value: object, embedding: int) -> bool:
    """Whether a value of JSON is a list of that many numbers that single precision can hold."""
    return (
        isinstance(value, list)
        and len(value) == embedding
        and all(isinstance(x, int | float) and not isinstance(x, bool) and abs(x) < 1e30 for x in value)
    )
