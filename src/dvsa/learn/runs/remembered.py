"""The data that a model has learned from, which is read again when it is continued."""

from collections.abc import Sequence
from pathlib import Path

from dvsa.data import Dataset, Example, load
from dvsa.data.exposure import PhotoExposure, content_digest
from dvsa.learn.loop.progress import progress
from dvsa.learn.runs.warm_start import WarmStart


def remembered(folder: Path | None, warm_start: WarmStart | None, *, quiet: bool = False) -> Dataset | None:
    """The data set that the continued bundle has learned from; None if there is no folder or no bundle.

    Raises:
        ValueError: the bundle has not learned from it, or takes features in place of photographs.
    """
    if folder is None or warm_start is None:
        return None
    warm_start.bundle.require_eye()
    data = load(folder).divided()
    data.with_sentences()
    name = f"bundle {warm_start.bundle.manifest.name}"
    require_learned(data.split("train", restval=True), warm_start.bundle.seen(), name, quiet=quiet)
    return data


def require_learned(
    examples: Sequence[Example], seen: PhotoExposure | None, name: str, *, quiet: bool = False
) -> None:
    """Raise ValueError unless a model was trained on all of these photographs.

    Args:
        examples: the photographs. They are compared by content, since two data sets may use the same names.
        seen: what the model was trained on.
        name: of the model, for the error.
        quiet: whether to hide the progress bar.
    """
    strange = []
    with progress("comparing photographs", len(examples), quiet=quiet) as advance:
        for example in examples:
            if seen is None or seen.contents.get(content_digest(example)) != "train":
                strange.append(example.name)
            advance(1)
    if strange:
        others = f" and {len(strange) - 1:,} others" if len(strange) > 1 else ""
        raise ValueError(f"{name} has not learned from {strange[0]}{others}: give what it has learned from")
