"""The parts of docs/results.md about what the paper's captions and vectors contain."""

from collections.abc import Iterator, Mapping

from markdown import section, table
from results_data import Results, group
from results_names import captioner

CHOSEN = "rnn.beam7"
"""The captioner and the beam of the paper."""
SHOWN = ("rnn.beam1", CHOSEN, "rnn.beam10", "lstm.beam7", "nearest")
"""Captions in the tables; the appendix has all."""


def novelty(results: Results) -> Iterator[str]:
    """How many captions are copies, and the fragments of some that are not."""
    found = group(results.paper, "novelty")
    if not found:
        return
    yield from section(
        "Novelty of captions",
        "The share of captions, in percent, that are a copy of a training sentence. It grows with the beam.",
        level=3,
    )
    rows = [(captioner(name), found[name].report.figures["copied"]) for name in SHOWN if name in found]
    yield from table(("system", "copied"), rows)

    if CHOSEN in found:
        yield ""
        yield (
            f"Ten novel captions of “{captioner(CHOSEN)}”, split into their longest fragments found in "
            "training, with counts:"
        )
        yield ""
        for fragments in found[CHOSEN].novel:
            yield "- " + " · ".join(f"{text} ({times:,})" for text, times in fragments)


def inspected(inspection: Mapping[str, object]) -> Iterator[str]:
    """What the vectors contain, which regions a phrase finds, and failures."""
    longest, shortest = (
        ", ".join(f"{word} {norm:.1f}" for word, norm, _ in _list(inspection[key])[:20])
        for key in ("longest words", "shortest words")
    )
    yield from section(
        "Words, regions and failures",
        "In the paper's model the length of a word's vector is its weight. Words that distinguish "
        "photographs have long vectors; most stop words have short ones.",
        f"The longest vectors: {longest}.",
        f"The shortest vectors: {shortest}.",
        level=3,
    )

    sentences, found = inspection.get("sentences", {}), inspection["regions found"]
    assert isinstance(sentences, Mapping)
    assert isinstance(found, Mapping)
    yield ""
    yield (
        "Each phrase is searched in all photographs of the split. The table shows the photographs with the "
        "best regions. A sentence stands for each photograph; the score of its region is in parentheses."
    )
    rows = [
        (phrase, "<br>".join(f"{sentences.get(photo, photo)} ({score:.1f})" for photo, _, score in regions))
        for phrase, regions in found.items()
    ]
    yield from table(("phrase", "photographs, best first"), rows)

    yield ""
    yield (
        "The worst failures: photographs that rank even the best of their own sentences very low, and a "
        "sentence of the photograph that was ranked first instead. Rank 1 would be right."
    )
    worst = [
        (sentences.get(row["photograph"], ""), f"{row['rank']:,}", sentences.get(row["wrong"], ""))
        for row in _list(inspection["worst ranks"])
    ]
    yield from table(
        ("a sentence of the photograph", "rank of its best sentence", "ranked first instead"), worst
    )


def _list(value: object) -> list[dict[str, object]]:
    assert isinstance(value, list)
    return value
