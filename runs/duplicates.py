"""What the rule for near duplicates finds: copies that this script makes, and pairs of other photographs.

    python runs/duplicates.py DATA OUT [--bundle FOLDER]

From every tenth photograph of a split come copies of each kind: smaller, saved again, brighter, grey, cut,
moved as in a burst, turned. Each copy is compared with all photographs of the split. Recall is the share of
copies that are paired with their photograph; precision is the share of all pairs found, among copies and
among the photographs themselves, that are such pairs. The constants of `dvsa.index.near` were chosen on val:
rules of a grid that are a little looser have no wrong pair there either.

OUT gets duplicates.json, with the wrong pairs of every rule of the grid on val.
"""

import io
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import script
from PIL import Image, ImageEnhance

from dvsa.arrays import Floats
from dvsa.bundle import Bundle
from dvsa.data import Example, load
from dvsa.evaluation import protocol
from dvsa.index import near
from dvsa.model import Model
from dvsa.photo import Photo, read

EVERY = 10
"""One photograph of so many is copied."""

Edit = Callable[[Image.Image], Image.Image]


def cut(left: float, top: float, right: float, bottom: float) -> Edit:
    """The part of a picture between shares of its sides."""
    return lambda image: image.crop(
        tuple(
            round(edge * side) for edge, side in zip((left, top, right, bottom), 2 * image.size, strict=True)
        )  # type: ignore[arg-type]
    )


def saved(image: Image.Image) -> Image.Image:
    """The picture after strong compression."""
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=40)
    return Image.open(stream).convert("RGB")


EDITS: Mapping[str, Edit] = {
    "half the size": lambda image: image.resize((image.width // 2, image.height // 2)),
    "JPEG of quality 40": saved,
    "a quarter brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.25),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "without 3% at each edge": cut(0.03, 0.03, 0.97, 0.97),
    "without 6% at each edge": cut(0.06, 0.06, 0.94, 0.94),
    "moved by 3% and 2%": cut(0.03, 0.0, 1.0, 0.98),
    "moved by 8%": cut(0.08, 0.0, 1.0, 1.0),
    "turned by 2 degrees": lambda image: cut(0.04, 0.04, 0.96, 0.96)(
        image.rotate(2, Image.Resampling.BICUBIC)
    ),
}


def prints(
    model: Model, photos: Sequence[Photo]
) -> tuple[np.ndarray[tuple[int], np.dtype[np.uint64]], Floats]:
    """Hashes (K,) and vectors of frames (K, D)."""
    hash_K = np.array([near.as_number(near.perceptual_hash(photo.image)) for photo in photos], np.uint64)
    return hash_K, near.frames(np.stack([model.open(photo).v_ID[-1] for photo in photos]))


def judged(model: Model, examples: Sequence[Example]) -> dict[str, object]:
    """Precision, and recall of each kind of copy."""
    photos = [read(example.read(), name=example.name) for example in examples]
    hash_K, u_KD = prints(model, photos)
    wrong = len(list(near.pairs(hash_K, u_KD)))

    right, recall = 0, {}
    chosen = np.arange(0, len(photos), EVERY)
    for name, edit in EDITS.items():
        pictures = [edit(photos[k].image) for k in chosen]
        copies = [
            replace(photos[k], image=p, width=p.width, height=p.height)
            for k, p in zip(chosen, pictures, strict=True)
        ]
        hash_N, u_ND = prints(model, copies)
        distance_NK = np.bitwise_count(hash_N[:, None] ^ hash_K[None]).astype(np.int64)
        alike_NK = near.are_alike(distance_NK, u_ND @ u_KD.T)
        hits = int(alike_NK[np.arange(len(chosen)), chosen].sum())
        right += hits
        wrong += int(alike_NK.sum()) - hits
        recall[name] = 100 * hits / len(chosen)
    return {
        "photographs": len(photos),
        "copies": len(chosen) * len(EDITS),
        "right pairs": right,
        "wrong pairs": wrong,
        "precision": 100 * right / max(right + wrong, 1),
        "recall": recall,
    }


def grid(model: Model, examples: Sequence[Example]) -> list[dict[str, float]]:
    """The wrong pairs of other rules."""
    hash_K, u_KD = prints(model, [read(example.read(), name=example.name) for example in examples])
    first_N, second_N = np.triu_indices(len(hash_K), 1)
    distance_N = np.bitwise_count(hash_K[first_N] ^ hash_K[second_N]).astype(np.int64)
    cosine_N = np.einsum("nd,nd->n", u_KD[first_N], u_KD[second_N])
    return [
        {
            "least": least,
            "slope": slope,
            "farthest": farthest,
            "wrong": int(((distance_N <= farthest) & (cosine_N >= least + slope * distance_N)).sum()),
        }
        for least in (0.5, 0.55, 0.6, 0.65, 0.7)
        for slope in (0.01, 0.0125, 0.015, 0.02)
        for farthest in (12, 16, 18, 20, 24)
    ]


def main() -> None:
    """Judge the rule on val and test."""
    parser = script.parser(__doc__, "data", "out")
    parser.add_argument("--bundle", type=Path)
    args = parser.parse_args()

    began = time.monotonic()
    data, bundle = load(args.data), Bundle.open(args.bundle)
    protocol.check(bundle, data, data.split("test"), allow_custom_split=False)
    model = Model(bundle)
    found: dict[str, object] = {"least": near.LEAST, "slope": near.SLOPE, "farthest": near.FARTHEST}
    found |= {split: judged(model, data.split(split)) for split in ("val", "test")}
    found["grid on val"] = grid(model, data.split("val"))
    found["facts"] = script.facts(began, data=data.name)
    script.keep(args.out / "duplicates.json", found)
    print(json.dumps({name: value for name, value in found.items() if name != "grid on val"}, indent=1))


if __name__ == "__main__":
    main()
