"""Writes what Python says about photographs and sentences, for the engine of the page to be compared with.

Usage: python tests/web/engine/make_golden.py OUT [--photographs N] [--sentences N] [--data FLICKR8K]

OUT gets golden.json, and for each photograph its pixels as bytes in RGB. Everything is computed with the
bundle that is installed, so nothing here depends on one bundle. The photographs are of Flickr8K's test split,
if it is given, or parts of those in examples/.
"""

import argparse
import base64
import io
import json
import math
import random
import re
import tarfile
from collections.abc import Iterator
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image

import dvsa
from dvsa import text
from dvsa.index.query import Query
from dvsa.model import Model, View
from dvsa.photo import Photo, read, squash
from dvsa.spelling import nearest
from dvsa.web import responses, schemas

ROOT = Path(__file__).parents[3]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
STRANGE = [
    "A dog's ball - 2 of them!",
    "dog,cat/T-shirt—3,000 in the U.S.",
    "Ça va, l’été à Zürich? ὈΔΥΣΣΕΎΣ Straße İstanbul",
    "犬が走る。猫も。 नमस्ते दुनिया 👩‍👩‍👧 ❤️ 1.5 and 1,000,00",
    "snake_case --- e.g. the U.K. and a.b.c. x.y",
    "tabs\tand\nlines\r\nand\u00a0spaces\u200bzero\u00adsoft",
    "Two dogs. One cat? Yes! Mr. Smith",
]
BETAS = [0.0, 0.02, 0.5, 5.0, math.inf]


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--photographs", type=int, default=50)
    parser.add_argument("--sentences", type=int, default=200)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--bundle", type=Path)
    given = parser.parse_args()
    write(dvsa.load(given.bundle, threads=1), given.out, given.photographs, given.sentences, given.data)


def write(model: Model, out: Path, photographs: int, sentences: int, data: Path | None) -> None:
    """Write golden.json and the pixels."""
    out.mkdir(parents=True, exist_ok=True)
    said = written_sentences(model, sentences, data)
    views: list[View] = []
    told: list[dict[str, Any]] = []
    for n, photo in enumerate(pictures(photographs, data)):
        pixels = np.asarray(photo.image)
        (out / f"{n}.rgb").write_bytes(pixels.tobytes())
        view = model.open(photo)
        _, _, score_BN, box_BN4 = model.look(squash(photo, model.bundle.side)[None])
        candidates = np.column_stack([score_BN[0], box_BN4[0]]).astype("<f4")
        (out / f"{n}.candidates").write_bytes(candidates.tobytes())
        told.append(photograph(view, said[n % len(said)], BETAS[n % len(BETAS)], few=n >= 10) | {
            "file": str(n), "pixels": [pixels.shape[1], pixels.shape[0]],
            "square": int(squash(photo, model.bundle.side).astype(np.int64).sum()),
        })  # fmt: skip
        views.append(view)

    golden = {
        "photographs": told,
        "words": [[one, text.words(one), text.sentences(one)] for one in [*STRANGE, *said, *noise()]],
        "near": [[word, list(nearest(word, model.bundle.vocabulary))] for word in misspelled(said)],
        "scores": [[one, [view.score(one) for view in views]] for one in said],
        "located": [[one, views[n % len(views)].locate(one).index] for n, one in enumerate(said[:50])],
        "shots": [*shots()],
        "fits": [
            [one, [Query.of_sentence(model, one).fits(view.v_ID) for view in views]] for one in said[:50]
        ],
    }
    (out / "golden.json").write_text(json.dumps(golden))


def photograph(view: View, sentence: str, beta: float, *, few: bool) -> dict[str, Any]:
    """What the service answers for one photograph; for `few`, without phrases, which cost most."""
    answer: dict[str, Any] = {"width": view.photo.width, "height": view.photo.height, "name": view.photo.name}
    if few:
        regions = [asdict(region) for region in view.regions]
        answer["photo"] = {
            "regions": regions,
            "caption": responses.caption(view, view.caption()).model_dump(),
        }
    else:
        answer["photo"] = responses.photo(view, "golden").model_dump()
        answer["photo"]["things"] = [asdict(thing) for thing in view.things()]
    request = schemas.CaptionRequest(method="greedy" if few else "beam", beam=3, n=3, temperature=1.0, seed=0)
    answer["request"] = request.model_dump()
    answer["captions"] = responses.captions(view, request).model_dump()
    answer["alignment"] = responses.alignment(
        view, sentence, "inf" if math.isinf(beta) else beta
    ).model_dump()
    return answer


def pictures(count: int, data: Path | None) -> Iterator[Photo]:
    """Photographs of the test split, or parts of the examples."""
    if data is not None:
        names = (data / "Flickr_8k.testImages.txt").read_text().split()[:count]
        wanted = set(names)
        for tar in sorted(data.glob("images-*.tar")):
            with tarfile.open(tar) as archive:
                for member in archive:
                    if Path(member.name).name in wanted and (file := archive.extractfile(member)):
                        yield read(file.read(), Path(member.name).name)
        return

    rng = random.Random(0)
    examples = [read(path) for path in sorted((ROOT / "examples").glob("*.jpg"))]
    for n in range(count):
        whole = examples[n % len(examples)]
        if n < len(examples):
            yield whole
            continue
        wide, high = (max(int(side * rng.uniform(0.4, 0.9)), 64) for side in whole.image.size)
        left, top = (
            rng.randrange(side - part + 1) for side, part in zip(whole.image.size, (wide, high), strict=True)
        )
        part = whole.image.crop((left, top, left + wide, top + high))
        if rng.random() < 0.5:
            part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        yield Photo(f"part {n}", part, wide, high)


def written_sentences(model: Model, count: int, data: Path | None) -> list[str]:
    """Sentences of people, or ones that the captioner draws; a few have unknown words."""
    if data is not None:
        lines = (data / "Flickr8k.token.txt").read_text("utf-8").splitlines()
        found = [line.split("\t")[1] for line in lines[:: len(lines) // count]][:count]
    else:
        known = list(model.bundle.vocabulary.words[:400])
        rng = random.Random(1)
        found = [" ".join(rng.choices(known, k=rng.randint(1, 14))) for _ in range(count)]
    found[3] += " near a zyzzyva"
    found[7] = "Two dgo and a bottlecap, " + found[7]
    found[11] = "Our boat and " + found[11]
    return found


def shots() -> Iterator[list[Any]]:
    """JPEGs with EXIF data, sound and odd, and what Python reads there."""
    dates = [
        "2024:07:31 18:05:09",
        "2023-1-2",
        "0000:00:00 00:00:00",
        "2024:02:30 10:00:00",
        "2021/12/31T23:59",
        "",
    ]
    cameras = [
        ("Canon", "Canon EOS 5D"),
        ("NIKON CORPORATION", "NIKON D90"),
        ("", "X100"),
        ("Sony\0", " A7 "),
    ]
    places = [
        ("N", (60, 23, 24.5), "E", (5, 19, 12)),
        ("S", (33.9, 0, 0), "W", (151.2, 0, 0)),
        ("N", (0, 0, 0), "E", (0, 0, 0)),
    ]
    for n, (date, camera, place) in enumerate(product(dates, cameras, [*places, None])):
        image = Image.new("RGB", (8, 8))
        exif = image.getexif()
        exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = camera
        inner = ExifTags.Base.DateTimeOriginal if n % 2 else ExifTags.Base.DateTimeDigitized
        exif.get_ifd(ExifTags.IFD.Exif)[inner] = date
        if n % 3 == 0:
            exif[ExifTags.Base.DateTime] = "2001:02:03 04:05:06"
        if place is not None:
            exif.get_ifd(ExifTags.IFD.GPSInfo).update(dict(enumerate(place, 1)))
        stream = io.BytesIO()
        image.save(stream, "JPEG", exif=exif)
        photo = read(stream.getvalue())
        told = {"taken": photo.taken, "camera": photo.shot.camera, "place": photo.shot.place}
        yield [base64.b64encode(stream.getvalue()).decode(), told]


def noise() -> list[str]:
    """Texts of characters from all over Unicode."""
    rng = random.Random(2)
    some = "aB1 .,'-_\u0301\u200d\ufe0f\u20e3é犬١½Ⅷ\u0903\n"
    return ["".join(rng.choice(some) for _ in range(24)) for _ in range(200)]


def misspelled(sentences: list[str]) -> list[str]:
    """Words with a letter too many, too few or changed; and compounds."""
    rng = random.Random(3)
    words = sorted({w for one in sentences for w in text.words(one) if re.fullmatch("[a-z]{2,}", w)})
    found = [a + b for a, b in zip(words[::9], words[4::9], strict=False)]
    for word in words[:150]:
        at = rng.randrange(len(word))
        found.append(word[:at] + rng.choice(["", rng.choice(LETTERS), word[at] * 2]) + word[at + 1 :])
    return [word for word in found if word]


if __name__ == "__main__":
    main()
