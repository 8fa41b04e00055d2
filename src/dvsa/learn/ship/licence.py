"""The licence of a bundle."""

from dvsa.learn.nets import backbones
from dvsa.learn.runs.run import Run

TEXT = """\
The weights in this folder may be used for research and education only.
They were trained on photographs that belong to their authors on Flickr, with the sentences of the data set
that the manifest names. The code of the package has its own licence.
"""

BACKBONE = "The backbone started from {origin}.\n"
GIVEN = "The model takes features of regions from elsewhere; their own licence applies to them.\n"

PRETRAINED = """\
The weights of the sentence encoder {name} were trained elsewhere; their own licence applies to them.
"""


CARRIED = """\
The file replay.safetensors has features and sentences of photographs of that data set, under its licence.
"""


def licence(run: Run, *, carries: bool = False) -> str:
    """The text of LICENCE.txt; it says where the first weights of the run's networks came from.

    Args:
        run: the run.
        carries: whether the bundle carries features and sentences to be replayed.
    """
    vision = run.recipe.vision
    match run.config.get("backbone_weights"):
        case _ if vision.given_features:
            text = TEXT + GIVEN
        case {"file": file}:
            origin = f"the weights in the file {file}; their own licence applies to them"
            text = TEXT + BACKBONE.format(origin=origin)
        case _:
            text = TEXT + BACKBONE.format(origin=backbones.build(vision.backbone, pretrained=False).origin)

    match run.config.get("pretrained_sentence_encoder"):
        case {"name": name}:
            text += PRETRAINED.format(name=name)
    return text + CARRIED if carries else text
