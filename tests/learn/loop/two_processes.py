"""Gradients and 20 steps of each task, for `test_processes`: in one process, or in several under torchrun.

    python two_processes.py DATA OUT [DEVICE]

DATA has 24 training photographs. OUT gets TASK.gradients.safetensors and TASK.safetensors.
"""

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch

from dvsa.data import load
from dvsa.learn.loop import checkpoint, processes
from dvsa.learn.loop.config import TrainConfig
from dvsa.learn.loop.recording import Recorder
from dvsa.learn.loop.trainer import Task, train
from dvsa.learn.nets.captioner import CaptionerConfig
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.tasks.alignment import AlignmentStage, AlignmentTask
from dvsa.learn.tasks.captions import CaptionStage, CaptionTask
from dvsa.learn.tasks.corpus import Corpus
from dvsa.learn.tasks.paraphrase import ParaphraseStage, ParaphraseTask
from dvsa.learn.tasks.proposals import ProposalStage, ProposalTask
from dvsa.learn.tasks.visual import HEADS
from dvsa.text import Vocabulary, words

CFG = TrainConfig(epochs=5, batch=6, lr=2e-3, optimizer="sgd", ema=0.9, clip_norm=2.0, evaluate_every=3)
ALL = {"vision.": 1.0, "sentence.": 1.0}


def tasks(corpus: Corpus, vocabulary: Vocabulary) -> Iterator[Task]:  # type: ignore[type-arg]
    """Tasks whose steps draw no random numbers, each with a network of its own."""
    recipe = RECIPES["toy"]()

    def model() -> JointModel:
        torch.manual_seed(0)
        model = JointModel(recipe.vision, recipe.sentence, len(vocabulary), corpus.anchors(4))
        return model.to(corpus.device)

    # All sentences of each photograph, so that none are drawn.
    for loss, lr in (("info_nce", HEADS), ("max_margin", ALL)):
        align = AlignmentStage(
            name=loss, train=CFG, loss=loss, sentences=5, lr=lr, grounding=0.5, each_word=True
        )
        yield AlignmentTask(align, model(), corpus)
    yield ProposalTask(ProposalStage(name="regions", train=CFG, lr=ALL), model(), corpus)
    yield ParaphraseTask(ParaphraseStage(name="read", train=CFG), model(), corpus)
    writer = CaptionerConfig(kind="attention", hidden=16, word_size=16)
    yield CaptionTask(
        CaptionStage(name="caption", train=CFG, captioner=writer, smoothing=0.1), model(), corpus
    )


def main() -> None:
    """Train every task."""
    data, out = load(Path(sys.argv[1])), Path(sys.argv[2])
    name = sys.argv[3] if len(sys.argv) > 3 else "cpu"
    torch.rand = lambda *shape: torch.arange(shape[-1]).expand(shape).float()  # type: ignore[assignment]
    with processes.joined():
        device = torch.device(name)
        examples = data.split("train")
        vocabulary = Vocabulary.build([words(s) for e in examples for s in e.sentences], 1)
        corpus = Corpus(examples, data.split("val"), vocabulary, 64, device, quiet=True)
        for task in tasks(corpus, vocabulary):
            net = task.build().to(device)
            for name, parameter in net.named_parameters():
                parameter.requires_grad_(bool(task.lr_scale(name)))
            trained = [p for p in net.parameters() if p.requires_grad]
            inputs = task.inputs(net, processes.share(range(6)))
            Recorder(trained, record=False).gradients(partial(task.loss, net), inputs)
            processes.average_gradients(trained)
            if processes.rank() == 0:
                found = {name: p.grad for name, p in net.named_parameters() if p.grad is not None}
                checkpoint.save(out / f"{task.name}.gradients.safetensors", found, {})

            best = train(task, CFG, out / task.name, device, quiet=True)
            if processes.rank() == 0:
                checkpoint.save(out / f"{task.name}.safetensors", best.state_dict(), {})


if __name__ == "__main__":
    main()
