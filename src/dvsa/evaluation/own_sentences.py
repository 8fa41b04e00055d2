"""Sentences read on their own photographs: each with its products with the photograph's regions."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from dvsa.arrays import Floats
from dvsa.data import Example
from dvsa.evaluation.encoding import SENTENCES, Progress, batches
from dvsa.model import Model
from dvsa.sentence import Sentence


class OwnSentence(NamedTuple):
    """A sentence of a photograph."""

    photo: int
    """The index of the photograph."""
    number: int
    """The index of the sentence among those of the photograph."""
    sentence: Sentence
    dot_TI: Floats
    """`v_i . s_t`; zeros for unknown words."""


def read_own(
    model: Model,
    examples: Sequence[Example],
    places: Sequence[tuple[int, int]],
    v_KID: Floats,
    progress: Progress | None,
) -> Iterator[OwnSentence]:
    """Read the sentences at `places`, (photograph, sentence), in this order."""
    for chunk in batches(places, SENTENCES, "aligning sentences", progress):
        sentences = model.read_many([examples[k].sentences[n] for k, n in chunk])
        for (k, n), sentence in zip(chunk, sentences, strict=True):
            yield OwnSentence(k, n, sentence, sentence.s_TD @ v_KID[k].T)
