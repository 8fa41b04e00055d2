"""Training a recipe on data: one stage after the other, in a folder."""

from pathlib import Path

import torch

from dvsa import files
from dvsa.data import Dataset
from dvsa.data.word_vectors import WordVectors
from dvsa.learn.loop import loggers, processes
from dvsa.learn.loop.checkpoint import JsonValue
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.adapted import adapted
from dvsa.learn.runs.device import pick_device
from dvsa.learn.runs.exportable import require_export
from dvsa.learn.runs.inputs import FitOptions, Inputs
from dvsa.learn.runs.memory import Memory
from dvsa.learn.runs.proposer import BundleProposer
from dvsa.learn.runs.record import begin, configuration, is_begun, write_exposure
from dvsa.learn.runs.reuse import reuse
from dvsa.learn.runs.sentence_encoder import SentenceEncoder
from dvsa.learn.tasks import naming
from dvsa.learn.tasks.alignment import AlignmentStage
from dvsa.learn.tasks.context import Context
from dvsa.learn.tasks.corpus import Corpus
from dvsa.text import Vocabulary

DEFAULTS = FitOptions()
LEFT_OUT = "left_out.tsv"
"""The file of a run that names the photographs that cannot be read."""


def fit(recipe: Recipe, data: Dataset, out: Path, options: FitOptions = DEFAULTS) -> None:
    """Train every stage of a recipe; continue where an earlier call on the same folder stopped.

    Args:
        recipe: what to train.
        data: needs the splits `train` and `val`; `test` is never used.
        out: the run's folder.
        options: seed, device, and what the run builds on.

    Raises:
        ValueError: the folder holds another run, the data lacks something that the recipe needs, the
            bundle to continue does not fit the recipe, or the backbone has no weights or cannot be exported.
    """
    options = options if processes.rank() == 0 else options.silent()

    # What the run learns from, and what it can learn from it.
    device = pick_device(options.device)
    inputs = Inputs.open(data, options, recipe.min_count, more_words=_names(recipe))
    recipe = recipe.with_eye(
        backbone=options.backbone,
        described_by=options.described_by,
        full_resolution=options.full_resolution,
    )
    recipe, changes = adapted(recipe, inputs)
    for line in changes:
        options.tell(line)
    if inputs.warm_start is not None and inputs.warm_start.bundle.taught.vectors:
        options.tell("names that the bundle was taught are not continued: teach them again (dvsa teach)")
    if not recipe.stages:
        raise ValueError(f"the recipe {recipe.name} has nothing to learn from this data: train another one")

    # The network before the first stage. The folder says which run it holds.
    config = configuration(recipe, inputs, options)
    begun = is_begun(out, config, options)
    model = _build(recipe, inputs, options)
    _begin(out, config, begun, model, recipe, inputs)

    # The data as the network sees them.
    corpus = _corpus(inputs, model.vision.size, device, out, options)
    if inputs.warm_start is None:
        model.vision.set_anchors(corpus.anchors(recipe.vision.anchors))
    memory = Memory.of(inputs, model, recipe, device, options)
    with loggers.opened(options.log_to, out, config) as opened:
        context = Context(
            corpus=corpus,
            extra=inputs.extra_ids(),
            seed=options.seed,
            folder=out,
            replay=memory.replay,
            loggers=opened,
            warm_start=inputs.warm_start,
        )
        model = _train(model, recipe, inputs, context)
    memory.report(model, out)


def _names(recipe: Recipe) -> Vocabulary | None:
    """The words of the names of classes, if a stage learns them."""
    learned = any(isinstance(stage, AlignmentStage) and stage.naming for stage in recipe.stages)
    return naming.vocabulary() if learned else None


def _begin(
    out: Path,
    config: dict[str, JsonValue],
    begun: bool,
    model: JointModel,
    recipe: Recipe,
    inputs: Inputs,
) -> None:
    """The first process writes what the run is, unless an earlier call has done it."""
    processes.wait()  # all have looked at the folder
    if processes.rank() == 0:
        if not begun:
            require_export(model.vision)
            begin(out, config)
        write_exposure(out, recipe, inputs)
    processes.wait()


def _corpus(inputs: Inputs, size: int, device: torch.device, out: Path, options: FitOptions) -> Corpus:
    """The data; the photographs that are left out are told, and all of them written to `LEFT_OUT`."""
    training, val, given = inputs.training, inputs.val, inputs.given
    corpus = Corpus(training, val, inputs.vocabulary, size, device, given=given, quiet=options.quiet)
    faults = [fault for split in (corpus.train, corpus.val) for fault in split.faults]
    if faults and processes.rank() == 0:
        files.write(out / LEFT_OUT, "".join(f"{name}\t{reason}\n" for name, reason in faults).encode())
        first = "; ".join(reason for _, reason in faults[:3])
        options.tell(
            f"{len(faults):,} photographs cannot be read and are left out ({out / LEFT_OUT}): {first}"
        )
    return corpus


def _train(model: JointModel, recipe: Recipe, inputs: Inputs, context: Context) -> JointModel:
    """Train every stage with the network of the stage before; an equal stage of an earlier run is reused.

    Returns the joint model after the last stage.
    """
    for stage in recipe.stages:
        model = model.to(context.device)
        reused = inputs.earlier is not None and reuse(inputs.earlier, stage, recipe, model, context)
        if not reused:
            model = stage.run(model, context)
    return model


def _build(recipe: Recipe, inputs: Inputs, options: FitOptions) -> JointModel:
    """A new joint model, or that of the bundle to continue."""
    torch.manual_seed(options.seed)
    if inputs.warm_start is not None:
        return inputs.warm_start.joint_model(inputs.vocabulary)
    word_VD = None
    if isinstance(inputs.pretrained, WordVectors):
        word_VD = torch.from_numpy(inputs.pretrained.word_VD(inputs.vocabulary, options.seed))
    weights = inputs.backbone_weights
    model = JointModel(
        recipe.vision, recipe.sentence, len(inputs.vocabulary), None, word_VD, pretrained=weights is None
    )
    if weights is not None:
        weights.load_into(model.vision.backbone, recipe.vision.backbone)
    if isinstance(inputs.pretrained, SentenceEncoder):
        inputs.pretrained.fill(model.sentence)
    if model.vision.proposer is not None and isinstance(inputs.proposer, BundleProposer):
        inputs.proposer.fill(model.vision.proposer)
    return model
