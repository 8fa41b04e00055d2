"""Tiny data sets in the layouts of the real ones, written by the tests."""

import gzip
import io
import json
import lzma
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Picture = Callable[[int], bytes]
Files = Callable[[Path, Mapping[str, bytes | str]], Path]
Tar = Callable[[Path, Mapping[str, bytes]], Path]
Karpathy = Callable[[Sequence[tuple[str, str, Sequence[str]]]], str]


@pytest.fixture(scope="session")
def picture() -> Picture:
    """A different small JPEG for each number."""

    def make(number: int) -> bytes:
        pixels = np.random.default_rng(number).integers(0, 256, (8, 10, 3), dtype=np.uint8)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG")
        return file.getvalue()

    return make


@pytest.fixture(scope="session")
def write_files() -> Files:
    """Write files, by their path from a folder."""

    def write(folder: Path, files: Mapping[str, bytes | str]) -> Path:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return folder

    return write


@pytest.fixture(scope="session")
def write_tar() -> Tar:
    """Write a tar file; compressed if its name ends in .xz or .gz."""

    def write(path: Path, files: Mapping[str, bytes]) -> Path:
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w:") as archive:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        data = file.getvalue()
        path.write_bytes({".xz": lzma.compress(data), ".gz": gzip.compress(data)}.get(path.suffix, data))
        return path

    return write


@pytest.fixture(scope="session")
def karpathy() -> Karpathy:
    """A Karpathy JSON of (photograph, split, sentences)."""

    def make(images: Sequence[tuple[str, str, Sequence[str]]]) -> str:
        return json.dumps(
            {
                "dataset": "any",
                "images": [
                    {
                        "filename": name,
                        "filepath": "val2014",
                        "split": split,
                        "sentences": [{"raw": s, "tokens": s.lower().split()} for s in sentences],
                    }
                    for name, split, sentences in images
                ],
            }
        )

    return make
