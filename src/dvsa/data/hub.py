"""Data sets of Hugging Face's hub, `hf:NAME` or `hf:NAME/CONFIG`; fetching them needs the extra `hub`.

The hub keeps every public data set as Parquet files, in a folder for each configuration and split. These
files are fetched into the cache of `huggingface_hub`, and read like any folder of Parquet files. No code of a
data set runs. Without a network (`HF_HUB_OFFLINE=1`) the cache is used.
"""

from pathlib import Path

from dvsa.data.dataset import DataError

_PREFIX = "hf:"
_CONVERTED = "refs/convert/parquet"
_KNOWN = ("flickr8k", "flickr30k", "coco")
_PATTERNS = ("*.parquet", "*.csv", "*.tsv", "*.jsonl", "*.json", "*.txt", "*.tar", "*.arrow")
_PICTURES = ("*.jpg", "*.jpeg", "*.png", "*.webp")


def is_address(root: str | Path) -> bool:
    """Whether a data set is named by its address on the hub.

    >>> is_address("hf:jxie/flickr8k"), is_address("photographs")
    (True, False)
    """
    return str(root).startswith(_PREFIX)


def parts(address: str | Path) -> tuple[str, str]:
    """The name of a data set on the hub, and its configuration; empty for the default one.

    Raises:
        DataError: the address has another form.

    >>> parts("hf:jxie/flickr8k"), parts("hf:user/name/config")
    (('jxie/flickr8k', ''), ('user/name', 'config'))
    """
    names = str(address).removeprefix(_PREFIX).split("/")
    if not 2 <= len(names) <= 3 or not all(names):
        raise DataError(f"{address}: write hf:USER/NAME, or hf:USER/NAME/CONFIG")
    return "/".join(names[:2]), "/".join(names[2:])


def title(address: str | Path) -> str:
    """The data set's name: that of the data set of which it is a copy, if its name says so.

    >>> title("hf:jxie/flickr8k"), title("hf:user/My-Cats")
    ('flickr8k', 'My-Cats')
    """
    name = parts(address)[0].rpartition("/")[2]
    return next((known for known in _KNOWN if known in name.casefold().replace("-", "")), name)


def fetch(address: str | Path) -> Path:
    """Fetch a data set, or find it in the cache; its folder.

    Raises:
        DataError: `huggingface_hub` is missing, there is no such data set, or it cannot be fetched.
    """
    name, config = parts(address)
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import RevisionNotFoundError
    except ImportError as error:
        raise DataError(f"{address}: fetching it needs huggingface_hub: pip install 'dvsa[hub]'") from error

    try:
        try:
            config = config or _default_configuration(name)
            allowed = [f"{config or '*'}/*.parquet"]
            folder = snapshot_download(name, repo_type="dataset", revision=_CONVERTED, allow_patterns=allowed)
        except RevisionNotFoundError:  # a private data set, or one that the hub could not convert
            allowed = [f"{config}/*"] if config else [*_PATTERNS, *_PICTURES]
            folder = snapshot_download(name, repo_type="dataset", allow_patterns=allowed)
            return _inside(Path(folder), config, address) if config else Path(folder)
    except Exception as error:  # those of the library and of what it uses for HTTP have no common base
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise DataError(f"{address} cannot be fetched ({reason}): check its name and the network") from error
    return _inside(Path(folder), config, address)


def _default_configuration(name: str) -> str:
    """The configuration to read if none is named; empty if there are several, or no network."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RevisionNotFoundError

    try:
        files = HfApi().list_repo_files(name, repo_type="dataset", revision=_CONVERTED)
    except RevisionNotFoundError:
        raise
    except Exception:  # without a network, also those of the library for HTTP
        return ""  # whatever the cache has
    return _only({file.partition("/")[0] for file in files if file.endswith(".parquet")})


def _only(names: set[str]) -> str:
    return "default" if "default" in names else names.pop() if len(names) == 1 else ""


def _inside(folder: Path, config: str, address: str | Path) -> Path:
    """The folder of a configuration; raises DataError if there is none of its name."""
    names = {path.name for path in folder.iterdir() if path.is_dir()}
    config = config or _only(names)
    if config not in names:
        known = ", ".join(sorted(names)) or "none"
        raise DataError(f"{address}: name one of its configurations, as in hf:USER/NAME/CONFIG: {known}")
    return folder / config
