"""Deep visual-semantic alignments: which words speak of which part of a photograph.

import dvsa

model = dvsa.load()
view = model.open("dog.jpg")
print(view.caption().text)
print(view.align("a dog leaps over a log").segments)
"""

from dvsa.bundle import BundleError
from dvsa.model import Model, View, load, sampler
from dvsa.photo import PhotoError
from dvsa.records import Alignment, Caption, Description, Phrase, Region, Segment, Word

__all__ = [
    "Alignment",
    "BundleError",
    "Caption",
    "Description",
    "Model",
    "PhotoError",
    "Phrase",
    "Region",
    "Segment",
    "View",
    "Word",
    "load",
    "sampler",
]
__version__ = "0.1.0"
