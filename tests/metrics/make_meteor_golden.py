"""Run pycocoevalcap's Meteor (needs Java) and write meteor_golden.json, which test_meteor.py reads.

python tests/metrics/make_meteor_golden.py
"""

import json
from pathlib import Path

from pycocoevalcap.meteor.meteor import Meteor  # type: ignore[import-untyped]

from dvsa.metrics.meteor import meteor_statistics
from dvsa.metrics.ptb import tokenise

SENTENCES = {  # a name, the references, the hypothesis
    "whole": (["A dog runs fast .", "The brown dog is running ."], "a dog runs fast"),
    "stem": (["A dog runs on the grass ."], "dogs running on grass"),
    "synonym": (["A boy quickly climbs the big rock ."], "a male child rapidly climbs a large stone"),
    "paraphrase": (["A group of people stand in front of a shop ."], "several persons stand before a shop"),
    "order": (["dog a cat the man"], "the cat and a man with a dog"),
    "nothing": (["Two men play football ."], "her red bicycle"),
    "empty": (["A man with an umbrella ."], ""),
    "function words": (["the of"], "of the"),
    "foreign": (["Das Gubbängen café , 8% off !"], "das gubbängen café"),
}


def main() -> None:
    """Write the golden file beside this script."""
    references = {
        name: [" ".join(tokenise(text)) for text in texts] for name, (texts, _) in SENTENCES.items()
    }
    hypotheses = {name: " ".join(tokenise(text)) for name, (_, text) in SENTENCES.items()}

    figure, each = Meteor().compute_score(references, {name: [text] for name, text in hypotheses.items()})
    counts_K23, note = meteor_statistics(
        [[text.split() for text in texts] for texts in references.values()],
        [text.split() for text in hypotheses.values()],
    )
    if counts_K23 is None:
        raise SystemExit(note)

    golden = {
        "references": references,
        "hypotheses": hypotheses,
        "counts": [" ".join(f"{number:g}" for number in row) for row in counts_K23],
        "each": each,
        "all": figure,
    }
    text = json.dumps(golden, indent=1, ensure_ascii=False) + "\n"
    Path(__file__).with_name("meteor_golden.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
