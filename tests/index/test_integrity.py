"""Damaged and hostile indexes: an answer is right, or an error of one line; no other folder is touched."""

import copy
import json
import os
import random
import shutil
import zlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dvsa
from dvsa import files
from dvsa.index import Index, SearchError, changes, index_manifest, sketch
from dvsa.index.checked_file import Extent
from dvsa.index.index_manifest import INDEX_MANIFEST

D = 256
COUNT = 26


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, make: Any) -> Path:
    """An index of four segments, three of them with sketches; tests must not change it."""
    folder = tmp_path_factory.mktemp("small") / "index"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(changes, "SEGMENT_SIZE", 8)
        patch.setattr(sketch, "STEP", 3)
        index = Index.create(folder, dvsa.load())
        index.append([make(n, regions=2, fields={"trip": "x"}) for n in range(COUNT)])
        index.remove([make(3).photograph.id])
    assert (folder / "000003.8.codes").exists()
    return folder


def answers(folder: Path) -> list[Any]:
    """All that an index says: every photograph, exact and pruned searches."""
    index = Index.open(folder)
    s_ND = np.random.default_rng(5).standard_normal((3, D)).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dvsa.index.scan.EXACTLY_SCORED", 2)
        found = [index.search(s_ND, 3), index.search(s_ND, 1, pruned=True)]  # sketches choose 20
    hits = [(hit.score, asdict(hit.photograph), hit.boxes) for hits in found for hit in hits]
    entries = [(asdict(e.photograph), e.box_I4.tolist(), e.v_ID.tolist()) for e in index.entries()]
    return [*hits, *entries, sorted(index.ids()), asdict(index.stats())]


def refused(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except SearchError as error:
        return len(str(error).splitlines()) == 1
    return False


@pytest.fixture
def folder(small: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small, tmp_path / "index"))


def test_no_changed_byte_changes_an_answer(small: Path, folder: Path) -> None:
    """A sample here; `benchmarks/integrity.py` changes every byte."""
    right, chance = answers(small), random.Random(0)
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        for at in chance.sample(range(len(content)), min(25, len(content))):
            changed = bytearray(content)
            changed[at] ^= 1 << chance.randrange(8)
            path.write_bytes(changed)
            assert refused(lambda: answers(folder)) or answers(folder) == right
            # Columns are only a copy: what is damaged in them is not used.
            if content != changed and path.name != INDEX_MANIFEST and not path.name.startswith("columns."):
                assert Index.open(folder).verify() if not refused(lambda: Index.open(folder)) else True
        path.write_bytes(content)
    assert answers(folder) == right


def test_verify_reads_every_file(folder: Path) -> None:
    for path in sorted(folder.glob("0*")):
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        if path.suffix == ".rows":  # they are read when the index is opened
            with pytest.raises(SearchError, match=r"\.rows is damaged between bytes"):
                Index.open(folder)
        else:
            assert any(path.name in fault for fault in Index.open(folder).verify())
        path.write_bytes(content)
    assert Index.open(folder).verify() == []


def signed(folder: Path, change: Callable[[Any], object], part: str | None = None) -> None:
    """Change a manifest, or a file of the first segment, as a stranger does who makes the checksums fit."""
    content = json.loads((folder / INDEX_MANIFEST).read_bytes())["index"]
    if part is None:
        change(content)
    else:
        path = folder / f"000001.{part}"
        data = bytearray(path.read_bytes())
        change(data)
        path.write_bytes(data)
        content["segments"][0]["files"][part.split(".")[-1]] = asdict(Extent().extended(bytes(data)))
    made = {"format": 2, "sha256": index_manifest._digest(content), "index": content}
    (folder / INDEX_MANIFEST).write_text(json.dumps(made))


def test_vectors_that_are_not_finite_are_named(folder: Path) -> None:
    signed(folder, lambda data: data.__setitem__(slice(0, 2), b"\x00\x7e"), "vectors")
    with pytest.raises(SearchError, match=r"000001\.vectors has vectors that are not finite"):
        answers(folder)
    assert any("not finite" in fault for fault in Index.open(folder).verify())


@pytest.mark.parametrize(
    "line",
    [
        b"[]",
        b"[" * 100_000,
        b'{"id": 1}',
        b'{"id": "ID", "path": "a", "file": "a", "size": "9"}',
        b'{"id": "ID", "path": "a", "file": "a", "size": -9}',
        b'{"id": "ID", "path": "a", "file": "a", "fields": {"a": 1}}',
        b'{"id": "ID", "path": "a", "file": "a", "more": 1}',
        b'{"id": "ID", "path": "a", "file": "a", "camera": 5}',
        b'{"id": "ID", "path": "a", "file": "a", "latitude": 91}',
        b'{"id": "ID", "path": "a", "file": "a", "longitude": NaN}',
        b'{"id": "ID", "path": "a", "file": "a", "phash": "x"}',
        b'{"id": "ID", "path": "a", "file": "a", "copies": [{"path": "b", "file": "b"}]}',
        b'{"id": "ID", "path": "a", "file": "a", "copies": [{"path": "b", "file": "b", "offset": -1}]}',
        b'{"id": "0000", "path": "a", "file": "a"}',
        b"",
    ],
)
def test_lines_that_are_no_photographs_are_refused(folder: Path, line: bytes) -> None:
    first = json.loads((folder / "000001.photographs").read_bytes().split(b"\n")[0])
    line = line.replace(b"ID", first["id"].encode())

    def change(data: bytearray) -> None:
        data[: data.index(b"\n")] = line

    signed(folder, change, "photographs")
    with pytest.raises(SearchError, match=r"000001\.photographs: line 1 is damaged"):
        answers(folder)
    assert Index.open(folder).verify()


def test_boxes_that_are_not_finite_are_refused(folder: Path) -> None:
    signed(folder, lambda data: data.__setitem__(slice(0, 4), np.float32(np.inf).tobytes()), "boxes")
    with pytest.raises(SearchError, match=r"000001\.boxes: a box of photograph 1 is not finite"):
        answers(folder)


VALUES: list[Any] = [
    None,
    True,
    -1,
    0,
    1,
    2,
    3,
    2**31,
    2**63,
    10**40,
    0.5,
    -0.0,
    1e308,
    "",
    "x",
    "../victim",
    "000001",
    [],
    {},
    [0],
    [1, 0],
    [-1],
    [99],
    [[]],
    [None],
    {"rows": 1},
    [1.0],
    [True],
    "/etc/passwd",
    "0" * 64,
    "\u0000",
]


def mutated(content: Any, chance: random.Random) -> Any:
    """A copy in which one value is another one, is missing, or is there twice."""
    content = copy.deepcopy(content)
    places: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            places.append((value, key))
            if isinstance(value[key], dict | list):
                walk(value[key])

    walk(content)
    parent, key = chance.choice(places)
    how = chance.random()
    if how < 0.1:
        del parent[key]
    elif how < 0.2 and isinstance(parent, list):
        parent.append(parent[key])
    elif how < 0.4 and isinstance(parent[key], int):
        parent[key] += chance.choice([-1, 1, 7, 1000, 2**40])
    else:
        parent[key] = chance.choice(VALUES)
    return content


def test_hostile_manifests_are_refused_or_answered(folder: Path) -> None:
    """A sample here; `benchmarks/integrity.py` tries 500."""
    original = json.loads((folder / INDEX_MANIFEST).read_bytes())["index"]
    chance, right = random.Random(1), answers(folder)
    accepted = 0
    for _ in range(60):
        content = mutated(original, chance)
        made = {"format": 2, "sha256": index_manifest._digest(content), "index": content}
        (folder / INDEX_MANIFEST).write_text(json.dumps(made))
        if not refused(lambda: answers(folder)):
            accepted += 1
            assert len(answers(folder)) >= len(right) - 4
    assert accepted < 30


@pytest.mark.parametrize(
    "name", ["../victim", "/etc/x", "000001/../../victim", "1", "00000a", "", "000001\n"]
)
def test_a_segment_is_in_the_folder(folder: Path, make: Any, name: str) -> None:
    victim = folder.parent / "victim.vectors"
    victim.write_bytes(b"mine")
    signed(folder, lambda content: content["segments"][0].update(name=name))
    with pytest.raises(SearchError, match=r"segments\.0\.name is .*; expected the number of a segment"):
        Index.open(folder)
    assert victim.read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["000004.vectors", "000004.rows", "lock", INDEX_MANIFEST, "000005.rows"])
def test_no_link_is_followed_out_of_the_folder(folder: Path, make: Any, name: str) -> None:
    victim = folder.parent / "victim"
    path = folder / name
    victim.write_bytes(path.read_bytes() if path.exists() else b"mine")
    before = victim.read_bytes()
    path.unlink(missing_ok=True)
    path.symlink_to(victim)

    def add() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(changes, "SEGMENT_SIZE", 8)
            Index.open(folder).append([make(n) for n in range(100, 120)])

    # What no manifest names, such as a link for the next segment, is deleted: the link, not the file.
    assert refused(add) == (name != "000005.rows")
    assert victim.read_bytes() == before
    assert not refused(lambda: answers(folder)) if name == "000005.rows" else True


@pytest.mark.parametrize("size", [2**45, 2**53])
def test_more_checksums_than_a_pattern_can_count_are_refused(folder: Path, size: int) -> None:
    def change(content: Any) -> None:
        content["segments"][0]["files"]["photographs"].update(size=size, page=4096)

    signed(folder, change)
    with pytest.raises(SearchError, match=rf"sums is .*; expected {size // 4096} checksums"):
        Index.open(folder)


@pytest.mark.parametrize("version", [1, None])
def test_no_link_with_the_name_of_a_temporary_file_is_followed(
    folder: Path, make: Any, version: int | None
) -> None:
    """Writers know the process's number, and so may guess it who gives away an index."""
    index, victim = folder.parent / "given", folder.parent / "victim"
    digest = json.loads((folder / INDEX_MANIFEST).read_bytes())["index"]["digest"]
    victim.write_bytes(b"mine")
    index.mkdir()
    (index / files.partial_name(INDEX_MANIFEST)).symlink_to(victim)
    if version:
        old = {"format": 1, "bundle": "a", "digest": digest, "embedding": 256, "next": 1, "segments": []}
        (index / INDEX_MANIFEST).write_text(json.dumps(old))
        Index.open(index).append([make(1)])
    else:
        Index.create(index).append([make(1)])
    assert victim.read_bytes() == b"mine"
    assert len(Index.open(index)) == 1


def test_the_next_segment_overwrites_none(folder: Path) -> None:
    signed(folder, lambda content: content.update(next=2))
    with pytest.raises(SearchError, match="numbers its segments twice"):
        Index.open(folder)


@pytest.mark.parametrize("kind", ["pipe", "sparse", "folder"])
def test_a_manifest_that_is_no_small_file_is_refused(folder: Path, kind: str) -> None:
    path = folder / INDEX_MANIFEST
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        with path.open("wb") as file:
            file.truncate(20 * 2**30)
    with pytest.raises(SearchError, match=r"manifest\.json is damaged \("):
        Index.open(folder)


# Format 1


@pytest.fixture
def old(folder: Path) -> Path:
    """The same index as an earlier version wrote it."""
    content = json.loads((folder / INDEX_MANIFEST).read_bytes())["index"]
    for segment in content["segments"]:
        data = {part: (folder / f"{segment['name']}.{part}").read_bytes() for part in index_manifest.PARTS}
        segment["files"] = {p: {"bytes": len(d), "crc": zlib.crc32(d)} for p, d in data.items()}
    (folder / INDEX_MANIFEST).write_text(json.dumps({"format": 1, **content}))
    for path in folder.glob("*.codes"):
        path.rename(path.with_suffix(".codes.npy"))
    for path in folder.glob("*.basis"):
        path.unlink()
    return folder


def test_an_old_index_is_read_and_the_next_writer_makes_a_new_one_of_it(
    small: Path, old: Path, make: Any
) -> None:
    def searched(folder: Path) -> list[Any]:
        return [*answers(folder)[:3], *answers(folder)[4:-1]]  # without the pruned search and the bytes

    assert searched(old) == searched(small)
    index = Index.open(old)
    index.append([make(50)])
    assert json.loads((old / INDEX_MANIFEST).read_bytes())["format"] == index_manifest.INDEX_FORMAT
    assert index.verify() == Index.open(old).verify() == []
    index.remove([make(50).photograph.id])
    assert searched(old) == searched(small)
    assert not list(old.glob("*.npy"))


def test_damage_of_an_old_index_is_found_when_it_is_used(old: Path, make: Any) -> None:
    content = bytearray((old / "000001.vectors").read_bytes())
    content[1000] ^= 1
    (old / "000001.vectors").write_bytes(content)
    with pytest.raises(SearchError, match=r"000001\.vectors is damaged"):
        answers(old)
    with pytest.raises(SearchError, match=r"000001\.vectors is damaged"):
        Index.open(old).append([make(50)])


# Creation


def test_what_a_dead_creator_leaves_is_no_obstacle(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    folder.mkdir()
    (folder / "lock").touch()
    (folder / ".123.0a1b2c3d.partial").write_text("{")
    assert len(Index.create(folder, dvsa.load())) == 0
    with pytest.raises(SearchError, match="already exists"):
        Index.create(folder, dvsa.load())


def test_a_second_creator_loses_nothing_of_the_first(
    tmp_path: Path, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one has looked before the first one has created."""
    folder, model = tmp_path / "index", dvsa.load()
    looked: list[Path] = []

    def check(path: Path) -> None:
        looked.append(path)
        real(path)
        if len(looked) == 1:
            Index.create(folder, model).append([make(1)])

    real = changes.check_empty
    monkeypatch.setattr(changes, "check_empty", check)
    with pytest.raises(SearchError, match="already exists"):
        Index.create(folder, model)
    assert Index.open(folder).ids() == {make(1).photograph.id}


def test_an_index_of_another_bundle_in_the_same_folder_is_noticed(folder: Path, make: Any) -> None:
    index = Index.open(folder, dvsa.load())
    shutil.rmtree(folder)
    folder.mkdir()
    index_manifest.write(folder, index_manifest.IndexManifest(bundle="b", digest="1" * 64, embedding=7))
    for change in (index.refresh, lambda: index.append([make(1)]), index.compact):
        with pytest.raises(SearchError, match="was made by bundle b"):
            change()


def test_an_old_reader_has_statistics_after_a_compaction(folder: Path) -> None:
    reader, writer = Index.open(folder), Index.open(folder)
    before = reader.stats()
    writer.compact()
    assert reader.stats() == before
