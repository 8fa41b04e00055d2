"""A shorter and surer caption, for photographs that are unlike all that a model has learned from."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from dvsa.aligning import words_on_regions
from dvsa.bundle import Bundle
from dvsa.captioning import MAX_LEN
from dvsa.model.things import things
from dvsa.records import Caption, Thing, Word
from dvsa.text import END, FUNCTION_WORDS, START
from dvsa.things import names_thing, same_thing

if TYPE_CHECKING:
    from dvsa.model.view import View

MOST_WORDS: Final = 5
"""The longest caption, in words."""
SURE: Final = 0.75
"""A word makes a caption better if it is at least this probable."""


class Worth(NamedTuple):
    """What captions are compared by."""

    supported: bool
    """Whether all content words have support."""
    sure: float
    """How much more probable than `SURE` they are, in total."""
    least: float
    """The probability of the least probable one."""


def surer(view: "View", captions: Sequence[Caption]) -> Caption:
    """The one with the best support among captions and their beginnings, or a name.

    It names a thing, has at most `MOST_WORDS` words, and may end where it ends. One whose content words are
    all supported comes before all others. If a class is more probable than one of the words, the caption is
    one with the name of that class, or else the name alone, with the log-probability of the class. If no
    caption names a thing, it is the first.

    >>> import dvsa
    >>> view = dvsa.load().open("examples/photographer.jpg")
    >>> surer(view, [Caption("a man on a horse", -5.0, ("a", "man", "on", "a", "horse"), (-1.0,) * 5)]).text
    'a man'
    """
    seen = things(view, ())
    found = {part.text: part for caption in captions for part in _beginnings(caption, view.model.bundle)}
    if not found:
        return named(seen[0]) if seen else captions[0]
    support = view.model.bundle.manifest.evidence
    worth = {
        sentence.text: _worth(words_on_regions(sentence, sentence.s_TD @ view.v_ID.T, support))
        for sentence in view.model.read_many([*found])
    }
    best = max(worth, key=worth.__getitem__)
    if not seen or _names(best, seen[0]) or worth[best].least >= seen[0].probability:
        return found[best]
    naming = [text for text in found if _names(text, seen[0]) and worth[text].supported]
    return found[max(naming, key=worth.__getitem__)] if naming else named(seen[0])


def named(thing: Thing) -> Caption:
    """The name of a thing as a caption.

    >>> named(Thing("espresso", 3, 1.0))
    Caption(text='an espresso', logprob=0.0, words=('an', 'espresso'), logprobs=(0.0, 0.0))
    """
    plural = thing.name.endswith("s") and not thing.name.endswith(("ss", "us", "is"))
    article = [] if plural else ["an" if thing.name[0] in "aeiou" else "a"]
    words = (*article, *thing.name.split())
    logp = float(np.log(thing.probability))
    return Caption(" ".join(words), logp, words, (*[0.0] * (len(words) - 1), logp))


def _names(text: str, thing: Thing) -> bool:
    """Whether some of the words are the name of a thing."""
    words, count = text.split(), len(thing.name.split())
    return any(same_thing(" ".join(words[t : t + count]), thing.name) for t in range(len(words)))


def _beginnings(caption: Caption, bundle: Bundle) -> Iterator[Caption]:
    """The caption and its beginnings, as far as they name a thing and may end where they end."""
    for count in range(1, min(len(caption.words), MOST_WORDS) + 1):
        words, logprobs = caption.words[:count], caption.logprobs[:count]
        if count == len(caption.words):
            logprobs = caption.logprobs
        if any(map(names_thing, words)) and (count == len(caption.words) or _may_end(words, bundle)):
            yield Caption(" ".join(words), sum(logprobs), words, logprobs)


def _may_end(words: Sequence[str], bundle: Bundle) -> bool:
    """Whether a caption may end with the last of these words."""
    if bundle.fluency is None:
        return names_thing(words[-1])
    said_1T = np.array([[START, *bundle.spoken.encode(words)]])
    return bool(bundle.fluency.allowed(said_1T, MAX_LEN)[0, END])


def _worth(words: Sequence[Word]) -> Worth:
    """The worth of a caption with these words; without a calibration, supported words are certain."""
    content = [word for word in words if word.text not in FUNCTION_WORDS]
    p = [float(word.supported) if word.probability is None else word.probability for word in content]
    return Worth(all(word.supported for word in content), sum(p) - SURE * len(p), min(p, default=0.0))
