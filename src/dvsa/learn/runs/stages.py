"""One stage of a recipe after the other: which task it is, and what it begins with."""

from collections.abc import Sequence
from pathlib import Path

from dvsa.learn.loop import checkpoint
from dvsa.learn.loop.trainer import TrainConfig, train
from dvsa.learn.nets import captioner
from dvsa.learn.nets.captioner import Captioner, CaptionerConfig
from dvsa.learn.recipes.recipe import Stage
from dvsa.learn.runs.warm_start import Initial
from dvsa.learn.tasks.alignment import AlignmentModel, AlignmentOptions, AlignmentTask, ProposalTask
from dvsa.learn.tasks.captions import CaptionOptions, CaptionTask
from dvsa.learn.tasks.corpus import Corpus
from dvsa.learn.tasks.paraphrase import Group, ParaphraseOptions, ParaphraseTask
from dvsa.learn.tasks.rewards import SelfCriticalTask


def learn(
    cfg: TrainConfig,
    stage: Stage,
    model: AlignmentModel,
    corpus: Corpus,
    read: Sequence[Group],
    begin: Initial | None,
    folder: Path,
) -> AlignmentModel:
    """Train a stage; the network of photographs and sentences behind it."""
    where, quiet = corpus.device, corpus.quiet
    if isinstance(stage.task, ParaphraseOptions):
        reader = ParaphraseTask(stage.name, model, corpus, read, stage.task)
        return train(reader, cfg, folder, where, quiet=quiet)
    if isinstance(stage.task, AlignmentOptions):
        kind = ProposalTask if stage.proposals_only else AlignmentTask
        return train(kind(stage.name, model, corpus, stage.task), cfg, folder, where, quiet=quiet)
    _learn_to_write(cfg, stage, stage.task, model, corpus, begin, folder)
    return model


def _learn_to_write(
    cfg: TrainConfig,
    stage: Stage,
    options: CaptionOptions,
    model: AlignmentModel,
    corpus: Corpus,
    begin: Initial | None,
    folder: Path,
) -> None:
    """Train a captioner; one that learns from boxes where there are none stays as the bundle has it."""
    if stage.captioner is None:
        raise ValueError(f"the stage {stage.name!r} learns to write, but names no captioner")
    first = _first(stage.captioner, stage, options, model, corpus, begin, folder)
    if first is not None and options.phrases == "boxes" and not any(map(len, corpus.train.truth)):
        checkpoint.save(folder / "best.safetensors", first.state_dict(), {})
        return
    kind = SelfCriticalTask if options.samples else CaptionTask
    writing = kind(stage.name, model, corpus, stage.captioner, options, first)
    train(writing, cfg, folder, corpus.device, quiet=corpus.quiet)


def _first(
    captioner_cfg: CaptionerConfig,
    stage: Stage,
    options: CaptionOptions,
    model: AlignmentModel,
    corpus: Corpus,
    begin: Initial | None,
    folder: Path,
) -> Captioner | None:
    """The captioner that a stage begins with: the bundle's, or an earlier stage's; None for a fresh one."""
    if begin is not None:
        return begin.captioner(stage, corpus.vocabulary, model.vision.features)
    if not options.after:
        return None
    frequencies = captioner.log_frequencies(corpus.vocabulary)
    net = captioner.build(captioner_cfg, model.vision.features, frequencies)
    net.load_state_dict(checkpoint.load(folder.parent / options.after / "best.safetensors")[0])
    return net
