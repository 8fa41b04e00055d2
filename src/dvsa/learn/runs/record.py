"""The metadata in a run's folder: its configuration, its words, the photographs and sentences it used."""

import hashlib
import json
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import torch

from dvsa import files
from dvsa.bundle import REPLAY_FILE, SPOKEN_FILE, Bundle
from dvsa.data import Example, exposure
from dvsa.data.word_vectors import WordVectors
from dvsa.fluency_file import FLUENCY_FILE, to_bytes
from dvsa.learn.loop.checkpoint import JsonValue
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.inputs import FitOptions, Inputs
from dvsa.learn.runs.proposer import BundleProposer
from dvsa.learn.runs.run import CONFIG, VOCABULARY, read_config, recipe_of

BUILDS_ON = (
    "read",
    "init",
    "replay",
    "earlier",
    "backbone_weights",
    "pretrained_sentence_encoder",
    "regions",
)
"""Keys that `config.json` has only if the run builds on something of that kind."""


def is_begun(out: Path, config: dict[str, JsonValue], options: FitOptions) -> bool:
    """Whether the folder holds the run of this configuration; otherwise it is new or empty.

    Raises:
        ValueError: the folder holds another run or other files.
    """
    if not (out / CONFIG).is_file():
        if out.is_dir() and any(out.iterdir()):
            raise ValueError(f"{out} is not empty and has no run: give another folder")
        return False

    old = _existing(out, config, options)
    keys = dict.fromkeys((*old, *BUILDS_ON))
    other = [key for key in keys if key != "torch" and config.get(key) != old.get(key)]
    if other:
        raise ValueError(
            f"{out} holds another run (its {CONFIG} has another {', '.join(other)}): "
            "give another folder or delete it"
        )
    return True


def begin(out: Path, config: dict[str, JsonValue]) -> None:
    """Write the run's `config.json`; creates the folder."""
    out.mkdir(parents=True, exist_ok=True)
    with files.replacing(out / CONFIG) as partial:
        partial.write_text(json.dumps(config, indent=2))


def _existing(out: Path, config: dict[str, JsonValue], options: FitOptions) -> dict[str, JsonValue]:
    """The configuration in a folder, as this version would have written it."""
    old = read_config(out)
    old["recipe"] = recipe_of(old, out).to_json()
    if "init" in old:  # earlier versions also recorded word vectors here, but did not use them
        old["word_vectors"] = None
    elif options.word_vectors and old.get("word_vectors") == str(options.word_vectors):
        old["word_vectors"] = config["word_vectors"]  # earlier versions recorded only the path
    return old


def configuration(recipe: Recipe, inputs: Inputs, options: FitOptions) -> dict[str, JsonValue]:
    """What the run learns, from what; for its `config.json`.

    Raises:
        ValueError: the earlier run used other data.
    """
    config: dict[str, JsonValue] = {
        "recipe": recipe.to_json(),
        "data": inputs.data,
        "data_sha256": data_digest(chain(inputs.training, inputs.val)),
        "seed": options.seed,
        "word_vectors": None,
        "photographs": {"train": len(inputs.training), "val": len(inputs.val)},
        "sentences": {
            "train": sum(len(e.sentences) for e in inputs.training),
            "val": sum(len(e.sentences) for e in inputs.val),
        },
        "torch": torch.__version__,
    }

    # What else the run builds on.
    extra, warm_start, earlier = inputs.extra, inputs.warm_start, inputs.earlier
    weights = inputs.backbone_weights
    if isinstance(inputs.pretrained, WordVectors):
        config["word_vectors"] = {**inputs.pretrained.facts}
    elif inputs.pretrained is not None:
        config["pretrained_sentence_encoder"] = {**inputs.pretrained.facts}
    if inputs.given is not None:
        config["regions"] = {
            "source": str(inputs.given.source),
            "features": inputs.given.features,
            "sha256": hashlib.sha256(inputs.given.stamp.encode()).hexdigest(),
        }
    if extra is not None:
        config["read"] = {"file": extra.file, "sha256": extra.sha256, "photographs": len(extra.sentences)}
    if warm_start is not None:
        config["init"] = {"bundle": warm_start.bundle.manifest.name, "digest": warm_start.bundle.digest}
        config["backbone_weights"] = warm_start.backbone_weights
        if inputs.remembered is not None:
            old = inputs.remembered
            examples = chain(old.split("train", restval=True), old.split("val"))
            config["replay"] = {"data": old.name, "data_sha256": data_digest(examples)}
        elif REPLAY_FILE in warm_start.bundle.manifest.files:
            config["replay"] = {"sha256": warm_start.bundle.manifest.files[REPLAY_FILE].sha256}
    if weights is not None:
        config["backbone_weights"] = {"file": weights.path.name, "sha256": weights.sha256}
    if earlier is not None:
        if earlier.config.get("data_sha256") != config["data_sha256"]:
            raise ValueError(f"{earlier.folder} used other data: name an earlier run on the same data")
        if earlier.config.get("replay") != config.get("replay"):
            raise ValueError(f"{earlier.folder} replayed other photographs: name another run")
        if earlier.config.get("regions") != config.get("regions"):
            raise ValueError(f"{earlier.folder} used other regions: name an earlier run on the same ones")
        config["earlier"] = {"run": str(earlier.folder), "seed": earlier.config.get("seed")}
    return config


def data_digest(examples: Iterable[Example]) -> str:
    """SHA-256 of names, sentences and phrases."""
    sha256 = hashlib.sha256()
    for example in examples:
        sha256.update(repr((example.name, example.sentences, example.phrases)).encode())
    return sha256.hexdigest()


def write_exposure(out: Path, recipe: Recipe, inputs: Inputs) -> None:
    """Write the words and their pairs, and digests of the photographs and sentences that the run uses.

    They include what the continued bundle has used, and the photographs on which a bundle has learned to
    propose boxes.
    """
    with files.replacing(out / VOCABULARY) as partial:
        inputs.vocabulary.save(partial)
    if inputs.spoken != inputs.vocabulary and not (out / SPOKEN_FILE).is_file():
        (out / FLUENCY_FILE).unlink(missing_ok=True)  # an earlier version wrote it for all words
        with files.replacing(out / SPOKEN_FILE) as partial:
            inputs.spoken.save(partial)
    if not (out / FLUENCY_FILE).is_file():
        fluency = inputs.fluency()
        if fluency is not None:
            files.write(out / FLUENCY_FILE, to_bytes(fluency))

    extra, warm_start = inputs.extra, inputs.warm_start
    if not (out / exposure.PHOTOS_FILE).is_file():
        with files.replacing(out / exposure.PHOTOS_FILE) as partial:
            exposure.write_photos(partial, inputs.training, inputs.val, inputs.given)
            if warm_start is not None:
                _append(warm_start.bundle, exposure.PHOTOS_FILE, partial)
            if recipe.vision.proposer is not None and isinstance(inputs.proposer, BundleProposer):
                _append(inputs.proposer.bundle, exposure.PHOTOS_FILE, partial)

    if extra is not None or warm_start is not None:
        with files.replacing(out / exposure.TEXT_FILE) as partial:
            exposure.write_text(partial, extra.sentences if extra else (), inputs.new_words)
            if warm_start is not None:
                _append(warm_start.bundle, exposure.TEXT_FILE, partial)


def _append(bundle: Bundle, file: str, path: Path) -> None:
    """Append the bundle's file of this name, if it has one, to the file at `path`."""
    content = bundle.content(file)
    if content is not None:
        with path.open("ab") as whole:
            whole.write(content)
