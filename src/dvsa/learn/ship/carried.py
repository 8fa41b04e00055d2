"""What a bundle carries of what it has learned from, to be replayed by a training that continues it."""

from dvsa.data import Dataset, exposure
from dvsa.learn.runs.memory import REPLAYED, last_alignment
from dvsa.learn.runs.onnx_file import as_stored
from dvsa.learn.runs.remembered import require_learned
from dvsa.learn.runs.run import Run
from dvsa.learn.tasks.replay import Replay


def carried(run: Run, data: Dataset, *, count: int = REPLAYED, quiet: bool = False) -> Replay:
    """Features and sentences of `count` photographs that a run has learned from.

    Args:
        run: a finished run on photographs.
        data: what it has learned from; its training split is used.
        count: how many photographs.
        quiet: whether to hide progress bars.

    Raises:
        ValueError: the run has not learned from this data, or not from photographs, or has no alignment.
    """
    stage = last_alignment(run.recipe)
    if stage is None or run.recipe.vision.given_features:
        raise ValueError(f"{run.folder} has no alignment of photographs: export it without --replay")
    examples = data.split("train", restval=True)
    seen = exposure.PhotoExposure.read(run.folder / exposure.PHOTOS_FILE)
    require_learned(examples, seen, str(run.folder), quiet=quiet)

    # The features are those of the bundle, whose weights are in half precision.
    vision = as_stored(run.joint_model()).vision
    return Replay.of(vision, examples, stage.proposer, stage.nms, count=count, quiet=quiet)
