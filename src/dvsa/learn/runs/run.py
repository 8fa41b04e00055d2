"""A run: a recipe on data, in a folder that holds all that is needed to go on with it or to export it."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor

from dvsa import files
from dvsa.data import Dataset, Example, exposure, extra_sentences
from dvsa.data.extra_sentences import ExtraSentences
from dvsa.learn.loop import checkpoint
from dvsa.learn.loop.checkpoint import JsonValue
from dvsa.learn.loop.trainer import Net
from dvsa.learn.nets import captioner
from dvsa.learn.nets import word_vectors as wordvectors
from dvsa.learn.nets.backbone import fold_batch_norms
from dvsa.learn.nets.captioner import Captioner
from dvsa.learn.recipes.recipe import Recipe, Stage, recipe_from_json
from dvsa.learn.runs.reuse import shared
from dvsa.learn.runs.stages import learn
from dvsa.learn.runs.warm_start import Initial
from dvsa.learn.tasks.alignment import AlignmentModel, AlignmentOptions
from dvsa.learn.tasks.captions import CaptionOptions
from dvsa.learn.tasks.corpus import Corpus
from dvsa.records import Subject
from dvsa.text import Vocabulary, words

CONFIG = "config.json"


def fit(
    recipe: Recipe,
    data: Dataset,
    out: Path,
    *,
    seed: int = 0,
    device: str | None = None,
    word_vectors: Path | None = None,
    sentences: Path | None = None,
    earlier: Path | None = None,
    init: str | None = None,
    quiet: bool = False,
) -> None:
    """Train every stage of a recipe; goes on where an earlier call on the same folder stopped.

    Args:
        recipe: what to train.
        data: needs the splits `train` and `val`; `test` is never looked at.
        out: the run's folder.
        seed: of all randomness.
        device: such as `cpu` or `cuda`; the GPU where there is one.
        word_vectors: a word2vec or GloVe file; its vectors stay fixed.
        sentences: a file of `dvsa.data.extra_sentences`, for the vocabulary and stages that learn from
            sentences alone; of photographs that are in neither val nor test.
        earlier: a run on the same data; the regions and the alignment that it has learnt in stages like this
            recipe's are taken over, not learnt again.
        init: the folder of a bundle to begin with, or `shipped`; see `dvsa.learn.runs.warm_start`.
        quiet: whether to draw no progress bars.

    Raises:
        ValueError: the folder holds another run, the data lacks what the recipe needs, or the bundle does not
            fit the recipe.
    """
    where = pick_device(device)
    training, val = data.split("train", restval=True), data.split("val")
    begin = None if init is None else Initial(init)
    if begin is not None:
        boxed = any(p.boxes for e in training for p in e.phrases)
        recipe = begin.adapted(recipe, photographs=len(training), boxed=boxed)
    read = None if sentences is None else extra_sentences.read(sentences)
    told = [words(s) for e in training for s in e.sentences]
    more = [[words(s) for s in own] for own in read.sentences.values()] if read else []
    vocabulary = Vocabulary.build((*told, *chain.from_iterable(more)), recipe.min_count)
    vocabulary = vocabulary if begin is None else vocabulary.joined(begin.bundle.vocabulary)
    source = None if earlier is None else Run(earlier, finished=False)
    _claim(out, recipe, data.name, training, val, seed, word_vectors, read, source, begin)
    _tell(out, vocabulary, training, val, read, begin, set(vocabulary.words).difference(*told))
    vectors = None if word_vectors is None else wordvectors.read(word_vectors, vocabulary, seed)
    torch.manual_seed(seed)
    model = _network(recipe, vocabulary, vectors, begin)
    corpus = Corpus(training, val, vocabulary, model.vision.size, where, quiet=quiet)
    if begin is None:
        model.vision.proposals.anchors_A2.copy_(corpus.anchors(recipe.vision.anchors))
    groups = [[vocabulary.encode(s) for s in own] for own in more]
    for stage in recipe.stages:
        model = model.to(where)
        if source is None or not _take_over(stage, recipe, vocabulary, source, model, out / stage.name):
            cfg = replace(stage.train, seed=seed)
            model = learn(cfg, stage, model, corpus, groups, begin, out / stage.name)


def _network(
    recipe: Recipe, vocabulary: Vocabulary, vectors: Tensor | None, begin: Initial | None
) -> AlignmentModel:
    """The network of photographs and sentences before the first stage."""
    if begin is not None:
        return begin.alignment(vocabulary)
    return AlignmentModel(recipe.vision, recipe.sentence, len(vocabulary), None, vectors)


def _tell(
    out: Path,
    vocabulary: Vocabulary,
    training: Sequence[Example],
    val: Sequence[Example],
    read: ExtraSentences | None,
    begin: Initial | None,
    words: Iterable[str],
) -> None:
    """Write down what the run knows, sees and reads; `words` are those that it has from elsewhere."""
    with files.replacing(out / "vocabulary.tsv") as partial:
        vocabulary.save(partial)
    if not (out / exposure.PHOTOS_FILE).is_file():
        with files.replacing(out / exposure.PHOTOS_FILE) as partial:
            exposure.write_photos(partial, training, val)
            if begin is not None:
                begin.append(exposure.PHOTOS_FILE, partial)
    if read is not None or begin is not None:
        with files.replacing(out / exposure.TEXT_FILE) as partial:
            exposure.write_text(partial, read.sentences if read else (), words)
            if begin is not None:
                begin.append(exposure.TEXT_FILE, partial)


def _take_over(
    stage: Stage,
    recipe: Recipe,
    vocabulary: Vocabulary,
    source: "Run",
    model: AlignmentModel,
    folder: Path,
) -> bool:
    """Whether `source` learnt a stage of regions or alignment just so; then its weights are the model's."""
    learnt = source.shared(stage, recipe, vocabulary)
    if not (learnt and source.has(stage)):
        return False
    tensors, facts = checkpoint.load(source.folder / stage.name / "best.safetensors")
    model.load_state_dict(model.state_dict() | {k: t for k, t in tensors.items() if k.startswith(learnt)})
    model.eval()
    checkpoint.save(folder / "best.safetensors", model.state_dict(), facts)
    return True


def pick_device(name: str | None) -> torch.device:
    """The device of that name, once it has been seen to work; by default a GPU where there is one."""
    name = name or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.zeros(1, device=name).device
    except (RuntimeError, AssertionError) as error:  # AssertionError: torch without CUDA
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"the device {name!r} cannot be used ({reason}): give cpu or one that is there"
        ) from error


def _claim(
    out: Path,
    recipe: Recipe,
    name: str,
    training: Sequence[Example],
    val: Sequence[Example],
    seed: int,
    word_vectors: Path | None,
    read: ExtraSentences | None,
    source: "Run | None",
    begin: Initial | None,
) -> None:
    """Write the run's `config.json`, or check that what the one that is there says is true of this run."""
    config: dict[str, JsonValue] = {
        "recipe": recipe.to_json(),
        "data": name,
        "data_sha256": _digest([*training, *val]),
        "seed": seed,
        "word_vectors": str(word_vectors) if word_vectors else None,
        "photographs": {"train": len(training), "val": len(val)},
        "sentences": {
            "train": sum(len(e.sentences) for e in training),
            "val": sum(len(e.sentences) for e in val),
        },
        "torch": torch.__version__,
    }
    if read is not None:
        config["read"] = {"file": read.file, "sha256": read.sha256, "photographs": len(read.sentences)}
    if begin is not None:
        config["init"] = {"bundle": begin.bundle.manifest.name, "digest": begin.bundle.digest}
    if source is not None:
        if source.config.get("data_sha256") != config["data_sha256"]:
            raise ValueError(f"{source.folder} learnt from other data: name an earlier run on the same data")
        config["earlier"] = {"run": str(source.folder), "seed": source.config.get("seed")}
    if (out / CONFIG).is_file():
        other = [key for key, value in _config(out).items() if key != "torch" and config.get(key) != value]
        if other:
            raise ValueError(
                f"{out} holds another run (its {CONFIG} has another {', '.join(other)}): "
                "give another folder or delete it"
            )
        return
    if out.is_dir() and any(out.iterdir()):
        raise ValueError(f"{out} is not empty and holds no run: give another folder")
    with files.replacing(out / CONFIG) as partial:
        partial.write_text(json.dumps(config, indent=2))


def _digest(examples: Sequence[Example]) -> str:
    """SHA-256 of names, sentences and phrases."""
    sha256 = hashlib.sha256()
    for example in examples:
        sha256.update(repr((example.name, example.sentences, example.phrases)).encode())
    return sha256.hexdigest()


def _config(folder: Path) -> dict[str, JsonValue]:
    """What a run's `config.json` says."""
    try:
        config: JsonValue = json.loads((folder / CONFIG).read_text())
    except FileNotFoundError as error:
        raise ValueError(f"{folder} holds no run: there is no {CONFIG} in it") from error
    except ValueError as error:
        raise ValueError(f"{folder / CONFIG} is damaged ({error}): train again in another folder") from error
    if not isinstance(config, dict):
        raise ValueError(f"{folder / CONFIG} is no run's configuration: train again in another folder")
    return config


class Run:
    """A run, opened to be used or exported."""

    def __init__(self, folder: Path, *, finished: bool = True) -> None:
        """Raises ValueError where the folder holds no run, or no `finished` one if it should be that."""
        self.folder = folder
        self.config = _config(folder)
        try:
            self.recipe = recipe_from_json(self.config.get("recipe"))
        except ValueError as error:
            raise ValueError(f"{folder / CONFIG} does not fit this version of dvsa: {error}") from error
        self.vocabulary = Vocabulary.load(folder / "vocabulary.tsv")
        self.facts = {
            s.name: checkpoint.load(folder / s.name / "best.safetensors")[1]
            for s in self.recipe.stages
            if finished or self.has(s)
        }

    def has(self, stage: Stage) -> bool:
        """Whether a stage of the recipe has come to its end; one that was taken over has no log."""
        folder = self.folder / stage.name
        log = folder / "log.jsonl"
        if not log.is_file():
            return (folder / "best.safetensors").is_file()
        last: dict[str, float] = json.loads(log.read_text().splitlines()[-1])
        return last["epoch"] >= stage.train.epochs

    def shared(self, stage: Stage, recipe: Recipe, vocabulary: Vocabulary) -> tuple[str, ...]:
        """What of another run's stage this one learns just so, as `dvsa.learn.runs.reuse` has it."""
        return shared(stage, (recipe, vocabulary.words), (self.recipe, self.vocabulary.words))

    def alignment(self) -> AlignmentModel:
        """The network of photographs and sentences after its last stage."""
        stage = [s for s in self.recipe.stages if isinstance(s.task, AlignmentOptions)][-1]
        model = AlignmentModel(
            self.recipe.vision, self.recipe.sentence, len(self.vocabulary), pretrained=False
        )
        if "init" in self.config:  # a bundle has no batch norms
            fold_batch_norms(model.eval())
        return _filled(model, self.folder / stage.name / "best.safetensors")

    def captioners(self) -> dict[Subject, tuple[str, Captioner]]:
        """For `frame` and `region`: the name of the stage that learnt to write of it, and its network."""
        found: dict[Subject, tuple[str, Captioner]] = {}
        features = self.alignment().vision.features
        for stage in self.recipe.stages:
            if isinstance(stage.task, CaptionOptions) and stage.captioner is not None:
                net = captioner.build(stage.captioner, features, torch.zeros(len(self.vocabulary)))
                net = _filled(net, self.folder / stage.name / "best.safetensors")
                found |= dict.fromkeys(stage.task.subjects, (stage.name, net))
        return found


def _filled(net: Net, path: Path) -> Net:
    net.load_state_dict(checkpoint.load(path)[0])
    return net.eval()
