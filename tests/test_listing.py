"""Lists of descriptions: what is written is read back, and an interrupted list goes on where it ended."""

import csv
import io
import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

import dvsa
from dvsa.cli import app
from dvsa.cli.listing import listed
from dvsa.listing import LISTS, Journal, Row, as_csv, as_html, as_json_lines, as_markdown
from dvsa.model import Model

EXAMPLES = Path(__file__).parents[1] / "examples"
NAMES = ["astronaut.jpg", "cat.jpg", "photographer.jpg"]

texts = st.text("aé,;\"'|<&>*[]\\n\r\t #_\\", max_size=12)
rows = st.lists(
    st.builds(
        Row,
        file=texts,
        sha256=st.just("0" * 64),
        width=st.integers(1, 9),
        height=st.integers(1, 9),
        taken=st.none() | st.just("2024-01-01T00:00:00"),
        caption=texts,
        logprob=st.floats(-99, 0),
        things=st.lists(texts, max_size=2).map(tuple),
        phrases=st.lists(st.tuples(texts, st.just((0, 1, 2, 3))), max_size=2).map(tuple),
        thumbnail=st.sampled_from(["", "AAAA"]),
    ),
    max_size=4,
)


@given(rows)
def test_every_text_is_read_back(made: list[Row]) -> None:
    table = list(csv.DictReader(io.StringIO(as_csv(made), newline="")))
    assert [(r["file"], r["caption"]) for r in table] == [(r.file, r.caption) for r in made]
    lines = [json.loads(line) for line in as_json_lines(made).splitlines()]
    assert [(r["file"], r["caption"], r["things"]) for r in lines] == [
        (r.file, r.caption, [*r.things]) for r in made
    ]


def test_the_longest_name_has_room_for_a_journal(tmp_path: Path) -> None:
    made = Row("a.jpg", "0" * 64, 1, 1, None, "a cat", -1.0, (), ())
    for name in ("x" * 251 + ".csv", "犬" * 83 + ".jsonl"):
        journal = Journal(tmp_path / name, {})
        journal.add(made)
        journal.close()
        assert Journal(tmp_path / name, {}).rows == {("a.jpg", "0" * 64): made}
        journal.finish(tmp_path / name, "done")
        assert [path.name for path in tmp_path.iterdir()] == [name]
        (tmp_path / name).unlink()


@given(rows)
def test_no_text_is_markup(made: list[Row]) -> None:
    lines = as_markdown(made).split("\n")
    assert len(lines) == len(made) + 3
    unescaped = [line.replace("\\\\", "").replace("\\|", "") for line in lines[2:-1]]
    assert all(line.count("|") == 4 and "<" not in line.replace("\\<", "") for line in unescaped)

    seen: list[str] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            seen.append(tag)

    Tags().feed(as_html(made))
    assert seen.count("tr") == len(made)
    assert set(seen) <= {
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "h1",
        "table",
        "tr",
        "td",
        "img",
        "br",
        "small",
    }


@given(rows, st.integers(0, 400))
def test_a_journal_keeps_what_was_written_before_it_was_cut(
    tmp_path_factory: pytest.TempPathFactory, made: list[Row], cut: int
) -> None:
    path = tmp_path_factory.mktemp("journal") / "list.csv"
    made = list({row.file: row for row in made}.values())
    journal = Journal(path, {"bundle": "a"})
    for row in made:
        journal.add(row)
    journal.close()
    assert list(Journal(path, {"bundle": "a"}).rows.values()) == made
    assert not Journal(path, {"bundle": "b"}).rows

    if made:
        journal.path.write_bytes(journal.path.read_bytes()[: -cut or None])
        again = Journal(path, {"bundle": "a"})
        kept = list(again.rows.values())
        assert kept == made[: len(kept)]
        for row in made[len(kept) :]:
            again.add(row)
        again.close()
        assert list(Journal(path, {"bundle": "a"}).rows.values()) == made


# The command


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["describe", *map(str, arguments), "--trusted"], env={"COLUMNS": "200"})


@pytest.fixture
def album(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of photographs; the commands run in an empty folder, which must stay empty."""
    folder, here = tmp_path / "album", tmp_path / "here"
    (folder / "inner").mkdir(parents=True)
    here.mkdir()
    for name in NAMES:
        shutil.copy(EXAMPLES / name, folder / "inner" / name)
    monkeypatch.chdir(here)
    yield folder
    assert list(here.iterdir()) == []
    assert sorted(path.name for path in folder.rglob("*.*")) == NAMES


@pytest.mark.slow
def test_nothing_is_written_without_out(album: Path) -> None:
    for arguments in ([], ["--json"], *(["--format", form] for form in LISTS)):
        done = run(album, *arguments)
        assert done.exit_code == 0, done.output
        assert "a cat is sitting on a wall" in done.stdout
        assert all(name in done.stdout for name in NAMES)
    done = run(album, "--format", "coco")
    assert done.exit_code == 2
    assert done.stderr == "dvsa: --format coco writes a file: name its folder with --out\n"
    done = run(album, "--format", "xls")
    assert "--format xls is unknown: choose from csv, jsonl, html, md, coco" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("form", LISTS)
def test_an_interrupted_list_goes_on(
    form: str, album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, out = tmp_path / "whole", tmp_path / f"list.{form}"
    opened: list[Any] = []
    assert run(album, "--format", form, "--out", whole).exit_code == 0

    def open_until(most: int) -> Any:
        def opening(model: Model, *arguments: Any, **options: Any) -> Any:
            if len(opened) == most:
                raise KeyboardInterrupt
            opened.append(arguments)
            return original(model, *arguments, **options)

        return opening

    original = Model.open
    monkeypatch.setattr(Model, "open", open_until(2))
    assert run(album, "--format", form, "--out", out).exit_code == 130
    assert not out.exists()

    # What has changed since then is described anew.
    monkeypatch.setattr(Model, "open", open_until(9))
    changed = album / "inner" / NAMES[0]
    content, dates = changed.read_bytes(), changed.stat()
    changed.write_bytes(content + b"\0")
    os.utime(changed, ns=(dates.st_atime_ns, dates.st_mtime_ns))
    done = run(album, "--format", form, "--out", out)
    assert done.stdout == f"{out}: 3 photographs described, 1 of them in an earlier run\n"
    assert len(opened) == 4
    assert not out.with_name(out.name + ".part").exists()
    changed.write_bytes(content)
    same = out.read_text().replace(sha256(content + b"\0").hexdigest(), sha256(content).hexdigest())
    assert same == whole.read_text()


@pytest.mark.slow
def test_a_photograph_that_cannot_be_read_is_named(album: Path, tmp_path: Path) -> None:
    broken, missing = tmp_path / "broken.jpg", tmp_path / "none.jpg"
    broken.write_bytes(b"nothing")
    out = tmp_path / "list.csv"
    done = run(album / "inner" / "cat.jpg", broken, missing, "--format", "csv", "--out", out)
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 2
    assert "broken.jpg: not a picture" in done.stderr
    assert f"{missing}: No such file or directory" in done.stderr
    assert len(out.read_text().splitlines()) == 2
    assert "1 photograph described; 2 could not be read" in done.stdout


@pytest.mark.slow
def test_what_a_folder_has_that_cannot_be_read_is_named(album: Path, tmp_path: Path) -> None:
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    shutil.copy(EXAMPLES / "cat.jpg", mixed)
    (mixed / "layers.psd").write_bytes(b"8BPS layers")
    for arguments in (["--format", "csv"], ["--json"]):
        done = run(mixed, *arguments)
        assert done.exit_code == 2
        assert done.stderr == f"dvsa: {mixed / 'layers.psd'}: left out: picture of another format\n"
        assert "a cat is sitting on a wall" in done.stdout


@pytest.mark.slow
def test_a_list_needs_a_place(album: Path, tmp_path: Path) -> None:
    for out, fault in (
        (tmp_path, "is a folder"),
        (tmp_path / "none" / "a.csv", "is in no folder that exists"),
    ):
        done = run(album, "--format", "csv", "--out", out)
        assert done.exit_code == 2
        assert done.stderr == f"dvsa: --out {out} {fault}: name the file of the list\n"
    assert "takes neither --sentence" in run(album, "--format", "csv", "--json").stderr


def test_rows_say_what_the_model_says() -> None:
    from dvsa.listing import row

    view = dvsa.load().open(EXAMPLES / "photographer.jpg")
    made = row("a.jpg", "0" * 64, view, phrases=3)
    assert made.caption == view.caption().text
    assert made.phrases == tuple((p.caption.text, p.region.pixels) for p in view.phrases(3))
    assert {"camera", "man"} <= {*made.things}
    assert not {"a", "the", "in"} & {*made.things}


def test_members_of_tar_files_with_one_name_are_all_listed(tmp_path: Path) -> None:
    for tar, content in (("a.tar", b"one"), ("b.tar", b"two")):
        with tarfile.open(tmp_path / tar, "w") as archive:
            member = tarfile.TarInfo("1.jpg")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    once = listed([tmp_path / "a.tar", tmp_path / "b.tar", tmp_path]).once
    assert {os.path.relpath(path, tmp_path): source.read() for path, source in once} == {
        "1.jpg": b"one",
        "b.tar/1.jpg": b"two",
    }
