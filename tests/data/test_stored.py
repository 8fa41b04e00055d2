"""A data set on disk equals the one that was written."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dvsa.data import Dataset, Example, GroundedPhrase, Problem, Source, load, stored, toy
from dvsa.data.storing import PACKED, store

texts = st.text(st.characters(exclude_categories=()), max_size=6)
edges = st.floats(0, 1)
phrases = st.builds(
    GroundedPhrase,
    sentence=st.integers(0, 3),
    first=st.integers(0, 3),
    last=st.integers(3, 5),
    text=texts,
    chain=texts,
    kinds=st.lists(texts, max_size=2).map(tuple),
    boxes=st.lists(st.tuples(edges, edges, edges, edges), max_size=2).map(tuple),
)
sources = st.builds(
    Source,
    path=st.text(st.characters(exclude_characters="\0"), max_size=6).map(lambda name: Path("/data", name)),
    offset=st.integers(0, 10**12),
    size=st.none() | st.integers(0, 10**9),
)
examples = st.builds(
    Example,
    name=texts,
    split=st.sampled_from(["train", "val", "test", "restval", ""]),
    sentences=st.lists(texts, max_size=3).map(tuple),
    source=sources,
    phrases=st.lists(phrases, max_size=2).map(tuple),
)


@given(
    st.lists(examples, max_size=6).map(tuple), st.lists(st.builds(Problem, texts, texts, texts), max_size=2)
)
def test_what_is_read_is_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, written: tuple[Example, ...], problems: list[Problem]
) -> None:
    folder = tmp_path_factory.mktemp("stored")
    data = Dataset("mine", Path("/data"), written, tuple(problems), split_by_name=True, layout="x", why="y")
    stored.write(data, folder)
    found = stored.read(folder)
    assert [*found.examples] == [*written]
    assert [found.examples[k] for k in range(-len(written), len(written))] == [*written, *written]
    assert found.examples[1:4] == [*written[1:4]]
    assert (found.name, found.root, found.problems) == (data.name, data.root, data.problems)
    assert (found.split_by_name, found.layout, found.why) == (True, "x", "y")
    for names in ({"train"}, {"train", "restval"}, {""}, {"nothing"}):
        assert [*found.of_splits(names)] == [*data.of_splits(names)]


def test_a_data_set_is_stored_with_its_splits(tmp_path: Path) -> None:
    folder = toy.write(tmp_path / "toy", train=8, val=3, test=3)
    store(folder, None, tmp_path / "stored")
    found, wanted = stored.read(tmp_path / "stored"), load(folder)
    assert [*found.examples] == [*wanted.examples]
    assert [*found.split("val")] == [*wanted.split("val")]
    assert found.divided() is found


def test_photographs_in_tables_are_copied_and_broken_rows_are_named(tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    pa = pytest.importorskip("pyarrow")
    contents = []
    for grey in range(12):
        stream = io.BytesIO()
        Image.new("RGB", (9, 7), (grey, grey, grey)).save(stream, "PNG")
        contents.append(stream.getvalue() if grey != 4 else b"")
    rows = [
        {"image": {"bytes": c, "path": f"{n}.png"}, "caption": f"grey {n}"} for n, c in enumerate(contents)
    ]
    (tmp_path / "data").mkdir()
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "data" / "train.parquet")

    store(tmp_path / "data", None, tmp_path / "stored")
    found = stored.read(tmp_path / "stored")
    assert {e.file.path.name for e in found.examples} == {PACKED}
    assert [e.read() for e in found.examples] == [c for n, c in enumerate(contents) if n != 4]
    assert [(p.kind, p.name) for p in found.problems] == [("broken photograph", "4.png")]


def test_a_set_of_features_alone_cannot_be_stored(tmp_path: Path) -> None:
    example = Example("a", "train", ("a dog",), None)
    with pytest.raises(ValueError, match="not the photograph"):
        stored.write(replace(Dataset("mine", tmp_path, (example,))), tmp_path)
