"""Deep visual-semantic alignments: which words of a sentence describe which part of a photograph.

>>> import dvsa
>>> model = dvsa.load()
>>> view = model.open("examples/cat.jpg")
>>> view.caption().text
'a cat is sitting on a wall'
>>> [segment.text for segment in view.align("a cat sits on a stone wall").segments]
['a cat', 'sits on a stone', 'wall']
"""

from importlib import import_module
from typing import TYPE_CHECKING

from dvsa.records import Alignment, Caption, Description, Phrase, Region, Segment, Word
from dvsa.version import VERSION

if TYPE_CHECKING:
    from dvsa.captioning import sampler
    from dvsa.manifest import BundleError
    from dvsa.model import Model, View, load
    from dvsa.photo import PhotoError
    from dvsa.sentence import Sentence
    from dvsa.teaching import forget, teach

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
    "Sentence",
    "View",
    "Word",
    "forget",
    "load",
    "sampler",
    "teach",
]
__version__ = VERSION

_HOMES = {
    "BundleError": "dvsa.manifest",
    "Model": "dvsa.model",
    "PhotoError": "dvsa.photo",
    "Sentence": "dvsa.sentence",
    "View": "dvsa.model",
    "forget": "dvsa.teaching",
    "load": "dvsa.model",
    "sampler": "dvsa.captioning",
    "teach": "dvsa.teaching",
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import names that need numpy or ONNX Runtime on first use, so that `import dvsa` is quick."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOMES[name]), name)
