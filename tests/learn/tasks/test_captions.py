"""The stage of captions: its targets, the loss of a batch, and the figures of a captioner."""

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from dvsa import beam
from dvsa.learn.loop.config import TrainConfig
from dvsa.learn.nets.captioner import CAPTIONERS, Captioner, CaptionerConfig
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.tasks import targets
from dvsa.learn.tasks.captions import CaptionStage, CaptionTask, greedy
from dvsa.learn.tasks.corpus import Corpus
from dvsa.learn.tasks.ragged import PhraseTargets
from dvsa.learn.tasks.rows_ahead import whole
from dvsa.learn.tasks.targets import CaptionTarget, Targets
from dvsa.metrics import captions
from dvsa.records import SUBJECTS, Subject
from dvsa.text import END, START, START_PHRASE

FRAME = 19
"""The index of the frame among the regions."""


def build_task(model: JointModel, corpus: Corpus, kind: str = "attention", **options: object) -> CaptionTask:
    return CaptionTask(stage(CaptionerConfig(kind=kind, hidden=8, word_size=6), **options), model, corpus)


def stage(cfg: CaptionerConfig | None = None, **options: object) -> CaptionStage:
    cfg = cfg or CaptionerConfig()
    return CaptionStage(name="caption", train=TrainConfig(epochs=1), captioner=cfg, nms=0.5, **options)  # type: ignore[arg-type]


def captioner(task: CaptionTask) -> Captioner:
    """The task's network with random weights."""
    torch.manual_seed(0)
    net = task.build()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return net.eval()


def test_the_targets_of_frames_are_all_sentences(model: JointModel, corpus: Corpus) -> None:
    task = build_task(model, corpus)
    wanted = [
        CaptionTarget(k, FRAME, START, tuple(sentence))
        for k, sentences in enumerate(corpus.train_ids)
        for sentence in sentences
    ]
    assert [*task.train] == wanted
    assert len(task.val) == 60
    assert task.goal == "CIDEr"


def test_two_subjects_have_the_targets_of_both(model: JointModel, corpus: Corpus) -> None:
    both = build_task(model, corpus, subjects=("frame", "region")).val
    frames, regions = (build_task(model, corpus, subjects=(one,)).val for one in SUBJECTS)
    assert [*both] == [*frames, *regions]


@pytest.mark.parametrize("kind", CAPTIONERS)
def test_the_loss_is_the_mean_negative_log_likelihood_of_words_and_ends(
    model: JointModel, corpus: Corpus, kind: str
) -> None:
    task = build_task(model, corpus, kind, subjects=("frame", "region"))
    task.train = Targets([task.train[0], task.train[-1], task.train[7]])
    net = captioner(task)

    # The words and the END of each target, one step each.
    nats = []
    for target in task.train:
        feature_1IF = whole(task.train_KIF)[target.photograph][None].float()
        state = net.start(feature_1IF, torch.tensor([target.focus]))
        before = target.start
        for word in (*target.words, END):
            logit_1V, state = net.step(torch.tensor([before]), state)
            nats.append(-logit_1V.log_softmax(1)[0, word].item())
            before = word

    assert task.loss(net, task.inputs(net, [0, 1, 2])).item() == pytest.approx(np.mean(nats), rel=1e-4)
    assert task.loss(net, task.inputs(net, [2, 0, 1])).item() == pytest.approx(np.mean(nats), rel=1e-4)
    assert len(task) == 3
    task.stage = replace(task.stage, smoothing=0.5)
    assert task.loss(net, task.inputs(net, [0, 1, 2])).item() != pytest.approx(np.mean(nats), rel=1e-4)


@pytest.mark.parametrize("kind", CAPTIONERS)
def test_a_captioner_of_regions_gets_only_the_region_and_the_frame(
    model: JointModel, corpus: Corpus, kind: str
) -> None:
    """All other regions would make no difference to its predictions."""
    task = build_task(model, corpus, kind, subjects=("region",))
    net = captioner(task)
    chosen = [target for target in task.train if target.focus != FRAME][:6]
    asked = task.asked(task.train_KIF, chosen)
    assert asked.feature_BIF.shape[1] == 2

    feature_BIF = whole(task.train_KIF)[[target.photograph for target in chosen]].float()
    focus_B = torch.tensor([target.focus for target in chosen])
    start_B1 = torch.full((6, 1), START_PHRASE)
    wanted_BTV = net(feature_BIF, focus_B, torch.cat([start_B1, asked.target_BT[:, :-1]], 1))
    torch.testing.assert_close(asked.logits(net), wanted_BTV)


def test_the_bias_starts_at_the_log_frequencies_of_the_training_words(
    model: JointModel, corpus: Corpus
) -> None:
    bias_V = build_task(model, corpus, "rnn").build().state_dict()["oh.bias"]
    counted = [word for sentences in corpus.train_ids for s in sentences for word in (*s, END)]
    for n in range(len(corpus.vocabulary)):
        share = counted.count(n) / len(counted) if n not in (START, START_PHRASE) else 1e-6
        assert bias_V[n].item() == pytest.approx(math.log(share), rel=1e-4)


def test_greedy_equals_that_of_dvsa_beam(model: JointModel, corpus: Corpus) -> None:
    task = build_task(model, corpus)
    net = captioner(task)
    feature_KIF = whole(task.val_KIF)[:5].float()

    def step(token_B: np.ndarray, state: beam.State) -> tuple[np.ndarray, beam.State]:
        with torch.no_grad():
            logit_BV, after = net.step(torch.from_numpy(token_B), tuple(torch.from_numpy(x) for x in state))
        return logit_BV.log_softmax(1).numpy(), tuple(x.numpy() for x in after)

    with torch.no_grad():
        state = tuple(x.numpy() for x in net.start(feature_KIF, torch.full((5,), FRAME)))
        found = greedy(net, feature_KIF)

    banned = (START, START_PHRASE)
    wanted = beam.greedy(step, state, start=START, end=END, max_len=25, banned=banned)
    for ids, hypothesis in zip(found, wanted, strict=True):
        assert corpus.vocabulary.decode(ids) == corpus.vocabulary.decode(hypothesis.tokens)


def test_a_captioner_is_evaluated_by_perplexity_and_greedy_captions(
    model: JointModel, corpus: Corpus
) -> None:
    task = build_task(model, corpus)
    net = captioner(task)
    found = task.evaluate(net)

    # Perplexity, one target at a time.
    nats = count = 0.0
    with torch.no_grad():
        for target in task.val:
            tokens = torch.tensor([[target.start, *target.words]])
            feature_1IF = whole(task.val_KIF)[target.photograph][None].float()
            logp_TV = net(feature_1IF, torch.tensor([target.focus]), tokens)[0].log_softmax(1)
            for t, word in enumerate((*target.words, END)):
                nats -= logp_TV[t, word].item()
                count += 1
        greedy_ids = greedy(net, whole(task.val_KIF).float())
    assert found["negative perplexity"] == pytest.approx(-math.exp(nats / count), rel=1e-3)
    names = [e.name for e in corpus.val.examples]
    references = {e.name: e.sentences for e in corpus.val.examples}
    hypotheses = {
        n: " ".join(corpus.vocabulary.decode(ids)) for n, ids in zip(names, greedy_ids, strict=True)
    }
    wanted = captions.score(references, hypotheses, with_meteor=False).figures(np.arange(12))
    assert found["CIDEr"] == pytest.approx(wanted["CIDEr"])
    assert found["BLEU-4"] == pytest.approx(wanted["BLEU-4"])


def test_a_captioner_of_regions_is_evaluated_by_perplexity_alone(model: JointModel, corpus: Corpus) -> None:
    task = build_task(model, corpus, subjects=("region",))
    assert task.goal == "negative perplexity"
    assert {*task.evaluate(captioner(task))} == {"negative perplexity"}


@pytest.mark.parametrize("subjects", [(), ("frame", "word")])
def test_unknown_subjects_are_refused(subjects: tuple[Subject, ...]) -> None:
    with pytest.raises(ValueError, match="subjects must be 'frame', 'region' or both"):
        stage(subjects=subjects)


def test_unknown_phrases_are_refused(model: JointModel, corpus: Corpus) -> None:
    with pytest.raises(ValueError, match="unknown phrases 'words': choose from segments, content, boxes"):
        stage(phrases="words")


@pytest.mark.parametrize("phrases", ["content", "boxes"])
def test_phrases_have_the_kind_asked_for(model: JointModel, corpus: Corpus, phrases: str) -> None:
    task = build_task(model, corpus, subjects=("region",), beta=0.0, phrases=phrases)
    segments = [*targets.of_segments(model, task.val_KIF, corpus.val_ids, corpus, 0.0)]
    wanted = {
        "content": targets.with_content(segments, corpus.vocabulary),
        "boxes": targets.of_boxes(task.val_KIF, corpus.val_ids, corpus.val_phrases),
    }
    assert [*task.val] == [*wanted[phrases]]
    assert 0 < len(task.val) < len(segments)


def test_phrases_of_boxes_need_boxes(model: JointModel, corpus: Corpus) -> None:
    bare = copy.copy(corpus)
    bare.train_phrases = PhraseTargets([[] for _ in sentences] for sentences in corpus.train_ids)
    with pytest.raises(ValueError, match="no boxes to learn from"):
        build_task(model, bare, subjects=("region",), phrases="boxes")


@pytest.mark.parametrize("subject", ["frame", "region"])
def test_a_captioner_standardises_the_features_of_its_subject(
    model: JointModel, corpus: Corpus, subject: Subject
) -> None:
    cfg = CaptionerConfig(kind="rnn", hidden=8, word_size=6, standardise=True)
    task = CaptionTask(stage(cfg, subjects=(subject,)), model, corpus)
    described_KIF = whole(task.train_KIF)[:, -1 if subject == "frame" else 0 :].float()
    seen_NF = task.build().standard(described_KIF).flatten(0, 1)
    varied_F = described_KIF.flatten(0, 1).std(0) > 1e-2
    torch.testing.assert_close(seen_NF.mean(0), torch.zeros(task.features), atol=1e-3, rtol=0)
    torch.testing.assert_close(seen_NF.std(0)[varied_F], torch.ones(int(varied_F.sum())), atol=1e-3, rtol=0)
