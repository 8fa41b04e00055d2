"""Deep visual-semantic alignments: which words of a sentence describe which part of a photograph.

import dvsa

model = dvsa.load()
view = model.open("dog.jpg")
print(view.caption().text)
print(view.align("a dog leaps over a log").segments)
"""

from importlib import import_module
from typing import TYPE_CHECKING

from dvsa.records import Alignment, Caption, Description, Phrase, Region, Segment, Word

if TYPE_CHECKING:
    from dvsa.captioning import sampler
    from dvsa.manifest import BundleError
    from dvsa.model import Model, View, load
    from dvsa.photo import PhotoError

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

_HOMES = {
    "BundleError": "dvsa.manifest",
    "Model": "dvsa.model",
    "PhotoError": "dvsa.photo",
    "View": "dvsa.model",
    "load": "dvsa.model",
    "sampler": "dvsa.captioning",
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import names that need numpy or ONNX Runtime on first use, so that `import dvsa` is quick."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOMES[name]), name)
