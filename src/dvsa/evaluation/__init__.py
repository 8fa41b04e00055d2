"""Evaluations of a bundle on a split of a data set: ranking, captions, phrases of regions, grounding.

Each evaluation returns a `dvsa.metrics.figures.Report`: recalls in percent and caption scores times 100, with
95% intervals over photographs, and the settings that the figures depend on. With it comes the evidence, by
which two systems can be compared. Call `protocol.check` before any evaluation.
"""

from dvsa.evaluation.comparison import Comparison, compare
from dvsa.evaluation.encoding import Encoded, Progress, encode
from dvsa.evaluation.evidence import Evidence, Judged
from dvsa.evaluation.localisation import grounding, word_accuracy
from dvsa.evaluation.retrieval import ranking
from dvsa.evaluation.writing import captions, regions

__all__ = [
    "Comparison",
    "Encoded",
    "Evidence",
    "Judged",
    "Progress",
    "captions",
    "compare",
    "encode",
    "grounding",
    "ranking",
    "regions",
    "word_accuracy",
]
