"""What a bundle scores on a split of a data set: ranking, captions, phrases of regions, grounding.

Each kind gives a dictionary for JSON: recalls in percent, caption scores times 100, and under `ci95` the 95 %
interval of every figure over photographs. Kinds that depend on more than the bundle say so under `settings`.
Beside it stands the evidence, by which two systems can be compared. `protocol.check` goes before them all.
"""

from dvsa.evaluation.comparison import compare
from dvsa.evaluation.encoding import Encoded, Progress, Report, encode
from dvsa.evaluation.evidence import Evidence, Judged
from dvsa.evaluation.localisation import grounding, word_accuracy
from dvsa.evaluation.retrieval import ranking
from dvsa.evaluation.writing import captions, regions

__all__ = [
    "Encoded",
    "Evidence",
    "Judged",
    "Progress",
    "Report",
    "captions",
    "compare",
    "encode",
    "grounding",
    "ranking",
    "regions",
    "word_accuracy",
]
