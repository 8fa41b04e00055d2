"""Teach a model a name from a few photographs: the name gets a vector, and nothing else changes.

The vector points from ordinary regions to what the photographs have in common. One region of each photograph
is chosen so that they agree best. Then all regions count, those more that are like the chosen ones. A linear
discriminant against ordinary regions, with a ridge, makes the direction. Its length is that of a usual word,
so that scores compare.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from dvsa import files
from dvsa.arrays import FloatArray, Floats
from dvsa.background import BACKGROUND_FILE, Background
from dvsa.bundle import Bundle, shipped
from dvsa.decode import ReadPhoto, in_process
from dvsa.manifest import MANIFEST, FileRecord, Lessons
from dvsa.model import Model
from dvsa.photo import Photo
from dvsa.taught import Taught
from dvsa.text import FUNCTION_WORDS

Picture = str | Path | bytes | Photo | Image.Image
"""A file, its bytes, a decoded photograph, or a picture of Pillow."""
Progress = Callable[[str, int, int], None]
"""Told what is done, how many of how many."""

RIDGE: Final = 3.0
"""Added to the variance of each direction, in units of the mean variance. Chosen on val of Flickr8K, as
`SHARP`."""
SHARP: Final = 8.0
"""Factor of the softmax over the regions of a photograph by their cosine with the common direction."""
ROUNDS: Final = 5
WORDS: Final = 1000
"""The most frequent content words that tell the usual length."""


def learn(v_PID: Sequence[Floats], background: Background, length: float) -> Floats:
    """The vector (D,) of what P photographs have in common.

    Args:
        v_PID: vectors of the regions of each photograph, (I, D).
        background: of ordinary regions.
        length: of the vector.

    >>> background = Background(np.zeros(2, np.float32), np.eye(2, dtype=np.float32))
    >>> learn([np.array([[1, 0], [0, 1]]), np.array([[1, 0], [0, -1]])], background, 2.0).round(1).tolist()
    [2.0, 0.0]
    """
    away_PID = [np.asarray(v_ID, np.float64) - background.mean_D for v_ID in v_PID]
    common_D = _most_common([_unit(away_ID) for away_ID in away_PID])

    # Then all regions count, by their likeness to what is common.
    for _ in range(ROUNDS):
        means_PD = [_softmax(SHARP * _unit(away_ID) @ _unit(common_D)) @ away_ID for away_ID in away_PID]
        common_D = np.mean(means_PD, axis=0)

    # The direction that best separates it from ordinary regions.
    variance = float(np.trace(background.cov_DD)) / len(common_D)
    s_D = np.linalg.solve(background.cov_DD + RIDGE * variance * np.eye(len(common_D)), common_D)
    return (length * _unit(s_D)).astype(np.float32)


def usual_length(model: Model) -> float:
    """The median length of the vectors of frequent content words, each read alone.

    >>> import dvsa
    >>> usual_length(dvsa.load()) > 1
    True
    """
    content = [word for word in model.bundle.vocabulary.words if word not in FUNCTION_WORDS][:WORDS]
    s_LTD, _ = model.word_vectors([[word] for word in content])
    return float(np.median(np.linalg.norm(s_LTD[:, 0], axis=1)))


def teach(
    name: str,
    photographs: Sequence[Picture],
    *,
    bundle: str | Path | None = None,
    out: str | Path | None = None,
    against: Sequence[Picture] = (),
    read: ReadPhoto = in_process,
    progress: Progress | None = None,
) -> Path:
    """Teach a bundle a name from photographs that show it. Searches, alignments and pages then know the name.

    An index that the bundle has made still fits it.

    Args:
        name: one or several words, such as "our boat". Several words may be known ones: in a row, they mean
            the name from now on.
        photographs: a few, of which each shows it.
        bundle: the folder of the bundle, or `USER/NAME` on the hub; the shipped bundle if None.
        out: a new folder for the bundle with the name; it is changed where it is if None.
        against: some photographs of other things, in place of those that the bundle knows from its training.
        read: decodes files and their bytes.
        progress: told how many photographs were looked at.

    Returns:
        The folder of the bundle with the name.

    Raises:
        ValueError: the name is invalid or known, there are no photographs, the bundle has no background and
            `against` is empty, or a bundle that is not a folder of yours would be changed.
        PhotoError: a photograph cannot be read.

    >>> folder = teach("our wall", ["examples/cat.jpg"], out="mine", against=["examples/photographer.jpg"])
    >>> import dvsa
    >>> dvsa.load(folder).read("a cat on our wall").words
    ('a', 'cat', 'on', 'our wall')
    """
    model = Model(Bundle.open(bundle))
    taught = model.bundle.taught
    taught.with_name(name, np.zeros(0, np.float32), model.bundle.vocabulary)  # refused before the long work
    where = _place(model.bundle, out)
    if not photographs:
        raise ValueError(f"no photographs show {name!r}: give at least one")
    if not against:
        _background(model.bundle)

    v_PID = _looked_at(model, photographs, read, "looking", progress)
    if against:
        v_ND = np.concatenate(_looked_at(model, against, read, "looking at others", progress))
        background = Background.of(v_ND)
    else:
        background = _background(model.bundle)
    s_D = learn(v_PID, background, usual_length(model))
    return _save(model.bundle, taught.with_name(name, s_D, model.bundle.vocabulary), where)


def forget(name: str, *, bundle: str | Path | None, out: str | Path | None = None) -> Path:
    """Let a bundle forget a name that it was taught; see `teach`.

    Raises:
        ValueError: the bundle was not taught the name.

    >>> folder = teach("our wall", ["examples/cat.jpg"], out="mine", against=["examples/photographer.jpg"])
    >>> [*Bundle.open(forget("our wall", bundle=folder)).taught.vectors]
    []
    """
    opened = Bundle.open(bundle)
    return _save(opened, opened.taught.without(name), _place(opened, out))


def _most_common(unit_PID: Sequence[FloatArray]) -> FloatArray:
    """The mean of one unit vector of each photograph that agree best: from every region, the nearest of each.

    If all agree equally, as in a single photograph, the frame counts, which is the last region.
    """
    found: FloatArray = np.zeros(0)
    for start_D in np.concatenate(unit_PID)[::-1]:
        mean_D = start_D
        for _ in range(ROUNDS):
            mean_D = np.mean([unit_ID[(unit_ID @ mean_D).argmax()] for unit_ID in unit_PID], axis=0)
        if not len(found) or np.linalg.norm(mean_D) > np.linalg.norm(found) + 1e-9:
            found = mean_D
    return found


def _unit(x_ND: FloatArray) -> FloatArray:
    unit_ND: FloatArray = x_ND / np.maximum(np.linalg.norm(x_ND, axis=-1, keepdims=True), 1e-9)
    return unit_ND


def _softmax(x_I: FloatArray) -> FloatArray:
    weight_I = np.exp(x_I - x_I.max())
    share_I: FloatArray = weight_I / weight_I.sum()
    return share_I


def _looked_at(
    model: Model, photographs: Sequence[Picture], read: ReadPhoto, what: str, progress: Progress | None
) -> list[Floats]:
    """The vectors of the regions of photographs."""
    found = []
    for n, given in enumerate(photographs, 1):
        path = Path(given) if isinstance(given, str) else given
        found.append(model.open(read(path) if isinstance(path, Path | bytes) else path).v_ID)
        if progress is not None:
            progress(what, n, len(photographs))
    return found


def _background(bundle: Bundle) -> Background:
    """What ordinary regions of the training look like."""
    content = bundle.content(BACKGROUND_FILE)
    if content is None:
        raise ValueError(
            f"bundle {bundle.manifest.name} has no record of ordinary photographs: give some that show other "
            "things (--against)"
        )
    return Background.parse(content, bundle.manifest.embedding, str(bundle.folder / BACKGROUND_FILE))


def _place(bundle: Bundle, out: str | Path | None) -> Path:
    """The folder to write to; raises ValueError if it must not be changed or is not new."""
    if out is not None:
        if Path(out).exists() and (not Path(out).is_dir() or any(Path(out).iterdir())):
            raise ValueError(f"{out} is not empty: give a new folder")
        return Path(out)
    if bundle.folder.resolve() == shipped().resolve() or "snapshots" in bundle.folder.resolve().parts:
        raise ValueError(f"{bundle.folder} is not yours to change: give a folder for the copy (--out)")
    return bundle.folder


def _save(bundle: Bundle, taught: Taught, where: Path) -> Path:
    """Write the bundle with these names: first their file, then the manifest that lists it."""
    old = bundle.manifest.lessons
    content = taught.to_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    lessons = Lessons(f"taught-{sha256[:12]}.json", bundle.regions_digest)
    listed = {
        name: record for name, record in bundle.manifest.files.items() if old is None or name != old.file
    }
    manifest = replace(
        bundle.manifest,
        lessons=lessons,
        files={**listed, lessons.file: FileRecord(len(content), sha256)},
    )

    if where != bundle.folder:
        bundle.save_pretrained(where)
    files.write(where / lessons.file, content)
    files.write(where / MANIFEST, json.dumps(manifest.to_json(), indent=1).encode())
    if old is not None and old.file != lessons.file:
        (where / old.file).unlink(missing_ok=True)
    return where
