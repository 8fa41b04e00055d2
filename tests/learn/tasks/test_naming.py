"""The loss of names against loops in numpy; what is drawn; what is refused."""

import math

import numpy as np
import pytest
import torch

from dvsa.classes import CLASSES, names
from dvsa.learn.tasks import naming
from dvsa.learn.tasks.naming import Called, Classifier, Naming
from dvsa.learn.tasks.phrases import SHARPNESS
from dvsa.text import Vocabulary

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def words() -> Vocabulary:
    return naming.vocabulary()


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    random = torch.Generator().manual_seed(1)
    return Classifier(torch.randn(CLASSES, 7, generator=random), torch.randn(CLASSES, generator=random))


@pytest.fixture(scope="module")
def named(words: Vocabulary, classifier: Classifier) -> Naming:
    return Naming(words, classifier, pushed=0.4)


def test_every_class_has_a_name_and_dogs_are_dogs() -> None:
    single = {name.classes[0] for name in names() if len(name.classes) == 1}
    assert single == set(range(CLASSES))
    by_words = {" ".join(name.words): name.classes for name in names()}
    assert by_words["espresso"] == (967,)
    assert len(by_words["dog"]) == 118
    assert set(by_words["dog"]) < set(by_words["animal"])
    assert not set(by_words["dog"]) & set(by_words["cat"])


def test_names_that_are_drawn_divide_the_classes(named: Naming, words: Vocabulary) -> None:
    by_ids: dict[tuple[int, ...], set[int]] = {}
    for name in names():
        by_ids.setdefault(tuple(words.encode(name.words)), set()).update(name.classes)
    seen_common = False
    for seed in range(5):
        torch.manual_seed(seed)
        called = named.drawn(3, 4, CPU)
        used = called.real_NT.any(1)
        assert used.sum() == called.name_C.max() + 1
        ids = [tuple(row[real].tolist()) for row, real in zip(called.ids_NT, called.real_NT, strict=True)]
        for n in range(int(used.sum())):
            classes = set((called.name_C == n).nonzero()[:, 0].tolist())
            assert classes <= by_ids[ids[n]]
            seen_common |= len(classes) > 50
        assert len(set(ids[: int(used.sum())])) == used.sum()
        assert called.region_R.sort().values.tolist() == list(range(12))
    assert seen_common


def test_some_regions_are_pushed_and_the_others_stay(named: Naming, classifier: Classifier) -> None:
    torch.manual_seed(0)
    feature_KIF, called = torch.rand(30, 20, 9), named.drawn(30, 20, CPU)
    found_KIF = named.push(feature_KIF, called)
    assert 0.3 < (called.push_KI >= 0).float().mean() < 0.5
    for k in range(30):
        for i in range(20):
            c, x_F = int(called.push_KI[k, i]), feature_KIF[k, i, :7].numpy()
            if c >= 0:
                w_F = classifier.weight_CF[c].numpy()
                x_F = np.maximum(x_F / 2 + float(called.strength_KI[k, i]) * w_F / (w_F @ w_F), 0)
            np.testing.assert_allclose(found_KIF[k, i, :7], x_F, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found_KIF[..., 7:], feature_KIF[..., 7:])


def test_the_loss_is_the_cross_entropy_over_names(named: Naming, classifier: Classifier) -> None:
    torch.manual_seed(2)
    called = named.drawn(2, 3, CPU)
    feature_KIF, v_KID = torch.rand(2, 3, 9), torch.randn(2, 3, 5)
    s_NTD = torch.randn(*called.ids_NT.shape, 5)
    found = named.loss(feature_KIF, v_KID, s_NTD, called)

    total, used = 0.0, int(called.real_NT.any(1).sum())
    for k in range(2):
        for i in range(3):
            z_C = classifier.weight_CF.double() @ feature_KIF[k, i, :7].double() + classifier.bias_C.double()
            p_C = (z_C - z_C.logsumexp(0)).exp().numpy()
            logits = []
            for n in range(used):
                name_D = s_NTD[n, called.real_NT[n]].sum(0).double()
                cosine = torch.cosine_similarity(name_D, v_KID[k, i].double(), dim=0)
                logits.append(SHARPNESS * float(cosine))
            log_total = math.log(sum(map(math.exp, logits)))
            for n in range(used):
                total -= p_C[(called.name_C == n).numpy()].sum() * (logits[n] - log_total)
    assert found.item() == pytest.approx(total / 6, rel=1e-4)


def test_regions_learn_to_be_found_by_their_names(words: Vocabulary, classifier: Classifier) -> None:
    """With free vectors for each word, the loss falls, and the likeliest class is what names a region."""
    torch.manual_seed(3)
    one = Naming(words, classifier, pushed=0.0)
    feature_KIF = 8 * torch.eye(7)[None]
    v_KID = torch.randn(1, 7, 16, requires_grad=True)
    word_VD = torch.nn.Embedding(len(words), 16)
    optimizer = torch.optim.Adam([v_KID, *word_VD.parameters()], 0.05)
    for _ in range(200):
        called = one.drawn(1, 7, CPU)
        loss = one.loss(feature_KIF, v_KID, word_VD(called.ids_NT), called)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    likeliest = (feature_KIF[0] @ classifier.weight_CF.T + classifier.bias_C).argmax(1)
    own_ids = [words.encode(next(n for n in names() if n.classes == (int(c),)).words) for c in likeliest]
    name_ND = torch.stack([word_VD(torch.tensor(ids)).sum(0) for ids in own_ids])
    cosines = torch.nn.functional.normalize(v_KID[0], dim=1) @ torch.nn.functional.normalize(name_ND, dim=1).T
    assert (cosines.argmax(1) == torch.arange(7)).float().mean() > 0.8


def test_a_vocabulary_without_a_name_is_refused(classifier: Classifier) -> None:
    with pytest.raises(ValueError, match="no name of class 0 is known"):
        Naming(Vocabulary(("dog",), (1,), 1), classifier, pushed=0.0)


def test_drawn_values_have_fixed_shapes(named: Naming) -> None:
    shapes = {tuple(tuple(part.shape) for part in named.drawn(2, 3, CPU)) for _ in range(5)}
    assert len(shapes) == 1
    assert isinstance(named.drawn(2, 3, CPU), Called)
