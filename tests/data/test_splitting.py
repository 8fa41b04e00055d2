"""New splits: their sizes, and on what they depend."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from dvsa.data import DataError, Dataset, Example, Source
from dvsa.data.splitting import split_anew


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """A hundred photographs; every tenth is the same as the one before it."""
    examples = []
    for k in range(100):
        path = tmp_path / f"{k}.jpg"
        path.write_bytes(f"photograph {k - (k % 10 == 9)}".encode())
        examples.append(Example(path.name, "old", ("a dog",), Source(path)))
    return Dataset("mine", tmp_path, tuple(examples))


def sizes(dataset: Dataset) -> dict[str, int]:
    return dict(Counter(example.split for example in dataset.examples))


@pytest.mark.parametrize(("val", "test"), [(0.1, 0.2), (10, 20), (1, 0), (0, 0)])
def test_sizes_are_as_asked_up_to_equal_photographs(dataset: Dataset, val: float, test: float) -> None:
    found = sizes(split_anew(dataset, val=val, test=test))
    for name, asked in (("val", val), ("test", test)):
        wanted = round(100 * asked) if asked < 1 else asked
        assert 0 <= found.get(name, 0) - wanted <= (wanted > 0)
    assert sum(found.values()) == 100


def test_equal_photographs_are_in_one_split(dataset: Dataset) -> None:
    for seed in range(5):
        divided = split_anew(dataset, val=0.3, test=0.3, seed=seed).examples
        assert all(divided[k].split == divided[k - 1].split for k in range(9, 100, 10))


def test_splits_depend_on_the_seed_and_the_photographs_alone(dataset: Dataset) -> None:
    def by_name(of: Dataset, seed: int = 0) -> dict[str, str]:
        return {e.name: e.split for e in split_anew(of, val=0.2, test=0.2, seed=seed).examples}

    assert by_name(replace(dataset, examples=dataset.examples[::-1])) == by_name(dataset)
    assert by_name(dataset, 1) != by_name(dataset)


@pytest.mark.parametrize(("val", "test"), [(0.5, 0.5), (60, 40), (1000, 0), (-1, 0)])
def test_a_split_without_training_is_refused(dataset: Dataset, val: float, test: float) -> None:
    with pytest.raises(DataError, match="leave some to train on"):
        split_anew(dataset, val=val, test=test)


def test_too_few_photographs_for_a_share_are_refused(dataset: Dataset) -> None:
    few = replace(dataset, examples=dataset.examples[:3])
    with pytest.raises(DataError, match="3 photographs are too few for the split val"):
        split_anew(few, val=0.1, test=0.4)
