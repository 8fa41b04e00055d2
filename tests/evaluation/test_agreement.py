from pathlib import Path

import pytest

from dvsa.data import Example, GroundedPhrase, Source
from dvsa.evaluation.agreement import agreement
from dvsa.metrics.captions import score
from dvsa.records import FRAME


def phrase(sentence: int, first: int, text: str, chain: str, *, boxed: bool = True) -> GroundedPhrase:
    last = first + len(text.split()) - 1
    return GroundedPhrase(sentence, first, last, text, chain, ("other",), (FRAME,) if boxed else ())


def example(name: str, *phrases: GroundedPhrase) -> Example:
    return Example(name, "test", ("a dog runs",) * 3, Source(Path(name)), phrases)


def test_the_first_phrase_of_a_chain_is_compared_with_the_others() -> None:
    examples = [
        example(
            "a#1.jpg",
            phrase(1, 0, "a puppy", "7"),
            phrase(0, 3, "itself", "7"),
            phrase(0, 0, "a dog", "7"),
            phrase(0, 5, "a lawn", "8"),  # alone
            phrase(0, 7, "the day", "9", boxed=False),
            phrase(1, 7, "the day", "9", boxed=False),
        ),
        example("b.jpg", phrase(0, 0, "a cat", "7"), phrase(2, 0, "the cat", "7")),
    ]
    references, hypotheses = agreement(examples)
    assert references == {"a#1.jpg#7": ["itself", "a puppy"], "b.jpg#7": ["the cat"]}
    assert hypotheses == {"a#1.jpg#7": "a dog", "b.jpg#7": "a cat"}
    assert score(references, hypotheses, with_meteor=False).photos == ("a#1.jpg#7", "b.jpg#7")


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ValueError, match="there are no photographs"):
        agreement([])
    with pytest.raises(ValueError, match="has phrases with boxes"):
        agreement([example("a.jpg", phrase(0, 0, "a dog", "1", boxed=False))])
    with pytest.raises(ValueError, match="no chain with boxes has two phrases"):
        agreement([example("a.jpg", phrase(0, 0, "a dog", "1"), phrase(1, 0, "a dog", "2"))])
