"""Bundles on Hugging Face's hub, `USER/NAME` or `USER/NAME@REVISION`; these need the extra `hub`.

A bundle is a repository with the files of its folder. Only the files that its manifest lists are fetched, all
of one commit, into the cache of `huggingface_hub`. No code of a repository runs. Without a network
(`HF_HUB_OFFLINE=1`) the cache is used. `dvsa.bundle` verifies the digest of every file, wherever it is.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from dvsa.manifest import MANIFEST, BundleError, BundleManifest

PREFIX: Final = "hf:"
"""Before an address that is never a local folder."""

_ADDRESS: Final = re.compile(r"(?:hf:)?([\w.-]+/[\w.-]+)(?:@([^@\s]+))?", re.ASCII)
_LOGIN: Final = "log in with `hf auth login`, or set HF_TOKEN"
_log = logging.getLogger("dvsa")


class Address(NamedTuple):
    """A bundle on the hub."""

    name: str
    """`USER/NAME`."""
    revision: str | None = None
    """A branch, a tag or a commit; None for the newest."""

    def __str__(self) -> str:
        return self.name if self.revision is None else f"{self.name}@{self.revision}"

    @classmethod
    def parse(cls, text: str) -> "Address | None":
        """The address in a text; None if it has another form, such as a path.

        >>> Address.parse("user/name@v1"), Address.parse("hf:user/name"), Address.parse("./bundle")
        (Address(name='user/name', revision='v1'), Address(name='user/name', revision=None), None)
        """
        match = _ADDRESS.fullmatch(text)
        if match is None or {".", ".."} & {*match[1].split("/")}:
            return None
        return cls(match[1], match[2])


def folder(bundle: str | Path, revision: str | None = None) -> Path:
    """The folder of a bundle that is named by its path or by its address on the hub; fetched if needed.

    A local folder comes first: if a text is both, the folder is used and a warning is logged. `hf:USER/NAME`
    is always the hub, and a `Path` always local.

    Args:
        bundle: a path, or `USER/NAME`, or `USER/NAME@REVISION`, with or without `hf:` before it.
        revision: a branch, a tag or a commit of a bundle on the hub; the newest if None.

    Raises:
        BundleError: the bundle cannot be fetched, a revision is given for a local folder, or two are given.

    >>> from pathlib import Path
    >>> folder("/models/mine") == Path("/models/mine")
    True
    """
    address = Address.parse(bundle) if isinstance(bundle, str) else None
    if address is None and str(bundle).startswith(PREFIX):
        raise BundleError(f"{bundle} is no address: write hf:USER/NAME, or hf:USER/NAME@REVISION")
    if address is None or (not str(bundle).startswith(PREFIX) and Path(bundle).is_dir()):
        if revision is not None:
            raise BundleError(f"{bundle} is a local folder, which has no revision {revision}")
        if address is not None:
            _log.warning("%s: using the local folder; write hf:%s for the hub", bundle, bundle)
        return Path(bundle)

    if revision is not None:
        if address.revision not in (None, revision):
            raise BundleError(f"{address} names another revision than {revision}: give one of them")
        address = address._replace(revision=revision)
    return fetch(address)


def fetch(address: Address) -> Path:
    """Fetch a bundle, or find it in the cache; its folder there.

    Raises:
        BundleError: `huggingface_hub` is missing, or there is no such bundle, or it cannot be fetched.
    """
    with _one_line(address, "cannot be fetched"):
        from huggingface_hub import hf_hub_download, snapshot_download

        path = Path(hf_hub_download(address.name, MANIFEST, revision=address.revision))
        manifest = BundleManifest.load(path)
        # The folder of the manifest has the name of its commit: the other files come from the same one.
        return Path(
            snapshot_download(
                address.name, revision=path.parent.name, allow_patterns=[MANIFEST, *manifest.files]
            )
        )


def push(
    content: Mapping[str, bytes], address: Address, *, private: bool = False, message: str = "Add a bundle"
) -> str:
    """Upload the files of a bundle as one commit; the address with that commit.

    The repository is made if it is missing. Files of it that the bundle does not have stay.

    Args:
        content: of every file, by name.
        address: where to; its revision, if any, is the branch.
        private: whether a new repository is private; one that exists stays as it is.
        message: of the commit.

    Raises:
        BundleError: `huggingface_hub` is missing, or the hub refuses.
    """
    with _one_line(address, "cannot be pushed"):
        from huggingface_hub import CommitOperationAdd, HfApi

        api = HfApi(library_name="dvsa")
        api.create_repo(address.name, private=private, exist_ok=True)
        done = api.create_commit(
            address.name,
            [CommitOperationAdd(name, data) for name, data in content.items()],
            commit_message=message,
            revision=address.revision,
        )
    return f"{address.name}@{done.oid}"


@contextmanager
def _one_line(address: Address, failed: str) -> Iterator[None]:
    """Turn the library's errors into a BundleError of one line."""
    try:
        import huggingface_hub  # noqa: F401
    except ImportError as error:
        what = f"{address} is no local folder" if failed == "cannot be fetched" else f"{address} {failed}"
        raise BundleError(f"{what}; the hub needs huggingface_hub: pip install 'dvsa[hub]'") from error

    try:
        yield
    except BundleError:
        raise
    except Exception as error:  # those of the library and of what it uses for HTTP have no common base
        raise BundleError(f"{address} {failed}: {_reason(error, address)}") from error


def _reason(error: Exception, address: Address) -> str:
    """What went wrong, and what to do."""
    from huggingface_hub import errors

    match error:
        case errors.GatedRepoError():
            return f"its owner must admit you: ask on its page, and {_LOGIN}"
        case errors.RepositoryNotFoundError():
            return f"there is no such folder, and no such model on the hub, or it is private: {_LOGIN}"
        case errors.RevisionNotFoundError():
            return f"it has no revision {address.revision or 'main'}"
        case errors.LocalEntryNotFoundError() | errors.OfflineModeIsEnabled():
            return "the hub cannot be reached, and the cache does not have it: check the name and the network"
        case errors.EntryNotFoundError():
            return f"it is no bundle of dvsa: it has no {MANIFEST}"
        case errors.HfHubHTTPError(response=response) if response.status_code in (401, 403):
            return f"the hub refuses it ({response.status_code}): {_LOGIN}"
    return " ".join(str(error).split("\n")[0].split()) or type(error).__name__
