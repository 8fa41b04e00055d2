"""What a bundle scores on a split of a data set: ranking, captions, phrases of regions, grounding.

Each kind gives a dictionary for JSON: recalls in percent, caption scores times 100, and under `ci95` the 95 %
interval of every figure over photographs. Kinds that depend on more than the bundle say so under `settings`.
"""

from dvsa.evaluation.encoding import Encoded, Progress, Report, encode
from dvsa.evaluation.localisation import grounding, word_accuracy
from dvsa.evaluation.retrieval import ranking
from dvsa.evaluation.writing import captions, regions

__all__ = [
    "Encoded",
    "Progress",
    "Report",
    "captions",
    "encode",
    "grounding",
    "ranking",
    "regions",
    "word_accuracy",
]
