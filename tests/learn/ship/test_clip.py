"""A tiny CLIP with random weights, read from its folder, against transformers used literally."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file

from dvsa.learn.ship.clip import Clip
from dvsa.photo import Photo

TEXTS = ["a dog", "a red dog runs", "dog " * 50]


def photos() -> list[Photo]:
    rng = np.random.default_rng(0)
    shapes = ((40, 50, 3), (90, 33, 3))
    pictures = [Image.fromarray(rng.integers(256, size=shape, dtype=np.uint8)) for shape in shapes]
    return [Photo(f"{n}.png", picture, *picture.size) for n, picture in enumerate(pictures)]


def test_vectors_are_those_of_transformers(clip_folder: Path) -> None:
    clip = Clip(clip_folder, "cpu")
    assert clip.name == "tiny-clip"
    net = transformers.CLIPModel.from_pretrained(clip_folder)
    net.train(False)
    tokenizer = transformers.CLIPTokenizer.from_pretrained(clip_folder)
    processor = transformers.CLIPImageProcessorPil.from_pretrained(clip_folder)
    with torch.no_grad():
        for photo, v_D in zip(photos(), clip.images(photos()), strict=True):
            pixels = processor(images=photo.image, return_tensors="pt")["pixel_values"]
            wanted = net.visual_projection(net.vision_model(pixels).pooler_output)[0]
            np.testing.assert_allclose(v_D, wanted, atol=1e-5)
        for text, v_D in zip(TEXTS, clip.texts(TEXTS), strict=True):
            given = tokenizer(text, truncation=True, max_length=20, return_tensors="pt")
            wanted = net.text_projection(net.text_model(**given).pooler_output)[0]
            np.testing.assert_allclose(v_D, wanted, atol=1e-5)
    assert np.abs(clip.texts(TEXTS)[0] - clip.texts(TEXTS)[1]).max() > 1e-3


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json", "model.safetensors"])
def test_a_folder_that_lacks_a_file_is_named(clip_folder: Path, tmp_path: Path, name: str) -> None:
    copy = shutil.copytree(clip_folder, tmp_path / "copy")
    (copy / name).unlink()
    with pytest.raises(ValueError, match=f"copy lacks {name}: fetch its whole folder"):
        Clip(copy, "cpu")


def test_without_a_tokenizer_or_a_folder(clip_folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(clip_folder, tmp_path / "copy")
    for name in ("tokenizer.json", "vocab.json"):
        (copy / name).unlink(missing_ok=True)
    with pytest.raises(ValueError, match=r"copy lacks tokenizer\.json"):
        Clip(copy, "cpu")
    with pytest.raises(ValueError, match="none is not a folder"):
        Clip(tmp_path / "none", "cpu")


def test_weights_are_never_unpickled_and_never_random(clip_folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(clip_folder, tmp_path / "copy")
    weights = load_file(copy / "model.safetensors")
    torch.save(weights, copy / "pytorch_model.bin")
    less = {name: weight for name, weight in weights.items() if name != "text_projection.weight"}
    save_file(less, copy / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match=r"model\.safetensors lacks text_projection\.weight"):
        Clip(copy, "cpu")
    (copy / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ValueError, match=r"the CLIP model .*copy cannot be used: "):
        Clip(copy, "cpu")
    (copy / "model.safetensors").unlink()
    with pytest.raises(ValueError, match=r"lacks model\.safetensors"):
        Clip(copy, "cpu")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"model_type": "bert"}', "the type 'bert': CLIPScore needs one of the type 'clip'"),
        ("{}", "the type None"),
        ("[]", r"config\.json is damaged"),
        ("{", r"config\.json is damaged"),
    ],
)
def test_another_model_is_refused(clip_folder: Path, tmp_path: Path, content: str, message: str) -> None:
    copy = shutil.copytree(clip_folder, tmp_path / "copy")
    (copy / "config.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        Clip(copy, "cpu")


def test_without_transformers_one_line_says_what_to_install(
    clip_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ValueError, match=r"CLIPScore needs the extra: pip install 'dvsa\[transformers\]'"):
        Clip(clip_folder, "cpu")
