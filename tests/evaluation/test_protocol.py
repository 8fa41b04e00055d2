"""Every rule of the protocol refuses what it should and nothing else, with one line that says why."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dvsa.bundle import Bundle, shipped
from dvsa.data import Dataset, Example, Problem, Source, exposure, load, load_regions
from dvsa.evaluation.protocol import ProtocolError, caution, check
from dvsa.graphs import OnnxGraphs
from dvsa.manifest import MANIFEST, BundleManifest
from dvsa.text import Vocabulary

SIZE = 8
"""The size of a photograph's file in bytes; its content is only compared."""


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """1,010 photographs to train on, 1,000 to choose and 1,000 to test, in one file."""
    counts = {"train": 1010, "val": 1000, "test": 1000}
    path = tmp_path / "photographs"
    path.write_bytes(b"".join(f"{n:0{SIZE}}".encode() for n in range(sum(counts.values()))))
    splits = [split for split, count in counts.items() for _ in range(count)]
    examples = tuple(
        Example(f"{split}{n}.png", split, ("a dog runs", f"{split} it is"), Source(path, n * SIZE, SIZE))
        for n, split in enumerate(splits)
    )
    return Dataset("flickr8k", tmp_path, examples)


@pytest.fixture
def bundle(dataset: Dataset, tmp_path: Path) -> Bundle:
    """A model of that data set."""
    return trained(dataset, tmp_path)


def trained(dataset: Dataset, folder: Path, *words: str) -> Bundle:
    exposure.write_photos(folder / exposure.PHOTOS_FILE, dataset.split("train"), dataset.split("val"))
    vocabulary = Vocabulary(tuple(sorted({"dog", "it", *words})), (9,) * (2 + len(words)), 9)
    manifest = replace(
        BundleManifest.load(shipped() / MANIFEST), name="ours", training={"config": {"data": dataset.name}}
    )
    return Bundle(folder, manifest, vocabulary, OnnxGraphs(folder, {}))


def named(dataset: Dataset, name: str) -> Dataset:
    return replace(dataset, name=name)


def with_example(dataset: Dataset, at: int, **changes: object) -> Dataset:
    """The data set with another example at a place: 0 is the first of train, -1 the last of test."""
    examples = [*dataset.examples]
    examples[at] = replace(examples[at], **changes)  # type: ignore[arg-type]
    return replace(dataset, examples=tuple(examples))


def refusal(
    bundle: Bundle, dataset: Dataset, examples: Sequence[Example] | None = None, *, lifted: bool = True
) -> str:
    """The message of the refusal, the same with and without custom splits; None means the test split."""
    examples = dataset.split("test") if examples is None else examples
    lines = set()
    for allowed in (False, True) if lifted else (False,):
        with pytest.raises(ProtocolError) as caught:
            check(bundle, dataset, examples, allow_custom_split=allowed)
        lines.add(str(caught.value))
    (line,) = lines
    assert "\n" not in line
    return line


@pytest.mark.parametrize("split", ["val", "test"])
def test_a_model_that_keeps_the_protocol_is_accepted(bundle: Bundle, dataset: Dataset, split: str) -> None:
    check(bundle, dataset, dataset.split(split))


@pytest.mark.parametrize(
    ("name", "sizes"), [("flickr8k", {1000}), ("flickr30k", {1000, 1014}), ("coco", {1000, 5000})]
)
def test_the_number_of_photographs_is_the_protocols(
    bundle: Bundle, dataset: Dataset, name: str, sizes: set[int]
) -> None:
    known = named(dataset, name)
    for size in (1, 999, 1000, 1001, 1014, 5000, 5001):
        some = (tuple(dataset.split("test")) * 6)[:size]
        if size in sizes:
            check(bundle, known, some)
        else:
            assert f"not on {size:,}" in refusal(bundle, known, some, lifted=False)
        check(bundle, known, some, allow_custom_split=True)


def test_a_users_own_data_set_has_no_protocol(bundle: Bundle, dataset: Dataset) -> None:
    mine = named(dataset, "holiday")
    line = refusal(bundle, mine, lifted=False)
    assert line.startswith("holiday is not one of the data sets")
    assert "--allow-custom-split" in line
    check(bundle, mine, mine.split("test"), allow_custom_split=True)


def test_a_model_of_flickr30k_is_not_judged_on_flickr8k(dataset: Dataset, tmp_path: Path) -> None:
    larger = trained(named(dataset, "flickr30k"), tmp_path)
    for split in ("val", "test"):
        assert "was trained on flickr30k" in refusal(larger, dataset, dataset.split(split))
    check(larger, named(dataset, "flickr30k"), dataset.split("test"))


def test_lists_that_overlap_are_refused(bundle: Bundle, dataset: Dataset) -> None:
    overlap = Problem("split overlap", "x.jpg", "in 'train' and 'test'")
    harmless = Problem("stray photograph", "y.jpg", "in no list")
    line = refusal(bundle, replace(dataset, problems=(harmless, overlap, overlap)))
    assert f"the splits of {dataset.root} overlap: x.jpg is in 'train' and 'test' (and 1 more)" in line
    check(bundle, replace(dataset, problems=(harmless,)), dataset.split("test"))


def test_a_vocabulary_with_words_of_val_and_test_alone_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    spoilt = trained(dataset, tmp_path, "val", "test", "train", "unheard")
    line = refusal(spoilt, dataset)
    assert "the vocabulary of ours holds 'test', 'val', which only val and test sentences have" in line
    # What restval says is heard in training too; of another data set no word was learnt.
    heard = with_example(dataset, 0, split="restval", sentences=("Test, val!",))
    check(spoilt, heard, heard.split("test"))
    check(spoilt, named(dataset, "coco"), dataset.split("test"))


def test_many_words_of_val_are_cut_short(dataset: Dataset, tmp_path: Path) -> None:
    words = "abcdefg"
    spoken = with_example(dataset, -1, sentences=(" ".join(words),))
    line = refusal(trained(dataset, tmp_path, *words), spoken)
    assert "'b', 'c', 'd' (and 3 more)" in line  # a stands in the training sentences


def test_words_of_the_extra_sentences_are_not_a_leak(dataset: Dataset, tmp_path: Path) -> None:
    exposure.write_text(tmp_path / exposure.TEXT_FILE, ["1000268201"], ["test"])
    check(trained(dataset, tmp_path, "test"), dataset, dataset.split("test"))
    reason = refusal(trained(dataset, tmp_path, "test", "val"), dataset)
    assert "holds 'val', which only val and test sentences have" in reason


def test_a_photograph_whose_sentences_were_read_is_not_judged_on(dataset: Dataset, tmp_path: Path) -> None:
    exposure.write_text(tmp_path / exposure.TEXT_FILE, ["1000268201"], [])
    told = with_example(dataset, -1, name="1000268201_693b08cb0e.jpg")
    assert "has read sentences of 1000268201_693b08cb0e.jpg" in refusal(trained(told, tmp_path), told)


def test_a_bundle_without_a_list_of_seen_photographs_is_refused(bundle: Bundle, dataset: Dataset) -> None:
    (bundle.folder / exposure.PHOTOS_FILE).unlink()
    line = refusal(bundle, dataset)
    assert line.startswith(f"{bundle.folder} does not say which photographs its model has seen")
    assert "export it again" in line


def test_training_photographs_are_not_judged_on(bundle: Bundle, dataset: Dataset) -> None:
    line = refusal(bundle, dataset, dataset.split("train")[:1000])
    assert "train0.png (and 999 more) was in the training of ours (split train), known by its name" in line
    assert "(split train)" in refusal(bundle, named(dataset, "coco"), dataset.split("all")[:1000])


@pytest.mark.parametrize(("at", "split"), [(5, "train"), (1500, "val")])
def test_a_test_photograph_in_training_is_found_by_its_name(
    bundle: Bundle, dataset: Dataset, at: int, split: str
) -> None:
    other = with_example(named(dataset, "coco"), -7, name=dataset.examples[at].name)
    line = refusal(bundle, other)
    assert f"{split}{at}.png was in the training of ours (split {split}), known by its name" in line


def test_a_photograph_of_flickr8k_is_known_by_its_name_in_flickr30k(dataset: Dataset, tmp_path: Path) -> None:
    ours = trained(with_example(dataset, 5, name="1000268201_693b08cb0e.jpg"), tmp_path)
    theirs = with_example(named(dataset, "flickr30k"), -1, name="1000268201.jpg")
    assert refusal(ours, theirs).startswith("1000268201.jpg was in the training of ours")


@pytest.mark.parametrize(("at", "split"), [(5, "train"), (1500, "val")])
def test_a_test_photograph_in_training_is_found_by_its_content(
    bundle: Bundle, dataset: Dataset, at: int, split: str, tmp_path: Path
) -> None:
    (tmp_path / "copy").write_bytes(dataset.examples[at].read())
    # Only the photographs that are judged are there: no other split tells.
    alone = replace(
        with_example(named(dataset, "coco"), -7, name="copy.png", source=Source(tmp_path / "copy")),
        examples=with_example(dataset, -7, name="copy.png", source=Source(tmp_path / "copy")).split("test"),
    )
    line = refusal(bundle, alone)
    assert f"copy.png was in the training of ours (split {split}), known by its content" in line


def test_val_may_be_val_but_not_train(bundle: Bundle, dataset: Dataset, tmp_path: Path) -> None:
    check(bundle, dataset, dataset.split("val"))
    (tmp_path / "copy").write_bytes(dataset.examples[0].read())
    other = with_example(dataset, 1500, source=Source(tmp_path / "copy"))
    assert "in the training of ours (split train), known by its content" in refusal(
        bundle, other, other.split("val")
    )


@pytest.mark.parametrize(("at", "split"), [(5, "train"), (1500, "val")])
def test_splits_that_share_a_photograph_are_refused_though_the_model_saw_none(
    bundle: Bundle, dataset: Dataset, at: int, split: str, tmp_path: Path
) -> None:
    (tmp_path / "new").write_bytes(b"12345678")
    (tmp_path / "late").write_bytes(b"...12345678")
    shared = with_example(dataset, at, source=Source(tmp_path / "late", 3))
    shared = with_example(shared, -1, source=Source(tmp_path / "new"))
    line = refusal(bundle, shared)
    assert f"overlap: test3009.png (test) and {split}{at}.png ({split}) are the same photograph" in line


def test_only_files_of_the_same_size_are_read(bundle: Bundle, dataset: Dataset, tmp_path: Path) -> None:
    lost = Source(tmp_path / "lost", 0, SIZE + 1)
    unlike = with_example(dataset, 0, source=lost)
    check(bundle, unlike, unlike.split("test"))
    (tmp_path / "long").write_bytes(b"0" * (SIZE + 1))
    alike = with_example(unlike, -1, source=Source(tmp_path / "long"))
    with pytest.raises(FileNotFoundError, match="lost"):
        check(bundle, alike, alike.split("test"))


def features_only(folder: Path, feature_KIF: np.ndarray) -> Dataset:
    """The test split of another data set, of which there are only features."""
    np.save(folder / "test_ims.npy", feature_KIF)
    (folder / "test_caps.txt").write_text("a dog runs\n" * 5 * len(feature_KIF))
    return load(folder)


def test_photographs_are_compared_by_features_if_there_is_nothing_else(
    dataset: Dataset, bundle: Bundle, tmp_path: Path
) -> None:
    feature_KIF = np.random.default_rng(0).random((3, 2, 4), np.float32)
    (tmp_path / "precomp").mkdir()
    other = features_only(tmp_path / "precomp", feature_KIF)
    check(bundle, other, other.examples, allow_custom_split=True)

    # The same features in another split.
    again = replace(other.examples[1], split="train")
    shared = replace(other, examples=(*other.examples, again))
    with pytest.raises(ProtocolError, match=r"test#000001 \(test\) and test#000001 \(train\) are the same"):
        check(bundle, shared, other.examples, allow_custom_split=True)

    # A model that was trained on the same features, under another name.
    seen = [replace(other.examples[2], name="another.jpg")]
    (tmp_path / "other").mkdir()
    np.savez(tmp_path / "other" / "another.npz", x=feature_KIF[2])
    regions = load_regions(tmp_path / "other")
    exposure.write_photos(tmp_path / exposure.PHOTOS_FILE, seen, [], regions)
    with pytest.raises(ProtocolError, match=r"test#000002 was in the training of ours .* by its content"):
        check(bundle, other, other.examples, allow_custom_split=True)


def test_progress_counts_the_photographs(bundle: Bundle, dataset: Dataset) -> None:
    heard: list[tuple[int, int]] = []
    check(bundle, dataset, dataset.split("test"), progress=lambda _, *counts: heard.append(counts))
    assert heard[:2] == [(100, 1000), (200, 1000)]
    assert heard[-1] == (2010, 2010)


def test_the_shipped_model_may_be_judged_on_val_and_test(flickr8k_dir: Path) -> None:
    ours, flickr8k = Bundle.open(), load(flickr8k_dir)
    for split in ("val", "test"):
        check(ours, flickr8k, flickr8k.split(split))
    assert "by its name" in refusal(ours, flickr8k, flickr8k.split("train")[:1000])
    known = ours.seen()
    assert known is not None
    assert sorted(known.names.values()) == ["train"] * 6000 + ["val"] * 1000


def test_a_pretrained_sentence_encoder_is_mentioned(bundle: Bundle) -> None:
    assert caution(bundle) is None
    config = {"data": "flickr8k", "pretrained_sentence_encoder": {"name": "MiniLM", "sha256": "0"}}
    reading = replace(bundle, manifest=replace(bundle.manifest, training={"config": config}))
    assert "sentence encoder MiniLM of ours is pretrained, perhaps on these sentences" in str(
        caution(reading)
    )
