"""A file of weights for a backbone."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from safetensors import SafetensorError, safe_open

from dvsa.learn.nets.backbones.backbone import Backbone


@dataclass(frozen=True, slots=True)
class BackboneWeights:
    """A safetensors file, by its content."""

    path: Path
    sha256: str
    """Of the file's content, in hexadecimal."""

    @classmethod
    def open(cls, path: Path) -> Self:
        """The file at `path`.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is not a safetensors file. Other formats may run code, so they are not read.
        """
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        try:
            with safe_open(path, framework="pt"):
                return cls(path, sha256)
        except SafetensorError as error:
            raise ValueError(
                f"{path} is not a safetensors file ({error}): write its tensors with "
                "safetensors.torch.save_file"
            ) from error

    def load_into(self, backbone: Backbone, name: str) -> None:
        """Load the weights into the backbone called `name`.

        Raises:
            ValueError: they belong to another network; the message names the file and a weight.
        """
        with safe_open(self.path, framework="pt") as file:
            weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        bad = [key for key, weight in weights.items() if not weight.isfinite().all()]
        if bad:
            raise ValueError(f"{self.path}: the weight {min(bad)} has NaN or infinite values")
        try:
            backbone.load(weights)
        except ValueError as error:
            raise ValueError(f"{self.path} is not of the backbone {name}: {error}") from error
