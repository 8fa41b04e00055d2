"""The names of classes, as a model reads them."""

from collections.abc import Sequence

import numpy as np

from dvsa.arrays import BoolArray, Floats
from dvsa.classes import names
from dvsa.model.names import Names
from dvsa.text import Vocabulary


def read(sentences: Sequence[Sequence[str]]) -> tuple[Floats, BoolArray]:
    """A vector for each letter that a word begins with."""
    longest = max(map(len, sentences))
    s_NTD = np.zeros((len(sentences), longest, 26), np.float32)
    real_NT = np.arange(longest) < np.array([len(s) for s in sentences])[:, None]
    for n, sentence in enumerate(sentences):
        for t, word in enumerate(sentence):
            s_NTD[n, t, ord(word[0]) - ord("a")] = 2
    return s_NTD, real_NT


def test_only_names_of_known_words_are_read() -> None:
    vocabulary = Vocabulary(("penguin", "bird", "king", "zebra"), (9, 8, 7, 2), sentences=20)
    found = Names.read(vocabulary, read)
    said = {group.name: group for group in found.groups}
    assert {*said} == {"penguin", "bird", "zebra"}  # a king penguin is called what people say more often
    assert said["penguin"].classes == frozenset({145})
    assert said["penguin"].count == 9
    assert found.meant["king penguin"] == found.meant["penguin"] == frozenset({145})
    birds = [name.classes for name in names() if name.words == ("bird",)]
    assert found.meant["bird"] == frozenset(birds[0])
    assert len(found.group_N) == len(found.u_ND) == 4
    assert np.allclose(np.linalg.norm(found.u_ND, axis=1), 1)


def test_the_best_name_of_a_group_counts() -> None:
    vocabulary = Vocabulary(("penguin", "bird", "king"), (9, 8, 7), sentences=20)
    found = Names.read(vocabulary, read)
    v_ID = 3 * np.eye(26, dtype=np.float32)[[ord("p") - ord("a"), ord("b") - ord("a")]]
    cosine_IG = found.cosines(v_ID)
    place = {group.name: g for g, group in enumerate(found.groups)}
    assert np.allclose(cosine_IG[:, place["penguin"]], [1, 0])  # the cosine of "king penguin" is lower
    assert np.allclose(cosine_IG[:, place["bird"]], [0, 1])


def test_a_vocabulary_without_names_is_no_error() -> None:
    found = Names.read(Vocabulary(("qwerty",), (1,), sentences=1), read)
    assert found.groups == ()
    assert found.cosines(np.ones((3, 1), np.float32)).shape == (3, 0)
