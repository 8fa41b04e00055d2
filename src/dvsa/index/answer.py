"""A question without an answer, in words."""

import warnings
from collections.abc import Callable, Sequence
from operator import attrgetter

from dvsa.index.query import Query
from dvsa.index.values import Hit, Photograph
from dvsa.text import FUNCTION_WORDS


class UnrecordedWarning(UserWarning):
    """A filter leaves out photographs because nobody looked at what it asks for."""


def never_looked_at(count: int) -> str:
    """What to do if a filter leaves out photographs because nobody looked at what it asks for.

    >>> never_looked_at(1)[:60]
    '1 photograph is left out because an earlier version of dvsa '
    """
    those = f"{count:,} photographs are" if count > 1 else "1 photograph is"
    return (
        f"{those} left out because an earlier version of dvsa did not record their camera, place or date: "
        "dvsa index sync PHOTOS --out INDEX reads them again"
    )


def warn_of_unrecorded(count: int) -> None:
    """Warn the caller of the caller if there are such photographs."""
    if count:
        warnings.warn(never_looked_at(count), UnrecordedWarning, stacklevel=3)


def ignored_parts(query: Query) -> str | None:
    """Which parts of a question do not count because the model does not know them; None if all count.

    >>> import dvsa
    >>> ignored_parts(Query.asked(dvsa.load(), "a dog", without=["zyzzyva"]))
    "the model does not know what this part asks for, so it does not count: 'zyzzyva'"
    """
    if not query.ignored:
        return None
    many = len(query.ignored) > 1
    these = "these parts ask for, so they do" if many else "this part asks for, so it does"
    told = ", ".join(repr(part.text) for part in query.ignored)
    return f"the model does not know what {these} not count: {told}"


def fewer(hits: Sequence[Hit], restricted: bool) -> str:
    """How many photographs there are, if they are fewer than were asked for.

    Args:
        hits: all that there are.
        restricted: whether the question has conditions.

    >>> fewer([], restricted=True)
    '0 photographs that meet the conditions'
    """
    behind = sum(len(hit.others) for hit in hits)
    one = len(hits) == 1
    told = f"{len(hits):,} {'different ' if behind else ''}photograph{'' if one else 's'}"
    if restricted:
        told += f" that meet{'s' if one else ''} the conditions"
    if behind:
        told += f" (near duplicates of {'it' if one else 'these'}, not counted: {behind:,})"
    return told


def no_answer(
    query: Query,
    nearest: Hit | None,
    name: Callable[[Photograph], str] = attrgetter("path"),
    *,
    empty: bool = False,
) -> str:
    """Why a search found nothing: no photograph meets the conditions, or the words have too little support.

    Args:
        query: what was searched for.
        nearest: the photograph with the highest score that meets the conditions; None if there is none.
        name: what a photograph is called.
        empty: whether the index has no photographs at all.
    """
    if empty:
        return "the index is empty: dvsa index PHOTOS --out INDEX adds photographs"
    if nearest is None:
        return "no photograph meets the conditions"
    if nearest.fits:
        return f"every photograph that answers {query.text!r} shows what it must not show"

    unknown = (
        [f"the model does not know {', '.join(query.sentence.nearest)}"] if query.sentence.nearest else []
    )
    words = nearest.alignment.words[: len(query.sentence.words)]
    weak = dict.fromkeys(
        word.text for word in words if word.known and not word.supported and word.text not in FUNCTION_WORDS
    )
    lacking = f"has too little support for {', '.join(weak)}" if weak else "matches its words too little"
    reasons = [*unknown, f"even the nearest, {name(nearest.photograph)}, {lacking}"]
    return f"no photograph answers {query.text!r}: {'; '.join(reasons)}"
