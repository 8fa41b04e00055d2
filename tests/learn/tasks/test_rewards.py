"""The stage of rewards: how drawn captions are scored, and that better ones become more probable."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dvsa.learn.loop.config import TrainConfig
from dvsa.learn.nets.captioner import CaptionerConfig, log_frequencies
from dvsa.learn.nets.captioner import build as build_captioner
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.tasks import rewards
from dvsa.learn.tasks.corpus import Corpus
from dvsa.learn.tasks.rewards import MAX_DRAWN, RewardStage, RewardTask, advantages, draw
from dvsa.learn.tasks.rows_ahead import whole
from dvsa.metrics.cider import cider
from dvsa.text import END, START, START_PHRASE

CFG = CaptionerConfig(kind="attention", hidden=16, word_size=12)


def stage(**options: object) -> RewardStage:
    return RewardStage(name="reward", train=TrainConfig(epochs=1), captioner=CFG, **options)  # type: ignore[arg-type]


@pytest.fixture
def task(model: JointModel, corpus: Corpus) -> RewardTask:
    torch.manual_seed(0)
    net = build_captioner(CFG, model.vision.features, log_frequencies(corpus.vocabulary))
    return RewardTask(stage(nms=0.5, after="caption", samples=3), model, corpus, net.eval())


@given(st.integers(1, 4), st.integers(2, 5), st.integers(0, 99))
def test_the_advantage_is_over_the_other_captions_of_the_photograph(K: int, N: int, seed: int) -> None:
    reward_KN = torch.from_numpy(np.random.default_rng(seed).random((K, N)))
    found_KN = advantages(reward_KN)
    for k in range(K):
        for n in range(N):
            others = [reward_KN[k, m].item() for m in range(N) if m != n]
            assert found_KN[k, n].item() == pytest.approx(reward_KN[k, n].item() - np.mean(others))
    torch.testing.assert_close(found_KN.sum(1), torch.zeros(K, dtype=torch.float64))


def test_the_loss_is_the_advantage_times_the_log_probability(
    task: RewardTask, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, index = task.build(), [7, 11]

    # Three captions for each of two photographs; one is cut off, one belongs to the other photograph.
    first, second = (corpus.train_ids[k][0] for k in index)
    cut_off = (first * MAX_DRAWN)[:MAX_DRAWN]
    drawn = [first, first[:2], cut_off, second, [*first, 3], []]
    monkeypatch.setattr(rewards, "draw", lambda *_: drawn)
    found = task.loss(net, task.inputs(net, index))

    decode = corpus.vocabulary.decode
    references = [[[*decode(s), "."] for s in sentences] for sentences in corpus.train_ids]
    total, count = 0.0, 0
    for place, k in enumerate(index):
        captions, scores = drawn[3 * place : 3 * place + 3], []

        # CIDEr of each caption.
        for ids in captions:
            words = [*decode(ids), "."] if len(ids) < MAX_DRAWN else decode(ids)
            hypotheses = [words if j == k else [] for j in range(len(references))]
            scores.append(cider(references, hypotheses)[k])

        # Its log-probability, times its gain over the other two.
        for n, ids in enumerate(captions):
            gain = scores[n] - np.mean([score for m, score in enumerate(scores) if m != n])
            frame = torch.tensor([whole(task.train_KIF).shape[1] - 1])
            state, before = net.start(whole(task.train_KIF)[k][None].float(), frame), START
            for word in [*ids, END]:
                logit_1V, state = net.step(torch.tensor([before]), state)
                total -= gain * logit_1V.log_softmax(-1)[0, word].item()
                before, count = word, count + 1

    assert found.item() == pytest.approx(total / count, rel=1e-4, abs=1e-5)


def test_words_are_drawn_by_their_probability(task: RewardTask) -> None:
    net = task.build()
    torch.manual_seed(0)
    feature_BIF = whole(task.train_KIF)[:1].float().expand(3000, -1, -1)
    drawn = draw(net, feature_BIF)
    assert all(START not in ids and START_PHRASE not in ids and END not in ids for ids in drawn)
    assert max(map(len, drawn)) <= MAX_DRAWN

    # The first words are as frequent as their probabilities say.
    frame = torch.tensor([feature_BIF.shape[1] - 1])
    logit_1V, _ = net.step(torch.tensor([START]), net.start(feature_BIF[:1], frame))
    logit_1V[:, [START, START_PHRASE]] = -torch.inf
    p_V = logit_1V.softmax(-1)[0]
    for word in p_V.topk(3).indices.tolist():
        share = np.mean([(ids[0] if ids else END) == word for ids in drawn])
        assert share == pytest.approx(p_V[word].item(), abs=0.04)


@pytest.mark.slow
def test_training_raises_the_reward(task: RewardTask) -> None:
    net = task.build()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)

    def mean_reward() -> float:
        torch.manual_seed(1)
        asked = [k for k in range(24) for _ in range(10)]
        drawn = draw(net.eval(), whole(task.train_KIF)[asked].float())
        decode = task.corpus.vocabulary.decode
        return float(np.mean([task.cider(k, decode(ids)) for k, ids in zip(asked, drawn, strict=True)]))

    before = mean_reward()
    for step in range(40):
        torch.manual_seed(step)
        optimizer.zero_grad()
        task.loss(net, task.inputs(net, range(24))).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert mean_reward() > 1.5 * before


@pytest.mark.parametrize(
    "changes",
    [
        {"samples": 1, "after": "caption"},
        {"samples": 5},
    ],
)
def test_a_stage_without_comparison_or_a_captioner_to_continue_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="rewards need at least 2 samples, and a stage to continue"):
        stage(**changes)
