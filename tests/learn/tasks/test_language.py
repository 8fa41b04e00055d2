"""The stage that learns the language: its loss, its figures, and a captioner that continues it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dvsa.learn.loop.config import TrainConfig
from dvsa.learn.nets.captioner import CaptionerConfig
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.tasks.captions import CaptionStage
from dvsa.learn.tasks.context import Context
from dvsa.learn.tasks.corpus import Corpus
from dvsa.learn.tasks.language import LanguageStage, LanguageTask
from dvsa.learn.tasks.paraphrase import Group
from dvsa.text import END, START

CFG = CaptionerConfig(kind="attention", hidden=16, word_size=12)
TRAIN = TrainConfig(epochs=1, batch=16)


def stage(**options: object) -> LanguageStage:
    return LanguageStage(name="write", train=TRAIN, captioner=CFG, **options)  # type: ignore[arg-type]


def task_of(
    model: JointModel, corpus: Corpus, extra: Sequence[Group] = (), max_words: int = 24
) -> LanguageTask:
    torch.manual_seed(0)
    return LanguageTask(stage(max_words=max_words), model, corpus, extra)


def test_the_loss_equals_literal_steps(model: JointModel, corpus: Corpus) -> None:
    task = task_of(model, corpus)
    net, batch = task.build().eval(), [3, 0, 7]
    nats, count = 0.0, 0
    for k in batch:
        (sentence,) = task.train[k]
        state = net.start(torch.zeros(1, 1, model.vision.features), torch.tensor([0]))
        for before, word in zip([START, *sentence], [*sentence, END], strict=True):
            logit_1V, state = net.step(torch.tensor([before]), state)
            nats, count = nats - logit_1V[0].log_softmax(0)[word].item(), count + 1
    assert task.loss(net, task.inputs(net, batch)).item() == pytest.approx(nats / count, rel=1e-5)


def test_it_learns_from_all_sentences_that_are_short_enough(model: JointModel, corpus: Corpus) -> None:
    own = [sentence for group in corpus.train_ids for sentence in group]
    longest = max(map(len, own))
    task = task_of(model, corpus, [[[3, 4], [5] * (longest + 1)], [[]]], max_words=longest)
    assert [sentence for (sentence,) in task.train] == [*own, [3, 4]]
    shorter = task_of(model, corpus, max_words=longest - 1)
    assert [sentence for (sentence,) in shorter.train] == [s for s in own if len(s) < longest]


def test_the_figure_is_the_perplexity_of_val(
    model: JointModel, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = task_of(model, corpus)
    net = task.build().eval()
    whole = task.evaluate(net)
    every = task._asked(task.val, range(len(task.val)))
    with torch.no_grad():
        assert whole["negative perplexity"] == pytest.approx(-task.loss(net, every).exp().item(), rel=1e-5)
    monkeypatch.setattr("dvsa.learn.tasks.language.JUDGED", 7)
    assert task.evaluate(net) == pytest.approx(whole, rel=1e-5)


@pytest.mark.parametrize("options", [{"max_words": 0}, {"after": "caption"}])
def test_invalid_options_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="a language stage needs"):
        stage(**options)
    with pytest.raises(ValueError, match="standardise"):
        replace(stage(), captioner=replace(CFG, standardise=True))


def test_data_without_short_sentences_is_refused(model: JointModel, corpus: Corpus) -> None:
    with pytest.raises(ValueError, match="no sentence has at most 1 known words: leave this stage out"):
        task_of(model, corpus, max_words=1)


def test_a_captioner_continues_what_has_been_learned(
    model: JointModel, corpus: Corpus, tmp_path: Path
) -> None:
    context = Context(corpus=corpus, folder=tmp_path)
    model = stage().run(model, context)
    caption = CaptionStage(name="caption", train=TRAIN, captioner=CFG, proposer="grid", after="write")
    assert caption.run(model, context) is model
    assert (context.folder / "caption" / "best.safetensors").is_file()
