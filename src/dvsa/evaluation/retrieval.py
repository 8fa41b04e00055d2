"""Photographs and sentences as queries for each other (paper, section 4.1)."""

from collections.abc import Sequence

import numpy as np

from dvsa import maxsim
from dvsa.data import Example
from dvsa.evaluation.encoding import SENTENCES, Encoded, Progress, batches, encode, require_sentences
from dvsa.evaluation.evidence import Evidence, Judged
from dvsa.metrics.ranking import rank
from dvsa.model import Model
from dvsa.text import words


def ranking(
    model: Model,
    examples: Sequence[Example],
    *,
    encoded: Encoded | None = None,
    progress: Progress | None = None,
) -> Judged:
    """`R@1`, `R@5`, `R@10` and `Med r` of both directions, by the score that the bundle names.

    A sentence without a known word has the score 0 with every photograph, so it ranks last.

    Args:
        model: computes the scores.
        examples: the split.
        encoded: what `encode` returned for this model and these examples; computed if None.
        progress: is called with what is done, how many are done, and the total.

    Raises:
        ValueError: there are no photographs, one cannot be read, or one has no sentences.
    """
    require_sentences(examples)
    encoded = encoded or encode(model, examples, progress)

    scores = maxsim.defrag if model.bundle.manifest.score == "defrag" else maxsim.scores
    sentences = [words(sentence) for example in examples for sentence in example.sentences]
    columns = [
        scores(encoded.v_KID, *model.word_vectors(chunk))
        for chunk in batches(sentences, SENTENCES, "scoring sentences", progress)
    ]
    owner_L = np.repeat(np.arange(len(examples)), [len(example.sentences) for example in examples])
    ranks = rank(np.hstack(columns), owner_L)

    arrays = {
        "photo_rank_K": ranks.photo_rank_K,
        "sentence_rank_L": ranks.sentence_rank_L,
        "owner_N": ranks.owner_L,
    }
    evidence = Evidence("ranking", tuple(example.name for example in examples), arrays)
    return Judged(ranks.report(), evidence)
