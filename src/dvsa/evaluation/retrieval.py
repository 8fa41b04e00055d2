"""Photographs and sentences as queries for each other (paper, section 4.1)."""

from collections.abc import Sequence

import numpy as np

from dvsa import maxsim
from dvsa.arrays import Floats, IntArray
from dvsa.data import Example
from dvsa.evaluation.encoding import SENTENCES, Encoded, Progress, batches, encode, require_sentences
from dvsa.evaluation.evidence import Evidence, Judged
from dvsa.metrics.ptb import tokenise
from dvsa.metrics.ranking import rank
from dvsa.metrics.relevance import Relevance
from dvsa.model import Model
from dvsa.text import words


def ranking(
    model: Model,
    examples: Sequence[Example],
    *,
    encoded: Encoded | None = None,
    progress: Progress | None = None,
) -> Judged:
    """`R@1`, `R@5`, `R@10`, `Med r` and `NDCG@25` of both directions, by the score that the bundle names.

    A sentence without a known word has the score 0 with every photograph, so it ranks last. For NDCG, the
    relevance of a sentence to a photograph is its ROUGE-L with the photograph's sentences, as in Messina et
    al. (2020).

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
    ranks = rank(np.hstack(columns), owner_L, _relevance(examples, owner_L, progress))

    assert ranks.photo_ndcg_K is not None
    assert ranks.sentence_ndcg_L is not None
    arrays = {
        "photo_rank_K": ranks.photo_rank_K,
        "sentence_rank_L": ranks.sentence_rank_L,
        "owner_N": ranks.owner_L,
        "photo_ndcg_K": ranks.photo_ndcg_K,
        "sentence_ndcg_L": ranks.sentence_ndcg_L,
    }
    evidence = Evidence("ranking", tuple(example.name for example in examples), arrays)
    return Judged(ranks.report(), evidence)


def _relevance(examples: Sequence[Example], owner_L: IntArray, progress: Progress | None) -> Floats:
    """How relevant each sentence is to each photograph, (K, L)."""
    tokens_L = [tokenise(sentence) for example in examples for sentence in example.sentences]
    relevance = Relevance(tokens_L, owner_L)
    columns = [
        relevance(chunk).astype(np.float32)
        for chunk in batches(tokens_L, SENTENCES, "comparing sentences", progress)
    ]
    return np.hstack(columns)
