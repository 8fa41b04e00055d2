"""The toy set: generated scenes of coloured shapes with sentences and boxes.

It is written in the layouts of the real data sets (Karpathy JSON and Flickr30k Entities), so the same loader
reads it. Within a split no two scenes show the same things, and every sentence names all things of its scene.
So a scene can be found by its sentence.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from dvsa.data.dataset import DataError
from dvsa.text import words

SIDE = 96
"""Width and height of a scene in pixels."""

COLOURS = {
    "red": (214, 40, 40),
    "green": (40, 160, 60),
    "blue": (45, 75, 215),
    "yellow": (240, 215, 40),
    "orange": (245, 135, 20),
    "pink": (250, 140, 190),
    "purple": (130, 45, 165),
    "white": (245, 245, 245),
}
"""RGB of each colour; shading removes up to a fifth of its light."""

SHAPES = ("circle", "square", "triangle", "star", "ring", "cross")

RADII = {"small": 10, "big": 18}
"""Pixels from a shape's centre to its edge."""

GROUNDS = {"dark": 60, "light": 140}
"""Mean grey level of a background."""

MAX_SCENES = 10_000
"""The most scenes in one split; there are 18,424 sets of two or three different things."""

_TEMPLATES = {
    2: (
        "{a} {a_b} {b} .",
        "{b} {b_a} {a} .",
        "two shapes : {a} and {b} .",
        "{b} and {a} on {ground} .",
        "there is {a} {a_b} {b} .",
        "{a} and {b} beside {other} .",
    ),
    3: (
        "{a} {a_b} {b} , and {c} .",
        "three shapes : {b} , {c} and {a} .",
        "{c} , {a} and {b} on {ground} .",
        "{b} {b_c} {c} , with {a} .",
        "there is {c} {c_a} {a} , and also {b} .",
        "{a} , {c} and {b} near {other} .",
    ),
}
"""By the number of things."""


@dataclass(frozen=True, slots=True)
class Thing:
    """A shape of a scene."""

    colour: str
    shape: str
    size: str
    x: int
    """The centre, in pixels from the left."""
    y: int
    """The centre, in pixels from the top."""

    @property
    def radius(self) -> int:
        """In pixels."""
        return RADII[self.size]


def write(folder: Path, *, train: int = 1200, val: int = 120, test: int = 120, seed: int = 0) -> Path:
    """Write a toy set: the same bytes for the same arguments (and the same versions of numpy and Pillow).

    Args:
        folder: for `images/`, `entities/` and `dataset_toy.json`; made if it is missing.
        train: number of scenes in the training split.
        val: number of scenes in the validation split.
        test: number of scenes in the test split.
        seed: seed of all random choices, at least 0.

    Returns:
        `folder`, for `dvsa.data.load`.

    Raises:
        DataError: a number of scenes is less than 0 or more than `MAX_SCENES`.
        OSError: the folder cannot be written.
    """
    counts = {"train": train, "val": val, "test": test}
    for split, count in counts.items():
        if not 0 <= count <= MAX_SCENES:
            raise DataError(f"a toy split has 0 to {MAX_SCENES} scenes, not {count}: change {split}")

    pictures, entities = folder / "images", folder / "entities"
    for place in (pictures, entities / "Annotations", entities / "Sentences"):
        place.mkdir(parents=True, exist_ok=True)

    images: list[dict[str, object]] = []
    for number, (split, count) in enumerate(counts.items()):
        rng = np.random.default_rng((seed, number))
        for index, things in enumerate(_scenes(count, rng)):
            key = f"{split}{index:05d}"
            ground = list(GROUNDS)[rng.integers(len(GROUNDS))]
            plain, marked = _sentences(things, ground, rng)
            Image.fromarray(_paint(things, ground, rng)).save(pictures / f"{key}.png", compress_level=1)

            (entities / "Annotations" / f"{key}.xml").write_bytes(_annotation(key, things))
            # In another order than in the JSON, as in Flickr30k Entities.
            lines = "".join(f"{sentence}\n" for sentence in sorted(marked))
            (entities / "Sentences" / f"{key}.txt").write_text(lines, encoding="utf-8")
            images.append(_record(len(images), f"{key}.png", split, plain))

    content = json.dumps({"dataset": "toy", "images": images}, indent=1)
    (folder / "dataset_toy.json").write_text(content, encoding="utf-8")
    return folder


def _scenes(count: int, rng: Generator) -> list[tuple[Thing, ...]]:
    """Scenes of two or three things, no two with the same colours and shapes."""
    looks = [(colour, shape) for colour in COLOURS for shape in SHAPES]
    scenes: dict[tuple[int, ...], tuple[Thing, ...]] = {}

    # Choose two or three looks, then places until no two things touch.
    while len(scenes) < count:
        chosen: list[int] = rng.choice(len(looks), size=int(rng.integers(2, 4)), replace=False).tolist()
        key = tuple(sorted(chosen))
        while key not in scenes:
            things = tuple(_place(*looks[look], rng=rng) for look in chosen)
            if _apart(things):
                scenes[key] = things
    return list(scenes.values())


def _place(colour: str, shape: str, *, rng: Generator) -> Thing:
    """A thing of random size at a random place inside the scene."""
    size = list(RADII)[rng.integers(len(RADII))]
    x, y = rng.integers(RADII[size], SIDE - RADII[size], size=2).tolist()
    return Thing(colour, shape, size, x, y)


def _apart(things: Sequence[Thing]) -> bool:
    """Whether the boxes of all things leave at least two pixels between them."""
    return all(
        max(abs(a.x - b.x), abs(a.y - b.y)) > a.radius + b.radius + 2
        for i, a in enumerate(things)
        for b in things[:i]
    )


def _mask_HW(thing: Thing) -> NDArray[np.bool_]:
    """The pixels that the thing covers."""
    canvas = Image.new("1", (SIDE, SIDE))
    draw = ImageDraw.Draw(canvas)
    x, y, r = thing.x, thing.y, thing.radius

    def square(half_width: float, half_height: float) -> tuple[float, float, float, float]:
        return x - half_width, y - half_height, x + half_width, y + half_height

    match thing.shape:
        case "circle":
            draw.ellipse(square(r, r), fill=1)
        case "ring":
            draw.ellipse(square(r, r), fill=1)
            draw.ellipse(square(r // 2, r // 2), fill=0)
        case "square":
            draw.rectangle(square(r, r), fill=1)
        case "cross":
            draw.rectangle(square(r, r // 3), fill=1)
            draw.rectangle(square(r // 3, r), fill=1)
        case "triangle":
            draw.polygon([(x, y - r), (x - r, y + r), (x + r, y + r)], fill=1)
        case "star":
            points = [(r if k % 2 == 0 else 0.4 * r, math.pi * k / 5) for k in range(10)]
            draw.polygon([(x + d * math.sin(angle), y - d * math.cos(angle)) for d, angle in points], fill=1)
    return np.asarray(canvas)


def _paint(things: Sequence[Thing], ground: str, rng: Generator) -> NDArray[np.uint8]:
    """The scene as RGB pixels [SIDE, SIDE, 3]: shaded things on a cloudy background."""
    cloud = rng.integers(-25, 26, size=(6, 6, 3)) + GROUNDS[ground]
    clouds = Image.fromarray(cloud.astype(np.uint8)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    pixels_HWC = np.asarray(clouds) + rng.integers(-5, 6, size=(SIDE, SIDE, 1))

    # Each thing is shaded from one side to the other, at a random angle.
    for thing in things:
        mask_HW = _mask_HW(thing)
        angle = rng.uniform(0, 2 * math.pi)
        rows, columns = np.nonzero(mask_HW)
        slope = (math.cos(angle) * (columns - thing.x) + math.sin(angle) * (rows - thing.y)) / thing.radius
        light_N = 0.9 + 0.1 * slope.clip(-1, 1)
        pixels_HWC[mask_HW] = light_N[:, None] * np.array(COLOURS[thing.colour])
    return pixels_HWC.astype(np.uint8)


def _sentences(things: Sequence[Thing], ground: str, rng: Generator) -> tuple[list[str], list[str]]:
    """Five different sentences on a scene, plain and with the marks of Flickr30k Entities."""
    plain, marked = [], []
    for template in rng.choice(_TEMPLATES[len(things)], size=5, replace=False).tolist():
        # The (mark, text) of each field of the template that is a phrase.
        names = dict(zip("abc", things, strict=False))
        phrases = {
            name: (f"{number}/other", _phrase(thing, sized=bool(rng.integers(2))))
            for number, (name, thing) in enumerate(names.items(), 1)
        }
        phrases["ground"] = (f"{len(things) + 1}/scene", f"a {ground} background")
        phrases["other"] = ("0/notvisual", "each other")

        # The other fields say where one thing is from another.
        links = {f"{p}_{q}": _relation(a, b) for p, a in names.items() for q, b in names.items()}
        plain.append(template.format(**links, **{name: text for name, (_, text) in phrases.items()}))
        marks = {name: f"[/EN#{mark} {text}]" for name, (mark, text) in phrases.items()}
        marked.append(template.format(**links, **marks))
    return plain, marked


def _phrase(thing: Thing, *, sized: bool) -> str:
    """A noun phrase such as `a big red circle`, with or without the size."""
    adjectives = [thing.size, thing.colour] if sized else [thing.colour]
    article = "an" if adjectives[0] == "orange" else "a"
    return " ".join([article, *adjectives, thing.shape])


def _relation(a: Thing, b: Thing) -> str:
    """Where thing a is from thing b, in words."""
    if abs(a.x - b.x) > abs(a.y - b.y):
        return "to the left of" if a.x < b.x else "to the right of"
    return "above" if a.y < b.y else "below"


def _annotation(key: str, things: Sequence[Thing]) -> bytes:
    """The XML of a scene; pixels count from 1 and both ends are inclusive."""
    root = Element("annotation")
    SubElement(root, "filename").text = f"{key}.png"
    size = SubElement(root, "size")
    for tag, value in (("width", SIDE), ("height", SIDE), ("depth", 3)):
        SubElement(size, tag).text = str(value)

    for number, thing in enumerate(things, 1):
        rows, columns = np.nonzero(_mask_HW(thing))
        frame = {"xmin": columns.min(), "ymin": rows.min(), "xmax": columns.max(), "ymax": rows.max()}
        item = SubElement(root, "object")
        SubElement(item, "name").text = str(number)
        box = SubElement(item, "bndbox")
        for tag, value in frame.items():
            SubElement(box, tag).text = str(value + 1)

    # The background has a number but no box.
    scene = SubElement(root, "object")
    for tag, text in (("name", str(len(things) + 1)), ("scene", "1"), ("nobndbox", "1")):
        SubElement(scene, tag).text = text

    indent(root, "\t")
    return tostring(root)


def _record(number: int, filename: str, split: str, sentences: Sequence[str]) -> dict[str, object]:
    """A photograph's record in the Karpathy JSON."""
    numbers = range(5 * number, 5 * number + 5)
    return {
        "imgid": number,
        "filename": filename,
        "split": split,
        "sentids": list(numbers),
        "sentences": [
            {"raw": raw, "tokens": words(raw), "imgid": number, "sentid": sentid}
            for sentid, raw in zip(numbers, sentences, strict=True)
        ],
    }
