"""How well a captioner predicts what people wrote (paper, section 3.2)."""

from collections.abc import Sequence

import numpy as np

from dvsa import text
from dvsa.arrays import Doubles, Floats, IntArray
from dvsa.data import Example
from dvsa.evaluation.encoding import Encoded, Progress, batches, encode, require_sentences
from dvsa.metrics.bootstrap import estimate
from dvsa.metrics.figures import Report
from dvsa.model import Model
from dvsa.records import Subject

READ_AT_ONCE = 20
"""Photographs whose sentences are read in one batch."""


def perplexity(
    model: Model,
    examples: Sequence[Example],
    *,
    encoded: Encoded | None = None,
    progress: Progress | None = None,
) -> Report:
    """`perplexity`: exp of the mean of -ln p over all words of the split's own sentences, END included.

    Every word is predicted from the photograph and the true words before it. As in training, unknown words
    are skipped, and sentences without a known word too. So perplexities compare only between models whose
    captions use the same words (`Bundle.spoken`).

    Args:
        model: its captioner of whole photographs reads the sentences.
        examples: the split.
        encoded: what `encode` returned for this model and these examples; computed if None.
        progress: is called with what is done, how many are done, and the total.

    Raises:
        ValueError: there are no photographs, one cannot be read, one has no sentences, or none has a known
            word; the bundle has no captioner of photographs.
    """
    require_sentences(examples)
    encoded = encoded or encode(model, examples, progress)

    spoken = [text.words(sentence) for example in examples for sentence in example.sentences]
    known = [model.bundle.spoken.encode(tokens) for tokens in spoken]
    ids_L = [ids for ids in known if ids]
    if not ids_L:
        raise ValueError("no sentence has a word that the bundle knows: choose another split or bundle")
    owner_L = np.repeat(np.arange(len(examples)), [len(example.sentences) for example in examples])
    owner_L = owner_L[[bool(ids) for ids in known]]

    nats_L = np.zeros(len(ids_L))
    frame_K = np.full(len(examples), encoded.feature_KIF.shape[1] - 1)
    for photos in batches(range(len(examples)), READ_AT_ONCE, "reading sentences", progress):
        low, high = np.searchsorted(owner_L, [photos[0], photos[-1] + 1])
        nats_L[low:high] = surprise(
            model,
            encoded.feature_KIF[photos],
            frame_K[photos],
            ids_L[low:high],
            owner_L[low:high] - photos[0],
        )

    read_L = np.unique(owner_L, return_inverse=True)[1]  # skips photographs without a sentence to read
    nats_K = np.bincount(read_L, weights=nats_L)
    words_K = np.bincount(read_L, weights=[len(ids) + 1 for ids in ids_L])

    def figures(index_N: IntArray) -> dict[str, float]:
        return {"perplexity": float(np.exp(nats_K[index_N].sum() / words_K[index_N].sum()))}

    settings = {
        "photos": len(nats_K),
        "sentences": len(ids_L),
        "words and ENDs": int(words_K.sum()),
        "unknown words, left out": sum(map(len, spoken)) - sum(map(len, known)),
    }
    return Report(estimate(figures, len(nats_K)), settings=settings)


def surprise(
    model: Model,
    feature_BIF: Floats,
    focus_B: IntArray,
    ids_L: Sequence[Sequence[int]],
    owner_L: IntArray,
    *,
    subject: Subject = "frame",
) -> Doubles:
    """The sum of -ln p over the words and END of each of L sentences, (L,).

    Args:
        model: its captioner reads the sentences.
        feature_BIF: features of the regions of B photographs.
        focus_B: the region that the sentences are about; the last is the frame.
        ids_L: the sentences, encoded by `Bundle.spoken`.
        owner_L: which of the B photographs each sentence is about.
        subject: which captioner reads.

    Raises:
        ValueError: the bundle has no captioner for `subject`.
    """
    captioner = model.captioner(subject)

    # The longest sentences come first, so the unfinished ones are the first rows of every array.
    order_L = np.argsort([-len(ids) for ids in ids_L], kind="stable")
    target_LT, real_LT = text.pad([[*ids_L[n], text.END] for n in order_L])
    state = tuple(array_B[owner_L[order_L]] for array_B in captioner.start(feature_BIF, focus_B))

    nats_L, token_L = np.zeros(len(ids_L)), np.full(len(ids_L), captioner.first_token)
    for target_L, unfinished in zip(np.ascontiguousarray(target_LT.T), real_LT.sum(axis=0), strict=True):
        logp_LV, state = captioner.step(
            token_L[:unfinished], tuple(array_L[:unfinished] for array_L in state)
        )
        nats_L[order_L[:unfinished]] -= logp_LV[np.arange(unfinished), target_L[:unfinished]]
        token_L = target_L
    return nats_L
