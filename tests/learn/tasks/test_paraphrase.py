"""The stage of paraphrase: its loss against literal loops, what it trains, and its figures."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from dvsa.learn.loop.config import TrainConfig
from dvsa.learn.loop.order import batch_at
from dvsa.learn.loop.trainer import train
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.recipes.recipe import Recipe, recipe_from_json
from dvsa.learn.tasks.corpus import Corpus
from dvsa.learn.tasks.paraphrase import Group, ParaphraseStage, ParaphraseTask, directions


def build_task(
    model: JointModel, corpus: Corpus, texts: Sequence[Group] = (), max_words: int = 16
) -> ParaphraseTask:
    return ParaphraseTask(stage(max_words=max_words), model, corpus, texts)


def stage(**options: int) -> ParaphraseStage:
    return ParaphraseStage(name="read", train=TrainConfig(epochs=1), **options)


def score(model: JointModel, corpus: Corpus, a: list[int], b: list[int]) -> float:
    """S(a, b), computed word by word."""
    s_TD, s_UD = (model.sentence(*corpus.padded([ids]))[0] for ids in (a, b))
    best = [max(torch.dot(s, functional.normalize(u, dim=0)).item() for u in s_UD) for s in s_TD]
    return sum(best)


def test_the_loss_equals_literal_loops(model: JointModel, corpus: Corpus) -> None:
    task = build_task(model, corpus)
    torch.manual_seed(5)
    loss = task.loss(model, task.inputs(model, batch_at(0, len(task), 6, 0)))

    # The same pairs of sentences.
    torch.manual_seed(5)
    _, number_L = task.groups.some(np.array(batch_at(0, len(task), 6, 0)), 2)
    sentences = [sentence for group in task.groups for sentence in group]
    sides = [[sentences[number] for number in number_L[side::2]] for side in (0, 1)]

    # InfoNCE of finding a by b, and b by a.
    wanted = 0.0
    for a, b in (sides, sides[::-1]):
        S = np.array([[score(model, corpus, asked, found) for asked in b] for found in a])
        down = [math.log(np.exp(S[:, n]).sum()) - S[n, n] for n in range(6)]
        across = [math.log(np.exp(S[n]).sum()) - S[n, n] for n in range(6)]
        wanted += (np.mean(down) + np.mean(across)) / 4

    assert loss.item() == pytest.approx(wanted, rel=1e-4)


def test_padding_repeats_the_first_word() -> None:
    torch.manual_seed(0)
    s_LTD, real_LT = torch.randn(2, 4, 3), torch.tensor([[True] * 4, [True, True, False, False]])
    u_LTD = directions(s_LTD, real_LT)
    torch.testing.assert_close(u_LTD.norm(dim=-1), torch.ones(2, 4))
    torch.testing.assert_close(u_LTD[1, 2:], u_LTD[1, :1].expand(2, 3))


def test_sentences_are_cut_and_groups_need_two_of_them(model: JointModel, corpus: Corpus) -> None:
    texts = [[[3, 4, 5, 6], [7]], [[8]], [[], [9]], [[10], [11], [12]]]
    task = build_task(model, corpus, texts, max_words=3)
    assert task.groups[-2:] == [[[3, 4, 5], [7]], [[10], [11], [12]]]
    assert len(task.groups) == len(corpus.train_ids) + 2
    with pytest.raises(ValueError, match="max_words must be at least 1, not 0"):
        stage(max_words=0)


def test_only_the_sentence_encoder_is_trained(model: JointModel, corpus: Corpus) -> None:
    task = build_task(model, corpus)
    trained = {name for name, _ in model.named_parameters() if task.lr_scale(name)}
    assert trained == {name for name, _ in model.named_parameters() if name.startswith("sentence.")}


@pytest.mark.slow
def test_training_raises_recall(
    model: JointModel, corpus: Corpus, tmp_path_factory: pytest.TempPathFactory
) -> None:
    task = build_task(model, corpus)
    before = task.evaluate(model.eval())["mean recall"]
    cfg = TrainConfig(epochs=40, batch=12, lr=4e-3, warmup=5, evaluate_every=20)
    out = tmp_path_factory.mktemp("run")
    after = task.evaluate(train(task, cfg, out, torch.device("cpu"), quiet=True))["mean recall"]
    assert after > before + 15


def test_recalls_equal_those_of_literal_ranks(model: JointModel, corpus: Corpus) -> None:
    task = build_task(model, corpus)
    figures = task.evaluate(model.eval())
    with torch.no_grad():
        S = np.array([[score(model, corpus, list(a[0]), list(b[1])) for a in task.val] for b in task.val])

    ranks = [int((S[:, n] >= S[n, n]).sum()) for n in range(len(task.val))]
    for k in (1, 5, 10):
        assert figures[f"R@{k}"] == pytest.approx(100 * np.mean([rank <= k for rank in ranks]))
    assert figures["mean recall"] == pytest.approx(np.mean([figures[f"R@{k}"] for k in (1, 5, 10)]))


def test_a_recipe_with_this_stage_comes_back_from_json() -> None:
    toy = RECIPES["toy"]()
    recipe: Recipe = replace(toy, stages=(stage(max_words=9), *toy.stages))
    assert recipe_from_json(recipe.to_json()) == recipe
