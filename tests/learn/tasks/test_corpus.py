"""What is prepared once: photographs, features and word ids, and when a cached array may be used again."""

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dvsa import boxes, photo
from dvsa.data import Dataset, Example, GroundedPhrase
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.nets.regions import best_boxes, choose_boxes, covering_boxes
from dvsa.learn.tasks import features
from dvsa.learn.tasks.cache import cache_dir, cached
from dvsa.learn.tasks.corpus import Corpus, phrase_targets
from dvsa.learn.tasks.features import SquarePhotographs, look, region_features
from dvsa.records import FRAME, Box
from dvsa.text import Vocabulary, words

CPU = torch.device("cpu")


def with_sentences(example: Example, *sentences: str) -> Example:
    return replace(example, sentences=sentences, phrases=())


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DVSA_CACHE", str(tmp_path / "mine"))
    assert cache_dir() == tmp_path / "mine"
    monkeypatch.delenv("DVSA_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_dir() == tmp_path / "dvsa"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_dir() == tmp_path / ".cache" / "dvsa"


def test_an_array_is_made_once_for_a_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DVSA_CACHE", str(tmp_path))
    made = []

    def fill(array: np.ndarray) -> None:
        made.append(array.shape)
        array[:] = 7

    first = cached(b"a", (2, 3), "uint8", fill)
    np.testing.assert_array_equal(cached(b"a", (2, 3), "uint8", fill), first)
    cached(b"b", (2, 3), "uint8", fill)
    assert len(made) == 2
    torch.from_numpy(first).fill_(9)  # a user of the array cannot write into the file
    assert cached(b"a", (2, 3), "uint8", fill).max() == 7
    assert {oct(p.stat().st_mode & 0o444) for p in tmp_path.iterdir()} == {"0o444"}


def test_an_interrupted_filling_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DVSA_CACHE", str(tmp_path))

    def fill(array: np.ndarray) -> None:
        array[0] = 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached(b"a", (2, 3), "uint8", fill)
    assert not list(tmp_path.iterdir())


def test_photographs_are_squashed_as_in_use(corpus: Corpus) -> None:
    for k in (0, 5):
        wanted_HWC = photo.squash(photo.read(corpus.train.examples[k].read()), 64)
        np.testing.assert_array_equal(corpus.train.pixels_KHWC[k].numpy(), wanted_HWC)
    assert torch.equal(corpus.train.batch([5, 0]), corpus.train.pixels_KHWC[[5, 0]])


def test_a_changed_file_is_read_again(tiny: Dataset, tmp_path: Path) -> None:
    source = tiny.split("train")[0].source
    (tmp_path / "a.png").write_bytes(source.read())
    example = replace(tiny.split("train")[0], source=replace(source, path=tmp_path / "a.png"))
    before = SquarePhotographs([example], 32, CPU, quiet=True)
    (tmp_path / "a.png").write_bytes(tiny.split("train")[1].read())
    os.utime(tmp_path / "a.png", ns=(1, 1))
    after = SquarePhotographs([example], 32, CPU, quiet=True)
    assert before.key != after.key
    assert not torch.equal(before.pixels_KHWC, after.pixels_KHWC)


def test_true_boxes_are_counted(corpus: Corpus) -> None:
    for example, truth_G5 in zip(corpus.val.examples, corpus.val.truth, strict=True):
        counted = Counter(p.box for p in example.phrases if p.box is not None)
        found = {tuple(row[:4]): row[4] for row in truth_G5.tolist()}
        assert len(found) == len(truth_G5) == len(counted)
        for box, count in counted.items():
            near = [n for other, n in found.items() if np.allclose(other, box, atol=1e-6)]
            assert near == [count]
    bare = SquarePhotographs([with_sentences(corpus.val.examples[0], "a")], 64, CPU, quiet=True)
    assert [t.shape for t in bare.truth] == [(0, 5)]


def test_regions_come_from_the_head_or_the_grid(model: JointModel, corpus: Corpus) -> None:
    looked = look(model.vision, corpus.train.batch([0, 1, 2]))
    headed = choose_boxes(looked.logit_BN, looked.box_BN4, "head", 0.5)
    assert torch.equal(headed, best_boxes(looked.logit_BN, looked.box_BN4, 19, 0.5))
    covering = choose_boxes(looked.logit_BN, looked.box_BN4, "coverage", 0.5)
    assert torch.equal(covering, covering_boxes(looked.logit_BN, looked.box_BN4, 19))
    assert not headed.requires_grad
    assert not covering.requires_grad
    fixed = choose_boxes(looked.logit_BN, looked.box_BN4, "grid", 0.5)
    for fixed_I4 in fixed:
        np.testing.assert_allclose(fixed_I4, np.vstack([boxes.grid(), FRAME]), atol=1e-6)


@pytest.mark.parametrize("proposer", ["head", "grid"])
def test_features_are_those_of_the_network_in_half_precision(
    model: JointModel, corpus: Corpus, proposer: str
) -> None:
    feature_KIF = region_features(model.vision.train(), corpus.train, proposer, 0.5)
    assert feature_KIF.dtype == torch.float16
    assert feature_KIF.shape == (24, 20, model.vision.features)
    with torch.no_grad():
        looked = look(model.vision, corpus.train.batch([3]))
        chosen_BI4 = choose_boxes(looked.logit_BN, looked.box_BN4, proposer, 0.5)
        wanted_BIF = model.vision.pool(looked.fine, looked.coarse, chosen_BI4)
    torch.testing.assert_close(feature_KIF[3:4].float(), wanted_BIF, atol=1e-2, rtol=2e-3)


def test_features_are_made_anew_when_anything_changes_that_they_depend_on(
    model: JointModel, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = 0
    pool = model.vision.pool

    def counted(*args: torch.Tensor) -> torch.Tensor:
        nonlocal made
        made += 1
        return pool(*args)

    monkeypatch.setattr(model.vision, "pool", counted)
    with torch.no_grad():
        model.vision.proposals.fine.weight[0, 0] = 0.123  # no other test has these weights

    def is_new(proposer: str = "head", nms: float = 0.5, split: SquarePhotographs = corpus.val) -> bool:
        before = made
        region_features(model.vision, split, proposer, nms)
        return made > before

    assert is_new()
    assert not is_new()
    assert is_new(nms=0.6)
    assert is_new(proposer="coverage")
    assert is_new(proposer="grid")
    assert is_new(split=corpus.train)
    with torch.no_grad():
        model.vision.regions.affine.weight.add_(1)  # comes after the features
    assert not is_new()
    for part in (model.vision.backbone, model.vision.proposals):
        with torch.no_grad():
            next(iter(part.parameters())).add_(1e-3)
        assert is_new()
        assert not is_new()
    monkeypatch.setattr(features, "source_code", lambda *modules: "changed")
    assert is_new()


def test_the_corpus_encodes_every_sentence(corpus: Corpus, tiny: Dataset) -> None:
    assert [e.name for e in corpus.train.examples] == [e.name for e in tiny.split("train")]
    for example, ids in zip(corpus.train.examples, corpus.train_ids, strict=True):
        assert [corpus.vocabulary.decode(own) for own in ids] == [words(s) for s in example.sentences]


def test_sentences_without_a_known_word_are_not_learnt_from(tiny: Dataset, vocabulary: Vocabulary) -> None:
    first, second, third, *_ = tiny.split("train")
    train = [with_sentences(first, "zebra", "a red circle"), with_sentences(second, "zebra", "gnu"), third]
    val = [with_sentences(tiny.split("val")[0], "zebra", "a ring"), with_sentences(tiny.split("val")[1])]
    corpus = Corpus(train, val, vocabulary, 64, CPU, quiet=True)
    assert [e.name for e in corpus.train.examples] == [first.name, third.name]
    assert len(corpus.train) == len(corpus.train_ids) == 2
    assert corpus.train_ids[0] == [vocabulary.encode(["a", "red", "circle"])]
    assert [e.name for e in corpus.val.examples] == [val[0].name]
    assert corpus.val_ids == [[[], vocabulary.encode(["a", "ring"])]]


def test_mentions_are_the_known_words_of_boxed_phrases(tiny: Dataset) -> None:
    box = (0.1, 0.2, 0.5, 0.9)
    text = "a zebra and a red ring under a moon"

    def phrase(sentence: int, first: int, last: int, *boxes: Box) -> GroundedPhrase:
        return GroundedPhrase(sentence, first, last, "", "1", ("other",), boxes)

    phrases = (
        phrase(1, 0, 1, box),
        phrase(1, 1, 1, box),
        phrase(1, 3, 5, box),
        phrase(1, 7, 8),
        phrase(0, 0, 0, box),
    )
    example = replace(tiny.split("train")[0], sentences=("zebra", text, "a ring"), phrases=phrases)
    known = Vocabulary(("a", "red", "ring", "under"), (4, 3, 2, 1), 9)
    assert phrase_targets(example, known) == [[], [((0,), box), ((1, 2, 3), box)], []]
    corpus = Corpus([example], [example], known, 64, CPU, quiet=True)
    assert corpus.train_ids == [[known.encode(words(text)), known.encode(["a", "ring"])]]
    assert corpus.train_phrases == [phrase_targets(example, known)[1:]]
    assert corpus.val_phrases == [phrase_targets(example, known)]


@pytest.mark.parametrize("split", ["training", "validation"])
def test_a_split_without_known_words_is_refused(tiny: Dataset, vocabulary: Vocabulary, split: str) -> None:
    whole, bare = tiny.split("train")[:2], [with_sentences(tiny.split("val")[0], "zebra")]
    sides = (bare, whole) if split == "training" else (whole, bare)
    with pytest.raises(ValueError, match=f"no sentence of the {split} split has a known word"):
        Corpus(sides[0], sides[1], vocabulary, 64, CPU, quiet=True)


def test_padded_sentences_have_at_least_one_place(corpus: Corpus) -> None:
    ids_LT, real_LT = corpus.padded([[], []])
    assert ids_LT.shape == real_LT.shape == (2, 1)
    assert not real_LT.any()
    assert ids_LT.dtype == torch.int64
    assert corpus.padded([[5], [3, 4]])[1].tolist() == [[True, False], [True, True]]


def test_anchors_of_data_without_boxes_are_squares(tiny: Dataset, vocabulary: Vocabulary) -> None:
    bare = [replace(e, phrases=()) for e in tiny.split("train")[:2]]
    anchor_A2 = Corpus(bare, bare, vocabulary, 64, CPU, quiet=True).anchors(4)
    torch.testing.assert_close(anchor_A2, torch.tensor([0.1, 0.4, 0.7, 1.0])[:, None].expand(4, 2))


def test_progress_is_drawn_on_standard_error_unless_quiet(
    tiny: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    SquarePhotographs(tiny.split("train"), 17, CPU, quiet=True)
    assert capsys.readouterr() == ("", "")
    SquarePhotographs(tiny.split("train"), 18, CPU)
    out, err = capsys.readouterr()
    assert out == ""
    assert "reading photographs" in err
    assert "24/24" in err
