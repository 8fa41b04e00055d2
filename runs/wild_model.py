"""What a model says about photographs of runs/wild.toml, as names, places and captions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from wild_list import Wild
from wild_measures import among, first_right

from dvsa import maxsim
from dvsa.arrays import FloatArray, IntArray
from dvsa.classes import CLASSES, names
from dvsa.model import Model, View

TOP = 5
"""How many names of classes are kept for people to look at."""


@dataclass(frozen=True, slots=True)
class Classes:
    """The names of ImageNet's classes that a model can read."""

    called: tuple[str, ...]
    """N names."""
    class_N: IntArray
    u_ND: FloatArray
    """Their directions: the sum of their words' vectors, of length 1."""

    @classmethod
    def read(cls, model: Model) -> "Classes":
        """The names whose words are all in the model's vocabulary."""
        vocabulary = model.bundle.vocabulary
        own = [name for name in names() if len(name.classes) == 1]
        known = [name for name in own if all(word in vocabulary for word in name.words)]
        s_NTD, real_NT = model.word_vectors([name.words for name in known])
        u_ND = _unit((s_NTD * real_NT[..., None]).sum(axis=1))
        return cls(
            tuple(" ".join(name.words) for name in known),
            np.array([name.classes[0] for name in known], dtype=np.int64),
            u_ND,
        )

    @property
    def unnamed(self) -> int:
        """How many classes have no known name."""
        return CLASSES - len(np.unique(self.class_N))

    def scores(self, view: View) -> FloatArray:
        """For each class the best cosine of a region with one of its names; NaN if none is known."""
        cosine_N = (_unit(view.v_ID) @ self.u_ND.T).max(axis=0)
        score_C = np.full(CLASSES, -np.inf)
        np.maximum.at(score_C, self.class_N, cosine_N)
        return np.where(np.isinf(score_C), np.nan, score_C)

    def best(self, view: View) -> list[str]:
        """The `TOP` names that fit best, of different classes."""
        cosine_N = (_unit(view.v_ID) @ self.u_ND.T).max(axis=0)
        found: dict[int, str] = {}
        for n in np.argsort(-cosine_N, kind="stable"):
            found.setdefault(int(self.class_N[n]), self.called[n])
            if len(found) == TOP:
                break
        return list(found.values())


def is_right(wild: Wild) -> list[bool]:
    """For each class whether one of its names is right for the main thing."""
    right = [False] * CLASSES
    for name in names():
        if len(name.classes) == 1 and among(" ".join(name.words), wild.right):
            right[name.classes[0]] = True
    return right


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model says about a photograph."""

    place: float
    """Of the best right class among all; NaN if no class is right."""
    names: tuple[str, ...]
    """The `TOP` names of classes."""
    caption: tuple[str, ...]
    things: tuple[str, ...]


def answer(view: View, wild: Wild, classes: Classes) -> Answer:
    """What the model says about one photograph."""
    things = tuple(thing.name for thing in view.things())
    place = first_right(classes.scores(view), is_right(wild))
    return Answer(place, tuple(classes.best(view)), view.caption().words, things)


def search(model: Model, views: Sequence[View], photographs: Sequence[Wild]) -> dict[str, float]:
    """For each different main thing, as a question, the place of the first photograph that shows it."""
    questions = list(dict.fromkeys(wild.main for wild in photographs))
    places: dict[str, float] = {}
    for question, sentence in zip(questions, model.read_many(questions), strict=True):
        s_ND = sentence.s_ND
        score_K = np.array([maxsim.score(view.v_ID, s_ND) if len(s_ND) else np.nan for view in views])
        shown = [among(question, (*wild.right, *wild.things)) for wild in photographs]
        places[question] = first_right(score_K, shown)
    return places


def _unit(v_ND: FloatArray) -> FloatArray:
    unit_ND: FloatArray = v_ND / np.maximum(np.linalg.norm(v_ND, axis=1, keepdims=True), 1e-12)
    return unit_ND
