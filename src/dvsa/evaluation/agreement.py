"""The agreement of people, an upper bound for phrases of regions (paper, section 4.3)."""

from collections.abc import Sequence

from dvsa.data import Example
from dvsa.evaluation.encoding import require_boxes


def agreement(examples: Sequence[Example]) -> tuple[dict[str, list[str]], dict[str, str]]:
    """References and hypotheses for `dvsa.metrics.captions.score`, by item `PHOTOGRAPH#CHAIN`.

    An item is a chain of Flickr30k Entities that has boxes and at least two phrases. Its first phrase, in the
    order of the sentences, is the hypothesis; all others are the references. A system compares only if it is
    scored on the same items with the same references, which are one fewer than the item's phrases.

    Raises:
        ValueError: there are no photographs, no phrase has a box, or no chain with boxes has two phrases.
    """
    require_boxes(examples)
    chains: dict[str, list[str]] = {}
    for example in examples:
        for phrase in sorted(example.phrases, key=lambda phrase: (phrase.sentence, phrase.first)):
            if phrase.boxes:
                chains.setdefault(f"{example.name}#{phrase.chain}", []).append(phrase.text)

    shared = {item: texts for item, texts in chains.items() if len(texts) > 1}
    if not shared:
        raise ValueError("no chain with boxes has two phrases: people cannot be compared on this split")
    references = {item: rest for item, (_, *rest) in shared.items()}
    hypotheses = {item: first for item, (first, *_) in shared.items()}
    return references, hypotheses
