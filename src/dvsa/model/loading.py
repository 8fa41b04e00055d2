"""Loading a model by the name of its bundle."""

from pathlib import Path

from dvsa.bundle import Bundle
from dvsa.model.model import Model


def load(
    bundle: str | Path | None = None,
    *,
    revision: str | None = None,
    threads: int = 0,
    digest: str | None = None,
) -> Model:
    """Load the shipped model, the one in a folder, or one of Hugging Face's hub (with the extra `hub`).

    Args:
        bundle: the folder of a bundle, or `USER/NAME` or `USER/NAME@REVISION` on the hub; the shipped bundle
            if None. A local folder of that name comes first; `hf:USER/NAME` is always the hub.
        revision: a branch, a tag or a commit of a bundle on the hub; the newest if None.
        threads: how many threads each network may use; 0 lets ONNX Runtime choose.
        digest: the digest that the bundle must have, as `dvsa doctor` shows it; None accepts any.

    Raises:
        BundleError: the bundle is missing or damaged, cannot be fetched, or has another digest.

    >>> import dvsa
    >>> dvsa.load().bundle.manifest.name
    'flickr8k'
    """
    return Model(Bundle.open(bundle, revision=revision, threads=threads, digest=digest))
