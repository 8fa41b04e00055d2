"""The model for `torch.hub`: `torch.hub.load(REPOSITORY, "dvsa")` gives what `dvsa.load()` gives."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dvsa import Model

dependencies = ["numpy", "PIL", "onnxruntime", "numkong"]
"""What `torch.hub` checks before it loads."""


def dvsa(
    bundle: str | None = None, *, revision: str | None = None, threads: int = 0, digest: str | None = None
) -> "Model":
    """A model; the package is that of this repository, unless one is installed.

    Args:
        bundle: a folder, or `USER/NAME` on Hugging Face's hub; the shipped bundle if None.
        revision: of a bundle on the hub.
        threads: how many threads each network may use; 0 lets ONNX Runtime choose.
        digest: the digest that the bundle must have; None accepts any.
    """
    try:
        from dvsa import load
    except ModuleNotFoundError as error:
        if error.name != "dvsa":
            raise
        sys.path.append(str(Path(__file__).resolve().parent / "src"))
        from dvsa import load
    return load(bundle, revision=revision, threads=threads, digest=digest)
