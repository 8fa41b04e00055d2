import json
import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from PIL import Image

import dvsa
from dvsa import maxsim
from dvsa.index import Entry, Filter, Hit, Index, Query, SearchError, changes, index_manifest, sketch
from dvsa.index.values import Place

D = 256


@pytest.fixture(scope="module")
def model() -> dvsa.Model:
    return dvsa.load()


@pytest.fixture
def index(tmp_path: Path, model: dvsa.Model) -> Index:
    return Index.create(tmp_path / "index", model)


def brute(entries: Sequence[Entry], s_ND: Any, k: int) -> list[tuple[float, str]]:
    """The expected result: every photograph scored by the reference, ties ordered by identifier."""
    found = []
    for entry in entries:
        v_KID = entry.v_ID.astype(np.float16).astype(np.float32)[None]
        (score,) = maxsim.scores(v_KID, s_ND[None], np.ones((1, len(s_ND)), np.bool_))[0]
        found.append((-float(score), entry.photograph.id))
    return [(-score, name) for score, name in sorted(found)][:k]


def pairs(hits: Sequence[Hit]) -> list[tuple[float, str]]:
    return [(hit.score, hit.photograph.id) for hit in hits]


def scaled(hits: list[tuple[float, str]], scale: float) -> list[tuple[float, str]]:
    return [(score / scale, name) for score, name in hits]


def same(found: list[tuple[float, str]], wanted: list[tuple[float, str]]) -> None:
    assert [name for _, name in found] == [name for _, name in wanted]
    np.testing.assert_allclose([s for s, _ in found], [s for s, _ in wanted], rtol=1e-5, atol=1e-5)


# Searching


@settings(max_examples=25)
@given(
    count=st.integers(0, 30),
    words=st.integers(1, 12),
    k=st.integers(1, 40),
    seed=st.integers(0, 99),
    length=st.sampled_from([1e-20, 1e-3, 1.0, 1e6]),
    full=st.integers(1, 9),
)
def test_search_equals_brute_force(
    tmp_path_factory: pytest.TempPathFactory,
    model: dvsa.Model,
    make: Any,
    count: int,
    words: int,
    k: int,
    seed: int,
    length: float,
    full: int,
) -> None:
    rng = np.random.default_rng(seed)
    # Some photographs have equal vectors, so that identifiers must break ties.
    entries = [make(n, vectors=int(rng.integers(0, 20))) for n in range(count)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(changes, "SEGMENT_SIZE", full)
        with Index.create(tmp_path_factory.mktemp("index") / "i", model) as index:
            for part in np.array_split(np.arange(count), 3):
                index.append([entries[n] for n in part])
            s_ND = (rng.standard_normal((words, D)) * length).astype(np.float32)
            wanted = scaled(brute(entries, s_ND, k), length)
            for pruned in (False, True):
                same(scaled(pairs(index.search(s_ND, k, pruned=pruned)), length), wanted)


def test_a_search_is_exact_where_half_precision_is_not(index: Index, make: Any) -> None:
    rng = np.random.default_rng(0)
    v_ID = rng.standard_normal((1, D)).astype(np.float16)
    entries = []
    for n in range(300):  # photographs that differ in the last bit of one number
        near_ID = v_ID.copy()
        near_ID[0, n % D] = np.nextafter(near_ID[0, n % D], np.float16(9 if n < D else -9))
        entries.append(replace(make(n, regions=1), v_ID=near_ID))
    index.append(entries)
    s_ND = rng.standard_normal((3, D)).astype(np.float32)
    same(pairs(index.search(s_ND, 20)), brute(entries, s_ND, 20))


def test_ties_are_broken_by_identifier(index: Index, make: Any) -> None:
    entries = [make(n, vectors=1) for n in range(40)]
    index.append(entries)
    found = [hit.photograph.id for hit in index.search(np.ones((2, D)), 7)]
    assert found == sorted(entry.photograph.id for entry in entries)[:7]


def test_a_hit_says_which_region_each_word_found(index: Index, make: Any, model: dvsa.Model) -> None:
    entries = [make(n) for n in range(5)]
    index.append(entries)
    (hit, *_) = index.search("a dog zzyzx runs", 3)
    (entry,) = [e for e in entries if e.photograph.id == hit.photograph.id]

    s_LTD, _ = model.word_vectors([["a", "dog", "zzyzx", "runs"]])
    dot_TI = s_LTD[0] @ entry.v_ID.astype(np.float32).T
    words = hit.alignment.words
    assert [(w.text, w.known) for w in words] == [
        ("a", True),
        ("dog", True),
        ("zzyzx", False),
        ("runs", True),
    ]

    assert words[2].region is None
    known = [w for w in words if w.known]
    assert [w.region for w in known] == dot_TI.argmax(1).tolist()
    np.testing.assert_allclose([w.score for w in known], dot_TI.max(1), rtol=1e-5)
    assert hit.score == pytest.approx(sum(w.score for w in words), rel=1e-5)
    np.testing.assert_array_equal(np.array(hit.boxes), entry.box_I4)
    assert sum(s.score for s in hit.alignment.segments) == pytest.approx(hit.score, rel=1e-5)


def test_filters_by_path_date_and_field(index: Index, make: Any) -> None:
    for n in range(12):
        day = f"2024-07-{n + 1:02}T12:00:00" if n < 8 else None
        index.append([make(n, fields={"trip": "norway" if n % 2 else "spain"}, taken=day)])
    s_ND = np.ones((1, D))

    def numbers(where: Filter, pruned: bool = False) -> set[int]:
        hits = index.search(s_ND, 99, where, pruned=pruned)
        return {int(Path(hit.photograph.path).stem) for hit in hits}

    assert numbers(Filter()) == set(range(12))
    assert numbers(Filter(prefix="/photographs/0/")) == {0, 3, 6, 9}
    assert numbers(Filter(after=date(2024, 7, 3))) == {2, 3, 4, 5, 6, 7}
    assert numbers(Filter(after=date(2024, 7, 3), before=date(2024, 7, 4)), pruned=True) == {2, 3}
    assert numbers(Filter(fields={"trip": "norway"}, prefix="/photographs/1/")) == {1, 7}
    assert numbers(Filter(fields={"nothing": "such"})) == set()


def test_an_invalid_query_is_refused(index: Index, make: Any) -> None:
    index.append([make(1)])
    for query, k, message in (
        ("dog", 0, "k is 0: ask for at least 1"),
        ("?!", 1, "has no words"),
        ("zzyzx qqfnord", 1, "knows no word"),
        (np.zeros((0, D)), 1, "must be .* finite"),
        (np.full((1, D), np.nan), 1, "must be .* finite"),
        (np.ones((1, 7)), 1, "have 7 numbers"),
    ):
        with pytest.raises(ValueError, match=message) as error:
            index.search(query, k)
        assert "\n" not in str(error.value)
    assert len(index.search("dog", 99)) == 1


def test_a_photograph_finds_itself_and_a_part_of_it_too(index: Index, model: dvsa.Model, make: Any) -> None:
    photo = Path(__file__).parents[2] / "examples" / "photographer.jpg"
    view = model.open(photo)
    index.append(
        [make(1), make(2), Entry(replace(make(3).photograph, path=str(photo)), view.box_I4, view.v_ID)]
    )

    hit = index.search(Query.of_photo(model, photo), 1)[0]
    assert hit.photograph.path == str(photo)
    assert hit.score == pytest.approx(len(view.v_ID), abs=0.01)

    box = view.regions[0].pixels
    part = Query.of_photo(model, photo, box)
    assert len(part.s_ND) == 1
    found = index.search(part, 1)[0]
    assert found.photograph.path == str(photo)
    assert found.score == pytest.approx(1, abs=1e-3)
    assert found.boxes[found.alignment.words[0].region or 0] == pytest.approx(view.regions[0].box, abs=1e-6)

    for bad in ((5, 5, 5, 9), (-9, 0, -1, 9), (float("nan"), 0, 1, 1)):
        with pytest.raises(ValueError, match="is not a part of"):
            Query.of_photo(model, photo, bad)
    for bad in ((0, 0, 513, 9), (0, 0, 9, 600), (-1, 0, 9, 9), (0, -2, 9, 9)):
        with pytest.raises(ValueError, match="reaches beyond the upright photograph of 512 x 512 pixels"):
            Query.of_photo(model, photo, bad)


def test_a_part_is_one_of_the_upright_photograph(model: dvsa.Model, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # stored as 400 x 300, upright 300 x 400
    path = tmp_path / "turned.jpg"
    Image.new("RGB", (400, 300), "red").save(path, exif=exif)
    assert len(Query.of_photo(model, path, (0, 300, 300, 400)).s_ND) == 1
    with pytest.raises(ValueError, match="beyond the upright photograph of 300 x 400 pixels"):
        Query.of_photo(model, path, (0, 0, 400, 300))
    (tmp_path / "boxes.json").write_text("[[0, 0, 400, 300]]")
    with pytest.raises(ValueError, match="beyond the upright photograph of 300 x 400 pixels"):
        model.open(path, regions=tmp_path / "boxes.json")


# A sketch


def test_a_pruned_search_agrees_with_an_exact_one(
    index: Index, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    along_JD = np.linalg.qr(rng.standard_normal((D, 24)))[0].T  # like real vectors, close to few directions
    entries = []
    for n in range(2500):
        v_ID = (rng.standard_normal((2 + n % 3, 24)) @ along_JD).astype(np.float16)
        entries.append(Entry(make(n).photograph, np.zeros((len(v_ID), 4)), v_ID))
    index.append(entries)
    index.remove([entries[7].photograph.id])
    assert [part.sketch is not None for part in index._segments] == [True]
    index.append([make(3000)])
    monkeypatch.setattr("dvsa.index.scan.EXACTLY_SCORED", 100)
    for _ in range(5):
        s_ND = (rng.standard_normal((6, 24)) @ along_JD).astype(np.float32)
        alive = [e for e in entries if e is not entries[7]]
        same(pairs(index.search(s_ND, 5, pruned=True)), brute([*alive, make(3000)], s_ND, 5))
    query = np.asarray(make(3000).v_ID, np.float32)  # a photograph without a sketch is found too
    assert index.search(query, 1, pruned=True)[0].photograph.path == make(3000).photograph.path


# Changing


class Changes(RuleBasedStateMachine):
    """After any sequence of changes the index contains the same as a dictionary."""

    make: Any
    model: Any
    folders: Iterator[Path]

    def __init__(self) -> None:
        super().__init__()
        self.index = Index.create(next(self.folders), self.model)
        self.reader = Index.open(self.index.folder)
        self.seen: dict[str, Entry] = {}
        self.wanted: dict[str, Entry] = {}

    @rule(numbers=st.sets(st.integers(0, 40), max_size=7))
    def add(self, numbers: set[int]) -> None:
        entries = [self.make(n) for n in sorted(numbers)]
        known = [e for e in entries if e.photograph.id in self.wanted]
        if known:
            with pytest.raises(SearchError, match="is already in the index: remove it first"):
                self.index.append(entries)
        else:
            self.index.append(entries)
            self.wanted |= {e.photograph.id: e for e in entries}

    @precondition(lambda self: self.wanted)
    @rule(data=st.data())
    def remove(self, data: Any) -> None:
        names = data.draw(st.sets(st.sampled_from(sorted(self.wanted)), min_size=1, max_size=5))
        paths = [self.wanted[n].photograph.path if i % 2 else n for i, n in enumerate(sorted(names))]
        assert self.index.remove(paths) == len(names)
        for name in names:
            del self.wanted[name]

    @rule()
    def remove_what_is_not_there(self) -> None:
        with pytest.raises(SearchError, match="has no photograph nothing"):
            self.index.remove([*self.wanted, "nothing"])

    @rule()
    def compact(self) -> None:
        self.index.compact()
        assert self.index.stats().removed == 0

    @rule()
    def reopen(self) -> None:
        self.index.close()
        self.index = Index.open(self.index.folder, self.model)

    @rule()
    def refresh_the_reader(self) -> None:
        self.reader.refresh()
        self.seen = dict(self.wanted)

    @invariant()
    def holds_the_same(self) -> None:
        for index, wanted in ((self.index, self.wanted), (self.reader, self.seen)):
            assert len(index) == len(wanted)
            assert index.ids() == set(wanted)
            s_ND = np.random.default_rng(1).standard_normal((3, D)).astype(np.float32)
            same(pairs(index.search(s_ND, 6)), brute(list(wanted.values()), s_ND, 6))
            for hit in index.search(s_ND, 2):
                assert hit.photograph == wanted[hit.photograph.id].photograph
                np.testing.assert_array_equal(np.array(hit.boxes), wanted[hit.photograph.id].box_I4)
        assert self.index.verify() == []


def test_changes_are_those_of_a_dictionary(
    tmp_path: Path, make: Any, model: dvsa.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "SEGMENT_SIZE", 8)
    monkeypatch.setattr(sketch, "STEP", 3)
    Changes.make, Changes.model = staticmethod(make), model
    Changes.folders = (tmp_path / str(n) for n in range(10**6))
    run_state_machine_as_test(Changes, settings=settings(max_examples=25, stateful_step_count=15))


def test_entries_that_an_index_cannot_hold_are_refused(index: Index, make: Any) -> None:
    good = make(1)
    odd: list[dict[str, Any]] = [  # what a reader would refuse must not be written
        {"latitude": 90.5},
        {"longitude": math.nan},
        {"phash": "none"},
        {"camera": b"Canon"},
        {"fields": {"year": 2024}},
        {"size": -1},
        {"copies": (Place(path="/b.jpg", file="/b.jpg", offset=-1),)},
    ]
    for bad, message in (
        (replace(good, v_ID=np.zeros((2, 7))), "give 1 to 256 of 256 numbers"),
        (replace(good, v_ID=np.zeros((0, D)), box_I4=np.zeros((0, 4))), "give 1 to 256"),
        (replace(good, v_ID=np.zeros((257, D))), "give 1 to 256"),
        (replace(good, v_ID=np.zeros((1, D)), box_I4=np.zeros((2, 4))), "give one for each"),
        (replace(good, v_ID=np.full((len(good.v_ID), D), 1e6)), "not finite in half precision"),
        (replace(good, photograph=replace(good.photograph, id="x")), "give 64 hexadecimal digits"),
        *(
            (replace(good, photograph=replace(good.photograph, **facts)), "cannot be stored: ")
            for facts in odd
        ),
    ):
        with pytest.raises(SearchError, match=message):
            index.append([make(2), bad])

    assert len(index) == 0
    with pytest.raises(SearchError, match="is already in the index: remove it first"):
        index.append([good, good])
    assert len(Index.open(index.folder)) == 0


def test_compaction_deletes_only_files_of_the_index(index: Index, make: Any) -> None:
    index.append([make(n) for n in range(3)])
    kept = [
        index.folder / name for name in ("manifest.json.bak", "manifest.json.2026", "notes.txt", ".hidden")
    ]
    leftovers = [
        index.folder / name for name in (".123.0a1b2c3d.partial", "manifest.json.new", "999999.v.npy")
    ]
    for path in (*kept, *leftovers):
        path.write_text("x")

    index.compact()
    assert all(path.exists() for path in kept)
    assert not any(path.exists() for path in leftovers)


def test_a_reader_is_not_disturbed_by_compaction(index: Index, make: Any) -> None:
    entries = [make(n) for n in range(20)]
    index.append(entries)
    reader = Index.open(index.folder)
    index.remove([e.photograph.id for e in entries[:10]])
    index.compact()
    index.append([make(99)])
    s_ND = np.ones((2, D), np.float32)
    same(pairs(reader.search(s_ND, 20)), brute(entries, s_ND, 20))
    reader.refresh()
    same(pairs(reader.search(s_ND, 20)), brute([*entries[10:], make(99)], s_ND, 20))


@pytest.mark.slow
def test_readers_open_the_index_while_it_is_written(
    index: Index, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "SEGMENT_SIZE", 4)
    kept = [make(n) for n in range(3)]
    index.append(kept)
    done = threading.Event()

    def write() -> None:
        for n in range(100, 150):
            index.append([make(n), make(n + 100)])
            index.remove([make(n).photograph.id, make(n + 100).photograph.id])
            index.compact()
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    opened = 0
    while not done.is_set():
        with Index.open(index.folder) as reader:
            found = {hit.photograph.id for hit in reader.search(np.ones((1, D)), 9)}
            assert {entry.photograph.id for entry in kept} <= found
            assert len(found) in (3, 5)
            opened += 1
    writer.join()
    assert opened > 20


# Faults of an index


def test_an_index_of_another_bundle_is_refused(index: Index, make: Any, model: dvsa.Model) -> None:
    index.append([make(1)])
    index_manifest.write(index.folder, replace(index_manifest.read(index.folder), digest="0" * 64))
    with pytest.raises(SearchError, match=r"was made by bundle flickr8k.*name that bundle, or index again"):
        Index.open(index.folder, model)
    with pytest.raises(SearchError, match="was made by bundle"):
        Index.open(index.folder).search("a dog")
    assert (
        len(Index.open(index.folder).search(np.ones((1, D)))) == 1
    )  # vectors are searched without loading the model


def test_a_newer_format_and_damage_are_refused(index: Index, make: Any, tmp_path: Path) -> None:
    index.append([make(n) for n in range(4)])
    path = index.folder / index_manifest.INDEX_MANIFEST
    good = path.read_text()
    for text, message in (
        (good.replace('"format": 4', '"format": 5'), "has format 5, newer than 4: update dvsa"),
        ("{", "is damaged"),
        ("[]", "is not the manifest of an index"),
        (json.dumps({"format": 1}), "lacks embedding: index the photographs again"),
        (json.dumps({"format": 2}), "lacks index: index the photographs again"),
    ):
        path.write_text(text)
        with pytest.raises(SearchError, match=message) as error:
            Index.open(index.folder)
        assert "\n" not in str(error.value)

    path.write_text(good)
    vectors = index.folder / "000001.vectors"
    content = bytearray(vectors.read_bytes())
    content[100] ^= 1
    vectors.write_bytes(content)
    (fault,) = Index.open(index.folder).verify()
    assert "000001.vectors is damaged between bytes 0 and" in fault
    vectors.write_bytes(content[:-1])
    with pytest.raises(SearchError, match=r"000001\.vectors is damaged: it is shorter"):
        Index.open(index.folder)

    vectors.unlink()
    with pytest.raises(SearchError, match=r"000001\.vectors is missing"):
        Index.open(index.folder)
    with pytest.raises(SearchError, match="has no index: make one with dvsa index"):
        Index.open(tmp_path / "nowhere")


def test_a_folder_with_other_files_is_refused(tmp_path: Path, model: dvsa.Model) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SearchError, match="already exists: name a new or an empty folder"):
        Index.create(tmp_path, model)
    with pytest.raises(SearchError, match="already exists: name a new or an empty folder"):
        Index.create(tmp_path / "mine.txt", model)


def test_two_writers_are_refused_and_readers_are_not(index: Index, make: Any, model: dvsa.Model) -> None:
    index.append([make(1)])
    other = Index.open(index.folder, model)
    with index_manifest.locked(index.folder):
        for change in (
            lambda: other.append([make(2)]),
            lambda: other.remove([make(1).photograph.id]),
            other.compact,
        ):
            with pytest.raises(SearchError, match="is being written by another process: try again"):
                change()
        assert len(Index.open(index.folder).search(np.ones((1, D)))) == 1
    other.append([make(2)])
    index.append([make(3)])  # sees the change of the other
    assert index.ids() == {make(n).photograph.id for n in (1, 2, 3)}
