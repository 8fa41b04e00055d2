"""Check an installation: versions, the digests of the bundle, and the output for a known picture."""

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from PIL import Image

from dvsa.bundle import Bundle
from dvsa.manifest import BundleError, Probe
from dvsa.model import Model
from dvsa.photo import Photo

TOLERANCE = 1e-3
"""Allowed difference of a score: relative to the recorded score, or absolute if that is below 1."""

PACKAGES = ("dvsa", "numpy", "pillow", "onnxruntime", "numkong")


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check."""

    name: str
    ok: bool
    detail: str
    """What was found, and what to do if it is wrong."""


def examine(folder: str | Path | None = None) -> tuple[Check, ...]:
    """Check the installation and a bundle, the shipped one if `folder` is None.

    A missing or damaged bundle is a failed check, not an error.
    """
    checks = [Check("python", True, platform.python_version())]
    checks += [Check(name, True, version(name)) for name in PACKAGES]
    checks.append(Check("torch", True, _torch()))

    try:
        bundle = Bundle.open(folder)
    except (BundleError, OSError) as error:
        return (*checks, Check("bundle", False, str(error)))

    manifest = bundle.manifest
    detail = f"{manifest.name} in {bundle.folder}, {len(manifest.files)} files as recorded"
    checks += [Check("bundle", True, detail), Check("digest", True, bundle.digest)]
    return (*checks, _compare(manifest.probe, probe(Model(bundle))))


def probe_photo() -> Photo:
    """A picture computed from integers, so that it is the same on every machine: colours and a white disc."""
    y_HW, x_HW = np.mgrid[:240, :320]
    pixels_HWC = np.stack([x_HW * 4 // 5, y_HW, (x_HW ^ y_HW) & 255], axis=-1).astype(np.uint8)
    pixels_HWC[(x_HW - 200) ** 2 + (y_HW - 130) ** 2 < 60**2] = 255
    return Photo("probe", Image.fromarray(pixels_HWC), 320, 240)


def probe(model: Model) -> Probe:
    """The caption of the probe picture, empty without a captioner, and its score with ten words."""
    view = model.open(probe_photo())
    sentence = " ".join(model.bundle.vocabulary.words[:10])
    caption = view.caption().text if "frame" in model.bundle.manifest.voices else ""
    return Probe(caption, view.score(sentence))


def _compare(wanted: Probe | None, found: Probe) -> Check:
    """Compare the output for the probe picture with the recorded output."""
    detail = f"{found.caption!r}, score {found.score:.4f}"
    if wanted is None:
        return Check("known picture", False, f"{detail}; the bundle has no recorded output: export it again")
    gap = abs(found.score - wanted.score)
    if found.caption == wanted.caption and gap <= TOLERANCE * max(1.0, abs(wanted.score)):
        return Check("known picture", True, detail)
    was = f"{wanted.caption!r}, score {wanted.score:.4f}"
    return Check("known picture", False, f"{detail}; recorded was {was}: install numpy and onnxruntime again")


def _torch() -> str:
    try:
        return version("torch")
    except PackageNotFoundError:
        return "not installed; only training needs it"
