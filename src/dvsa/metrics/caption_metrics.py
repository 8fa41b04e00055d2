"""The caption metrics of `captions.score`, except METEOR, which needs Java.

To add a metric, write its module and add it to `CAPTION_METRICS`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dvsa.arrays import Doubles
from dvsa.metrics.bleu import bleu, bleu_statistics
from dvsa.metrics.cider import cider
from dvsa.metrics.ngrams import Tokens
from dvsa.metrics.rouge import rouge_l


@dataclass(frozen=True, slots=True)
class CaptionMetric:
    """A metric whose figures follow from statistics of each photograph."""

    statistics: Callable[[Sequence[Sequence[Tokens]], Sequence[Tokens]], Doubles]
    """From the references and the hypotheses of K photographs to an array with K rows."""
    figures: Callable[[Doubles], dict[str, float]]
    """From the rows of some photographs to the figures, by name, in [0, 1] or as the field has them."""


def bleu_figures(statistics_N10: Doubles) -> dict[str, float]:
    """BLEU with and without brevity penalty; the literature has both variants.

    >>> import numpy as np
    >>> list(bleu_figures(np.ones((3, 10))))[3:5]
    ['BLEU-4', 'BLEU-1 no BP']
    """
    counts_10 = statistics_N10.sum(axis=0)
    return {
        f"BLEU-{order}{mark}": value
        for mark, brevity_penalty in (("", True), (" no BP", False))
        for order, value in enumerate(bleu(counts_10, brevity_penalty=brevity_penalty), start=1)
    }


def mean_as(name: str) -> Callable[[Doubles], dict[str, float]]:
    """The figure of a metric that is the mean over photographs.

    >>> import numpy as np
    >>> mean_as("ROUGE-L")(np.array([0.25, 0.75]))
    {'ROUGE-L': 0.5}
    """
    return lambda score_N: {name: float(score_N.mean())}


CAPTION_METRICS: Mapping[str, CaptionMetric] = {
    "BLEU": CaptionMetric(bleu_statistics, bleu_figures),
    "ROUGE-L": CaptionMetric(rouge_l, mean_as("ROUGE-L")),
    "CIDEr": CaptionMetric(cider, mean_as("CIDEr")),
}
"""By the name of their statistics."""
