"""Files are complete or absent, a second call continues, and other contents are refused."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import dvsa
from dvsa.data.gather import find
from dvsa.encoding import Encoded, Settings, folder
from dvsa.encoding.bulk import Summary, write
from dvsa.encoding.values import Encoder
from dvsa.model import Model
from dvsa.version import VERSION

Fake = Callable[[Settings, int], Encoder]
SETTINGS = Settings(captions=False)


@pytest.fixture(scope="module")
def model() -> Model:
    return dvsa.load(threads=1)


def contents(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


def rows(out: Path) -> list[str]:
    """The paths in all files."""
    files = sorted(out.glob("part-*.parquet"))
    return [path for file in files for path in pq.read_table(file)["path"].to_pylist()]


@pytest.mark.parametrize(("shard", "size"), [(1, 3), (3, 1), (3, 2), (4, 4), (3, 8), (100, 5)])
def test_every_photograph_is_a_row_in_order(
    fake: Fake, model: Model, album: Path, tmp_path: Path, shard: int, size: int
) -> None:
    told: list[tuple[int, int]] = []
    out = tmp_path / "new" / "out"
    done = write(
        [album], out, model, SETTINGS, encode=fake(SETTINGS, size), shard=shard,
        progress=lambda _, n, of: told.append((n, of)),
    )  # fmt: skip
    names = [name for name, _ in find([album])]
    assert rows(out) == names
    assert pq.read_table(out)["path"].to_pylist() == names  # the whole folder is one table
    counts = [len(pq.read_table(file)) for file in sorted(out.glob("*.parquet"))]
    assert counts == [min(shard, 8 - first) for first in range(0, 8, shard)]

    broken = str(album / "broken.png")
    assert done == Summary(
        photographs=8,
        encoded=8,
        shards=len(counts),
        faults=((broken, f"{broken}: damaged"),),
        seconds=done.seconds,
    )
    assert told[-1] == (8, 8)
    assert [n for n, _ in told] == sorted(n for n, _ in told)


def test_files_say_how_they_were_made(fake: Fake, model: Model, album: Path, tmp_path: Path) -> None:
    settings = Settings(vectors="float32", regions="grid")
    write([album], tmp_path / "out", model, settings, encode=fake(settings, 3), made_by="a test")
    said = folder.about(tmp_path / "out" / "part-00000.parquet")
    wanted = {
        "bundle": "flickr8k",
        "digest": model.bundle.digest,
        "version": VERSION,
        "made_by": "a test",
        "photographs": 8,
        "captions": True,
        "vectors": "float32",
        "regions": "grid",
    }
    assert {name: said[name] for name in wanted} == wanted


class InterruptedEarlyError(Exception):
    """In place of a killed process."""


def failing(encode: Encoder, after: int) -> Encoder:
    """An encoder that fails after some results."""

    def encoder(sources: object) -> Iterator[Encoded]:
        for n, encoded in enumerate(encode(sources)):  # type: ignore[arg-type]
            if n == after:
                raise InterruptedEarlyError
            yield encoded

    return encoder


@pytest.mark.parametrize("after", range(4))
def test_an_interrupted_call_goes_on_after_the_last_complete_file(
    fake: Fake, model: Model, album: Path, tmp_path: Path, after: int
) -> None:
    encode = fake(SETTINGS, 2)
    write([album], tmp_path / "whole", model, SETTINGS, encode=encode, shard=3)
    out = tmp_path / "out"
    with pytest.raises(InterruptedEarlyError):
        write([album], out, model, SETTINGS, encode=failing(encode, after), shard=3)
    complete = (2 * after) // 3
    before = contents(out)
    assert [name for name in before if name.startswith("part")] == [
        f"part-{n:05}.parquet" for n in range(complete)
    ]

    done = write([album], out, model, SETTINGS, encode=encode, shard=3)
    assert (done.photographs, done.encoded, len(done.faults)) == (8, 8 - 3 * complete, 1)
    assert rows(out) == rows(tmp_path / "whole")
    assert {name: content for name, content in contents(out).items() if name in before} == before

    again = write([album], out, model, SETTINGS, encode=failing(encode, 0), shard=3)
    assert (again.encoded, again.faults) == (0, done.faults)


def test_a_file_that_was_deleted_is_made_again(fake: Fake, model: Model, album: Path, tmp_path: Path) -> None:
    out, encode = tmp_path / "out", fake(SETTINGS, 3)
    write([album], out, model, SETTINGS, encode=encode, shard=2)
    (out / "part-00001.parquet").unlink()
    done = write([album], out, model, SETTINGS, encode=encode, shard=2)
    assert done.encoded == 2
    assert rows(out) == [name for name, _ in find([album])]


def test_a_full_disk_leaves_only_complete_files(
    fake: Fake, model: Model, album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(table: pa.Table, path: Path, **options: object) -> None:
        path.write_bytes(b"half a file")
        if "part-00001" in str(table["path"][0].as_py()) or len(calls) == 1:
            raise OSError(28, "No space left on device")
        calls.append(path)
        written(table, path, **options)

    calls: list[Path] = []
    written = pq.write_table
    monkeypatch.setattr(pq, "write_table", full)
    out = tmp_path / "out"
    with pytest.raises(OSError, match="No space left"):
        write([album], out, model, SETTINGS, encode=fake(SETTINGS, 1), shard=3)
    assert sorted(path.name for path in out.iterdir()) == ["_encoding.json", "part-00000.parquet"]


# What is refused


def test_other_arguments_are_refused(fake: Fake, model: Model, album: Path, tmp_path: Path) -> None:
    out, encode = tmp_path / "out", fake(SETTINGS, 3)
    write([album], out, model, SETTINGS, encode=encode, shard=3)
    before = contents(out)
    shutil.copytree(model.bundle.folder, tmp_path / "bundle")
    manifest = tmp_path / "bundle" / "manifest.json"
    manifest.write_text(manifest.read_text() + "\n")
    other = dvsa.load(tmp_path / "bundle")
    more = tmp_path / "more"
    shutil.copytree(album, more)

    def refusal(**changed: object) -> str:
        given = {"photographs": [album], "model": model, "settings": SETTINGS, "shard": 3, **changed}
        with pytest.raises(ValueError, match="name another folder") as caught:
            write(folder=out, encode=encode, **given)  # type: ignore[arg-type]
        assert contents(out) == before
        return str(caught.value)

    assert "was made with shard 3, not 4" in refusal(shard=4)
    assert "was made with vectors float16, not float32" in refusal(
        settings=replace(SETTINGS, vectors="float32")
    )
    assert "was made with regions own, not grid" in refusal(settings=replace(SETTINGS, regions="grid"))
    assert "was made with captions False, not True" in refusal(settings=Settings())
    assert "was made by another bundle of the name flickr8k" in refusal(model=other)
    assert "has other photographs (8 of them, not 8)" in refusal(photographs=[more])
    assert "has other photographs (8 of them, not 16)" in refusal(photographs=[album, more])


def test_a_folder_with_something_else_is_refused(
    fake: Fake, model: Model, album: Path, tmp_path: Path
) -> None:
    encode = fake(SETTINGS, 3)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"is not empty and has no _encoding\.json: name a new folder"):
        write([album], tmp_path, model, SETTINGS, encode=encode)

    out = tmp_path / "out"
    write([album], out, model, SETTINGS, encode=encode)
    (out / "_encoding.json").write_text("{")
    with pytest.raises(ValueError, match=r"_encoding\.json is damaged"):
        write([album], out, model, SETTINGS, encode=encode)
    (out / "_encoding.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(ValueError, match="was written by another version of dvsa"):
        write([album], out, model, SETTINGS, encode=encode)
    with pytest.raises(ValueError, match="a file cannot have 0 photographs"):
        write([album], tmp_path / "zero", model, SETTINGS, encode=encode, shard=0)


def test_damaged_files_are_named(fake: Fake, model: Model, album: Path, tmp_path: Path) -> None:
    out, encode = tmp_path / "out", fake(SETTINGS, 3)
    write([album], out, model, SETTINGS, encode=encode, shard=3)
    file = out / "part-00001.parquet"
    whole = file.read_bytes()
    for content in (whole[:-9], b"", b"no Parquet file"):
        file.write_bytes(content)
        with pytest.raises(ValueError, match=r"part-00001\.parquet is damaged .*: delete it and start again"):
            write([album], out, model, SETTINGS, encode=encode, shard=3)

    pq.write_table(pa.table({"number": [1, 2, 3]}), file)
    with pytest.raises(ValueError, match=r"part-00001\.parquet is damaged"):
        write([album], out, model, SETTINGS, encode=encode, shard=3)
    shutil.copy(out / "part-00002.parquet", file)
    with pytest.raises(ValueError, match=r"part-00001\.parquet has 2 rows, not 3: delete it"):
        write([album], out, model, SETTINGS, encode=encode, shard=3)


@pytest.mark.slow
def test_the_encoder_of_this_process_is_the_default(model: Model, album: Path, tmp_path: Path) -> None:
    done = write([album], tmp_path / "out", model)
    assert (done.photographs, len(done.faults)) == (8, 1)
    table = pq.read_table(tmp_path / "out" / "part-00000.parquet")
    first = table.to_pylist()[1]
    view = model.open(first["path"])
    assert first["caption"] == view.caption().text
    assert "onnxruntime" in str(folder.about(tmp_path / "out" / "part-00000.parquet")["made_by"])
