"""The names of classes as a model reads them: their counts, and their directions among the regions."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dvsa import classes
from dvsa.arrays import BoolArray, FloatArray, Floats, IntArray
from dvsa.seeing import Group
from dvsa.text import Vocabulary

Read = Callable[[Sequence[Sequence[str]]], tuple[Floats, BoolArray]]
"""From sentences to the vectors of their words (L, T, D), and which of them are words (L, T)."""


@dataclass(frozen=True, eq=False)
class Names:
    """All names of known words, N, of G groups of classes."""

    groups: tuple[Group, ...]
    group_N: IntArray
    """The group of each name."""
    meant: Mapping[str, frozenset[int]]
    """The classes that each name means, as far as it is a name of classes."""
    vectors: Callable[[], Floats]
    """Reads the vectors (N, D) of the names, the sums of those of their words; this takes a second."""

    @classmethod
    def read(cls, vocabulary: Vocabulary, read: Read) -> "Names":
        """Read all names whose words are in the vocabulary."""
        known = [name for name in classes.names() if all(word in vocabulary for word in name.words)]
        if not known:
            return cls((), np.zeros(0, np.int64), {}, lambda: np.zeros((0, 1), np.float32))

        # The names of each group; people say the most frequent one.
        own: dict[frozenset[int], list[tuple[int, str]]] = defaultdict(list)
        meant: dict[str, frozenset[int]] = defaultdict(frozenset)
        count = dict(zip(vocabulary.words, vocabulary.counts, strict=True))
        for name in known:
            said = " ".join(name.words)
            own[frozenset(name.classes)].append((min(count[word] for word in name.words), said))
            meant[said] |= frozenset(name.classes)
        groups = tuple(Group(group, max(names)[1], max(names)[0]) for group, names in own.items())

        def vectors() -> Floats:
            s_NTD, real_NT = read([name.words for name in known])
            sum_ND: Floats = (s_NTD * real_NT[..., None]).sum(axis=1)
            return sum_ND

        place = {group: g for g, group in enumerate(own)}
        group_N = np.array([place[frozenset(name.classes)] for name in known])
        return cls(groups, group_N, dict(meant), vectors)

    @cached_property
    def u_ND(self) -> Floats:
        """The direction of each name, with length 1."""
        return _unit(self.vectors())

    def cosines(self, v_ID: Floats) -> FloatArray:
        """The best cosine of each region with a name of each group, (I, G)."""
        best_GI = np.full((len(self.groups), len(v_ID)), -1.0)
        np.maximum.at(best_GI, self.group_N, (_unit(v_ID) @ self.u_ND.T).T)
        return best_GI.T


def _unit(v_ND: Floats) -> Floats:
    unit_ND: Floats = v_ND / np.maximum(np.linalg.norm(v_ND, axis=1, keepdims=True), 1e-9)
    return unit_ND
