"""The files of a bundle: what is read has the size and the digest that the manifest says."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from dvsa import files
from dvsa.manifest import FILE_NAME, MANIFEST, BundleError, BundleManifest, FileRecord

VOCABULARY_FILE: Final = "vocabulary.tsv"


def verified_content(folder: Path, name: str, records: Mapping[str, FileRecord]) -> bytes:
    """The content of a file of a bundle; these very bytes have the recorded size and digest.

    Raises:
        BundleError: the manifest does not list the file, or its content is another one.
    """
    if name not in records:
        raise BundleError(f"{folder / MANIFEST} names no file {name}: export the bundle again")
    if not re.fullmatch(FILE_NAME, name):
        raise BundleError(f"{folder / MANIFEST} names {name!r}, which is outside of the bundle")

    record, path, remedy = records[name], folder / name, "install or export the bundle again"
    try:
        content = files.read_bounded(path, record.bytes)
    except OSError as error:
        raise BundleError(f"{path} is missing ({error.strerror}): {remedy}") from error
    except files.UnreadableError as error:
        raise BundleError(f"{path}: {error}: {remedy}") from error

    found = hashlib.sha256(content).hexdigest()
    if found != record.sha256:
        raise BundleError(
            f"{path} is damaged: its SHA-256 begins {found[:12]}, not {record.sha256[:12]}; {remedy}"
        )
    return content


def verify(folder: Path) -> BundleManifest:
    """The manifest of a bundle; raises BundleError unless every file has its recorded digest.

    >>> from dvsa.bundle import shipped
    >>> verify(shipped()).embedding
    256
    """
    manifest = BundleManifest.load(folder / MANIFEST)
    verify_files(folder, manifest)
    return manifest


def verify_files(folder: Path, manifest: BundleManifest) -> None:
    """Raise BundleError unless all files that a model needs are listed, and all listed are as recorded."""
    graphs = ["encode", "sentence"] if manifest.given_features else ["look", "encode", "sentence"]
    if manifest.crops is not None:
        graphs.append("crop")
    graphs += [f"{voice.graphs}.{part}" for voice in manifest.voices.values() for part in ("start", "step")]

    for name in (VOCABULARY_FILE, *(f"{graph}.onnx" for graph in graphs)):
        if name not in manifest.files:
            raise BundleError(f"{folder / MANIFEST} does not list {name}: export the bundle again")
    for name in manifest.files:
        verified_content(folder, name, manifest.files)
