"""Photographs and region features: how they are computed, and when they are computed again."""

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dvsa import photo
from dvsa.data import Dataset
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.nets.regions import choose_boxes
from dvsa.learn.nets.vision import Maps
from dvsa.learn.tasks import features
from dvsa.learn.tasks.corpus import Corpus
from dvsa.learn.tasks.features import look_autocast, region_features
from dvsa.learn.tasks.photographs import Photographs, SquarePhotographs
from dvsa.learn.tasks.rows_ahead import whole

CPU = torch.device("cpu")


def squares(photographs: Photographs) -> SquarePhotographs:
    assert isinstance(photographs, SquarePhotographs)
    return photographs


def test_photographs_are_read_as_the_model_reads_them(corpus: Corpus) -> None:
    for k in (0, 5):
        wanted_HWC = photo.squash(photo.read(corpus.train.examples[k].read()), 64)
        np.testing.assert_array_equal(corpus.train.batch([k])[0].numpy(), wanted_HWC)
    assert torch.equal(corpus.train.batch([5, 0]), whole(squares(corpus.train).pixels_KHWC)[[5, 0]])


def test_a_changed_file_is_read_again(tiny: Dataset, tmp_path: Path) -> None:
    source = tiny.split("train")[0].file
    (tmp_path / "a.png").write_bytes(source.read())
    example = replace(tiny.split("train")[0], source=replace(source, path=tmp_path / "a.png"))
    before = SquarePhotographs([example], 32, CPU, quiet=True)
    (tmp_path / "a.png").write_bytes(tiny.split("train")[1].read())
    os.utime(tmp_path / "a.png", ns=(1, 1))
    after = SquarePhotographs([example], 32, CPU, quiet=True)
    assert before.keys != after.keys
    assert not torch.equal(before.batch([0]), after.batch([0]))


def test_true_boxes_are_distinct_and_have_phrase_counts(corpus: Corpus) -> None:
    for example, truth_G5 in zip(corpus.val.examples, corpus.val.truth, strict=True):
        counted = Counter(p.box for p in example.phrases if p.box is not None)
        found = {tuple(row[:4]): row[4] for row in truth_G5.tolist()}
        assert len(found) == len(truth_G5) == len(counted)
        for box, count in counted.items():
            near = [n for other, n in found.items() if np.allclose(other, box, atol=1e-6)]
            assert near == [count]
    bare = SquarePhotographs([replace(corpus.val.examples[0], phrases=())], 64, CPU, quiet=True)
    assert [t.shape for t in bare.truth] == [(0, 5)]


@pytest.mark.parametrize("proposer", ["head", "grid"])
def test_features_are_those_of_the_network_in_half_precision(
    model: JointModel, corpus: Corpus, proposer: str
) -> None:
    feature_KIF = whole(region_features(model.vision.train(), corpus.train, proposer, 0.5))
    assert feature_KIF.dtype == torch.float16
    assert feature_KIF.shape == (24, 20, model.vision.features)
    with torch.no_grad():
        looked = look_autocast(model.vision, corpus.train.batch([3]))
        chosen_BI4 = choose_boxes(looked.logit_BN, looked.box_BN4, proposer, 0.5)
        wanted_BIF = model.vision.pool(looked.maps, None, chosen_BI4)
    torch.testing.assert_close(feature_KIF[3:4].float(), wanted_BIF, atol=1e-2, rtol=2e-3)


def test_features_are_computed_again_if_anything_they_depend_on_changes(
    model: JointModel, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    pools, pool = 0, model.vision.pool

    def counted(maps: Maps | None, shown_BIC: torch.Tensor | None, box_BI4: torch.Tensor) -> torch.Tensor:
        nonlocal pools
        pools += 1
        return pool(maps, shown_BIC, box_BI4)

    monkeypatch.setattr(model.vision, "pool", counted)
    head = model.vision.proposals
    assert head is not None
    with torch.no_grad():
        head.fine.weight[0, 0] = 0.123  # no other test has cached these weights

    def is_new(proposer: str = "head", nms: float = 0.5, split: Photographs = corpus.val) -> bool:
        before = pools
        region_features(model.vision, split, proposer, nms)
        return pools > before

    assert is_new()
    assert not is_new()
    assert is_new(nms=0.6)
    assert is_new(proposer="coverage")
    assert is_new(proposer="grid")
    assert is_new(split=corpus.train)

    with torch.no_grad():
        model.vision.regions.affine.weight.add_(1)  # features do not depend on the region encoder
    assert not is_new()
    for part in (model.vision.backbone, head):
        with torch.no_grad():
            next(iter(part.parameters())).add_(1e-3)
        assert is_new()
        assert not is_new()

    monkeypatch.setattr(features, "source_code", lambda *modules: "changed")
    assert is_new()
