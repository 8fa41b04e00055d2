"""A CLIP model that somebody has, in a folder of Hugging Face's layout, for CLIPScore."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dvsa.arrays import Floats
from dvsa.learn.nets.transformer import library
from dvsa.learn.runs.device import pick_device
from dvsa.photo import Photo

WEIGHTS = "model.safetensors"
FILES = ("config.json", "preprocessor_config.json")


class Clip:
    """Vectors of photographs and of texts. It reads safetensors only, and runs no code of the folder."""

    def __init__(self, folder: Path, device: str | None = None) -> None:
        """Read the model, on a GPU if there is one.

        Raises:
            ValueError: transformers is not installed; the folder lacks a file, has another model, or is
                damaged. The message names the folder.
        """
        self.name = folder.resolve().name
        self._device = pick_device(device)
        _check_files(folder)
        with library("CLIPScore") as transformers:
            try:
                options = {"local_files_only": True}
                self._net, report = transformers.CLIPModel.from_pretrained(
                    folder, use_safetensors=True, dtype=torch.float32, output_loading_info=True, **options
                )
                self._words = transformers.CLIPTokenizer.from_pretrained(folder, **options)
                # Pillow resizes, as where the metric was published.
                self._pictures = transformers.CLIPImageProcessorPil.from_pretrained(folder, **options)
            except Exception as error:  # transformers raises exceptions of many kinds for damaged files
                reason = str(error).strip().partition("\n")[0] or type(error).__name__
                raise ValueError(f"the CLIP model {folder} cannot be used: {reason}") from error

        # Weights that the file lacks would be random.
        lacking = sorted(name for name in report["missing_keys"] if not name.endswith("position_ids"))
        if lacking:
            raise ValueError(f"the CLIP model {folder} cannot be used: {WEIGHTS} lacks {lacking[0]}")
        self._net.eval().to(self._device)

    def images(self, photos: Sequence[Photo]) -> Floats:
        """The vectors of photographs, (N, D)."""
        pixels = self._pictures(images=[photo.image for photo in photos], return_tensors="pt")["pixel_values"]
        return self._vectors(lambda: self._net.get_image_features(pixel_values=pixels.to(self._device)))

    def texts(self, texts: Sequence[str]) -> Floats:
        """The vectors of texts, (N, D); what is longer than the model can read is cut off."""
        most = self._net.config.text_config.max_position_embeddings
        given = self._words(list(texts), padding=True, truncation=True, max_length=most, return_tensors="pt")
        return self._vectors(lambda: self._net.get_text_features(**given.to(self._device)))

    def _vectors(self, compute: Callable[[], object]) -> Floats:
        with torch.no_grad():
            found = compute()
        # Newer versions of transformers wrap the vectors.
        vectors = found if isinstance(found, Tensor) else getattr(found, "pooler_output", None)
        assert isinstance(vectors, Tensor)
        v_ND: Floats = vectors.float().cpu().numpy().astype(np.float32)
        return v_ND


def _check_files(folder: Path) -> None:
    """Refuse a folder that lacks a file, or has another model."""
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder: name the folder of a CLIP model")
    missing = [name for name in FILES if not (folder / name).is_file()]
    if not (folder / WEIGHTS).is_file() and not (folder / f"{WEIGHTS}.index.json").is_file():
        missing.append(WEIGHTS)
    if not (folder / "tokenizer.json").is_file() and not (folder / "vocab.json").is_file():
        missing.append("tokenizer.json")
    if missing:
        raise ValueError(f"the CLIP model {folder} lacks {missing[0]}: fetch its whole folder")
    try:
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    except (ValueError, AttributeError) as error:
        raise ValueError(f"{folder / 'config.json'} is damaged ({error}): fetch it again") from error
    if kind != "clip":
        raise ValueError(f"{folder} has a model of the type {kind!r}: CLIPScore needs one of the type 'clip'")
