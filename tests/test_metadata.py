"""Captions in metadata: other programs read them, no pixel changes, and what a person wrote stays."""

import io
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from dvsa.cli import app
from dvsa.metadata import KEYS, PROPERTIES, TARGETS, MetadataError, Target, annotate, complete, sidecar_of
from dvsa.photo import read

pyexiv2 = pytest.importorskip("pyexiv2", reason="metadata needs the extra `metadata`")

EXAMPLES = Path(__file__).parents[1] / "examples"
CAPTION, THINGS = 'a "café" & <b> by the sea', ["café", "sea"]
FORMATS = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "TIFF": ".tif"}


@pytest.fixture(params=FORMATS)
def photo(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A photograph of each format that holds metadata, with EXIF data."""
    path, exif = tmp_path / f"dog{FORMATS[request.param]}", Image.Exif()
    exif[0x0110] = "X100"
    with Image.open(EXAMPLES / "cat.jpg") as image:
        image.resize((90, 60)).save(path, request.param, exif=exif)
    path.chmod(0o640)
    return path


def found(path: Path) -> dict[str, Any]:
    with pyexiv2.ImageData(path.read_bytes()) as image:
        return {**image.read_xmp(), **image.read_exif(), **image.read_iptc()}


@pytest.mark.parametrize("target", TARGETS)
def test_texts_are_read_back_and_nothing_else_changes(photo: Path, target: Target) -> None:
    before, pixels = found(photo), read(photo).image.tobytes()
    names = {path.name for path in photo.parent.iterdir()}
    change = annotate(photo, CAPTION, THINGS, target)
    assert change.kept == ()
    assert complete(photo, target)
    assert read(photo).image.tobytes() == pixels
    assert photo.stat().st_mode & 0o777 == 0o640

    texts = found(change.file)
    if target == "exif":
        assert texts["Exif.Image.ImageDescription"] == CAPTION
        assert texts["Exif.Image.XPKeywords"] == ";".join(THINGS)
    else:
        assert (
            [*texts["Xmp.dc.description"].values()]
            == [*texts["Xmp.iptc.AltTextAccessibility"].values()]
            == [CAPTION]
        )
        assert texts["Xmp.dc.subject"] == THINGS
    added = {f"{photo.name}.xmp"} if target == "sidecar" else set()
    assert {path.name for path in photo.parent.iterdir()} == names | added
    after = found(photo)
    moved = {"Exif.Image.StripOffsets", "Exif.Image.ExifTag"}  # where other parts of a file are
    assert {key: after.get(key) for key in before.keys() - moved} == {
        key: before[key] for key in before.keys() - moved
    }


@pytest.mark.parametrize("target", TARGETS)
def test_exiftool_reads_it(photo: Path, target: Target) -> None:
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is missing: apt install libimage-exiftool-perl")
    file = annotate(photo, CAPTION, THINGS, target).file
    done = subprocess.run(
        ["exiftool", "-j", "-struct", "-validate", "-warning", file], capture_output=True, check=True
    )
    assert b"error" not in done.stderr.lower()
    done = subprocess.run(["exiftool", "-j", file], capture_output=True, check=True)
    (said,) = json.loads(done.stdout)
    if target == "exif":
        assert (said["ImageDescription"], said["XPKeywords"]) == (CAPTION, ";".join(THINGS))
    else:
        assert (said["Description"], said["Subject"], said["AltTextAccessibility"]) == (
            CAPTION,
            THINGS,
            CAPTION,
        )
        assert b"<rdf:Seq>" not in file.read_bytes()  # words have no order


WRITTEN: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "description": [
        ("xmp", {"Xmp.dc.description": {'lang="de"': "mein Hund"}}),
        ("xmp", {"Xmp.dc.description": {'lang="x-default"': "my dog"}}),
        ("exif", {"Exif.Image.ImageDescription": "my dog"}),
        ("iptc", {"Iptc.Application2.Caption": "my dog"}),
    ],
    "things": [
        ("xmp", {"Xmp.dc.subject": ["my dog"]}),
        ("exif", {"Exif.Image.XPKeywords": "my dog"}),
        ("iptc", {"Iptc.Application2.Keywords": ["my dog"]}),
    ],
    "alt text": [("xmp", {"Xmp.iptc.AltTextAccessibility": {'lang="x-default"': "my dog"}})],
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("kind", "place"), [(kind, place) for kind in WRITTEN for place in WRITTEN[kind]])
def test_what_a_person_wrote_stays(
    tmp_path: Path, target: Target, kind: str, place: tuple[str, dict[str, Any]]
) -> None:
    photo = Path(shutil.copy(EXAMPLES / "cat.jpg", tmp_path / "cat.jpg"))
    with pyexiv2.Image(str(photo)) as image:
        getattr(image, f"modify_{place[0]}")(place[1])
    mine = found(photo)
    names = {"description", "things"} if target == "exif" else {*WRITTEN}

    planned = annotate(photo, CAPTION, THINGS, target, dry_run=True)
    assert {*planned.kept} == {kind} & names
    assert {*planned.written} == names - {kind}
    assert found(photo) == mine
    assert [path.name for path in tmp_path.iterdir()] == ["cat.jpg"]
    assert annotate(photo, CAPTION, THINGS, target) == planned
    assert mine.items() <= found(photo).items()

    change = annotate(photo, "new", ["new"], target, overwrite=True)
    assert ({*change.written}, change.kept) == (names, ())
    assert "new" in str(found(change.file))


def test_what_cameras_write_is_no_description(tmp_path: Path) -> None:
    photo = Path(shutil.copy(EXAMPLES / "cat.jpg", tmp_path / "cat.jpg"))
    for words in ("OLYMPUS DIGITAL CAMERA         ", "  ", "SONY DSC"):
        with pyexiv2.Image(str(photo)) as image:
            image.modify_exif({"Exif.Image.ImageDescription": words})
        assert annotate(photo, CAPTION, THINGS, dry_run=True).kept == ()


def test_an_existing_sidecar_is_used_and_keeps_the_rest(tmp_path: Path) -> None:
    photo = Path(shutil.copy(EXAMPLES / "cat.jpg", tmp_path / "cat.jpg"))
    other = annotate(photo, "first", []).file
    assert other == sidecar_of(photo) == tmp_path / "cat.jpg.xmp"
    plain = other.rename(tmp_path / "cat.xmp")
    with pyexiv2.ImageData(plain.read_bytes()) as image:
        image.modify_xmp({"Xmp.xmp.Rating": "5"})
        plain.write_bytes(image.get_bytes())
    change = annotate(photo, "second", ["two"])
    assert (change.file, change.kept, change.written) == (
        plain,
        ("description", "alt text"),
        {"things": ("two",)},
    )
    assert found(plain)["Xmp.xmp.Rating"] == "5"
    assert not (tmp_path / "cat.jpg.xmp").exists()


def named_for(sidecar: Path) -> str | None:
    """The extension of the photograph that a sidecar belongs to."""
    name: str | None = found(sidecar).get("Xmp.photoshop.SidecarForExtension")
    return name


@pytest.mark.parametrize("owner", ["jpg", "JPG", "png", "cr2", None])
@pytest.mark.parametrize(
    "names", [("a.jpg", "a.png"), ("a.png", "a.jpg", "a.CR2"), ("a.jpg", "a.JPG"), ("a.jpg",)]
)
@pytest.mark.parametrize("overwrite", [False, True])
def test_no_two_photographs_share_a_sidecar(
    tmp_path: Path, owner: str | None, names: tuple[str, ...], overwrite: bool
) -> None:
    photos = [Path(shutil.copy(EXAMPLES / "cat.jpg", tmp_path / name)) for name in names]
    mine = {"Xmp.dc.description": {'lang="x-default"': "mine"}}
    plain = annotate(photos[0], "", ["old"]).file.rename(tmp_path / "a.xmp")
    with pyexiv2.Image(str(plain)) as image:
        image.modify_xmp({**mine, "Xmp.photoshop.SidecarForExtension": owner})

    changes = {photo: annotate(photo, photo.name, ["new"], overwrite=overwrite) for photo in photos}
    assert len({change.file for change in changes.values()}) == len(photos)
    for photo, change in changes.items():
        said = found(change.file)["Xmp.dc.description"]['lang="x-default"']
        assert said == (photo.name if overwrite or change.file != plain else "mine")
        assert named_for(change.file) == photo.suffix[1:] or not change.written
        assert sidecar_of(photo) == change.file

    # The plain name stays with the photograph that it names, or with the only one.
    sole = len(names) == 1 and owner is None
    users = [photo for photo, change in changes.items() if change.file == plain]
    suffixes = [photo.suffix[1:] for photo in photos]
    exact = [suffix for suffix in suffixes if suffix == owner]
    alike = exact or [suffix for suffix in suffixes if owner and suffix.lower() == owner.lower()]
    assert [photo.suffix[1:] for photo in users] == (suffixes if sole else alike)
    assert users or found(plain)["Xmp.dc.description"] == {'lang="x-default"': "mine"}


def test_other_files_of_the_same_name_leave_the_sidecar_alone(tmp_path: Path) -> None:
    photo = Path(shutil.copy(EXAMPLES / "cat.jpg", tmp_path / "cat.jpg"))
    plain = annotate(photo, "first", []).file.rename(tmp_path / "cat.xmp")
    with pyexiv2.Image(str(plain)) as image:
        image.modify_xmp({"Xmp.photoshop.SidecarForExtension": None})
    (tmp_path / "cat.txt").write_text("a cat")
    (tmp_path / "cat").mkdir()
    assert sidecar_of(photo) == plain


def test_a_photograph_without_a_suffix_shares_no_sidecar(tmp_path: Path) -> None:
    bare = Path(shutil.copy(EXAMPLES / "cat.jpg", tmp_path / "cat"))
    assert annotate(bare, "first", []).file == sidecar_of(bare) == tmp_path / "cat.xmp"
    photo = Path(shutil.copy(EXAMPLES / "cat.jpg", tmp_path / "cat.jpg"))
    assert annotate(photo, "second", []).file == tmp_path / "cat.jpg.xmp"
    with pytest.raises(MetadataError, match=r"cat\.xmp is for another photograph: give this one a suffix"):
        annotate(bare, "third", [], overwrite=True)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("form", ["GIF", "BMP", "AVIF", "HEIF", "JPEG2000", "PPM", "ICO", *FORMATS])
def test_a_dry_run_refuses_what_a_run_refuses(tmp_path: Path, target: Target, form: str) -> None:
    if form == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    photo = tmp_path / "cat.dat"
    with Image.open(EXAMPLES / "cat.jpg") as image:
        image.resize((64, 48)).save(photo, form)
    content = photo.read_bytes()

    def outcome(*, dry_run: bool) -> object:
        try:
            return annotate(photo, CAPTION, THINGS, target, dry_run=dry_run)
        except MetadataError as error:
            return str(error)

    planned = outcome(dry_run=True)
    assert photo.read_bytes() == content
    assert os.listdir(tmp_path) == ["cat.dat"]
    assert outcome(dry_run=False) == planned
    if isinstance(planned, str):
        assert target != "sidecar"
        assert planned.endswith("use a sidecar") or "pixels" in planned


def test_a_dry_run_refuses_a_folder_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = Path(shutil.copy(EXAMPLES / "cat.jpg", tmp_path / "cat.jpg"))
    monkeypatch.setattr("os.access", lambda *_: False)  # the tests may run as root
    for dry_run in (True, False):
        with pytest.raises(PermissionError, match=tmp_path.name):
            annotate(photo, CAPTION, THINGS, dry_run=dry_run)
    assert os.listdir(tmp_path) == ["cat.jpg"]


@pytest.mark.parametrize("target", ["xmp", "exif"])
def test_what_is_overwritten_is_left_nowhere(photo: Path, target: Target) -> None:
    """Readers differ in which place they show: none may show an older text."""
    with pyexiv2.Image(str(photo)) as image:
        for places in WRITTEN.values():
            for kind, texts in places:
                getattr(image, f"modify_{kind}")(texts)
    change = annotate(photo, CAPTION, THINGS, target, overwrite=True)
    after = found(photo)
    for name in change.written:
        left = {key for key in PROPERTIES[name] if after.get(key)}
        assert left == {KEYS[target][name]}
    assert after["Xmp.iptc.AltTextAccessibility"]  # EXIF has no such text: the old one stays


def test_a_photograph_that_differs_from_its_sidecar_is_told(photo: Path) -> None:
    with pyexiv2.Image(str(photo)) as image:
        image.modify_exif({"Exif.Image.ImageDescription": "my dog"})
    assert annotate(photo, CAPTION, THINGS).differing == ()
    change = annotate(photo, CAPTION, THINGS, overwrite=True)
    assert change.differing == ("description",)


def test_a_damaged_file_stays_as_it_is(tmp_path: Path) -> None:
    photo = Path(shutil.copy(EXAMPLES / "cat.jpg", tmp_path / "cat.jpg"))
    sidecar = tmp_path / "cat.jpg.xmp"
    sidecar.write_bytes(b"my own notes")
    with pytest.raises(MetadataError, match=r"cat\.jpg\.xmp: its metadata .*; mend this sidecar"):
        annotate(photo, CAPTION, THINGS, overwrite=True)
    assert sidecar.read_bytes() == b"my own notes"

    for name, content in (("a.gif", gif()), ("b.jpg", b"nothing"), ("c.jpg", photo.read_bytes()[:300])):
        path = tmp_path / name
        path.write_bytes(content)
        for target in ("xmp", "exif"):
            with pytest.raises(MetadataError, match=name):
                annotate(path, CAPTION, THINGS, target)
        assert path.read_bytes() == content
    assert annotate(tmp_path / "a.gif", CAPTION, THINGS).file.name == "a.gif.xmp"


def gif() -> bytes:
    stream = io.BytesIO()
    Image.new("P", (4, 4)).save(stream, "GIF")
    return stream.getvalue()


def test_pixels_that_would_change_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = Path(shutil.copy(EXAMPLES / "cat.jpg", tmp_path / "cat.jpg"))
    content = photo.read_bytes()
    monkeypatch.setattr("dvsa.metadata._changed", lambda *_: (EXAMPLES / "astronaut.jpg").read_bytes())
    with pytest.raises(MetadataError, match="without a change of its pixels"):
        annotate(photo, CAPTION, THINGS, "xmp")
    assert photo.read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["cat.jpg"]


def test_a_link_leads_to_the_photograph(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    photo = Path(shutil.copy(EXAMPLES / "cat.jpg", tmp_path / "real" / "cat.jpg"))
    link = tmp_path / "link.jpg"
    link.symlink_to(photo)
    annotate(link, CAPTION, THINGS, "xmp")
    assert link.is_symlink()
    assert found(photo)["Xmp.dc.subject"] == THINGS
    assert annotate(link, CAPTION, THINGS).file == tmp_path / "real" / "cat.jpg.xmp"


# The command


@pytest.mark.slow
def test_the_command_writes_shows_and_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    album, here = tmp_path / "album", tmp_path / "here"
    album.mkdir()
    here.mkdir()
    monkeypatch.chdir(here)
    for name in ("cat.jpg", "photographer.jpg"):
        shutil.copy(EXAMPLES / name, album)

    def run(*arguments: object) -> Any:
        return CliRunner().invoke(app, ["describe", str(album), *map(str, arguments)], env={"COLUMNS": "200"})

    done = run("--write", "sidecar", "--dry-run")
    assert done.exit_code == 0, done.output
    assert "would write description: a cat is sitting on a wall" in done.stdout
    assert len(os.listdir(album)) == 2

    done = run("--write", "sidecar", "--json")
    assert json.loads(done.stdout)["photographs"][0]["written"]["description"] == "a cat is sitting on a wall"
    assert sorted(os.listdir(album))[1::2] == ["cat.jpg.xmp", "photographer.jpg.xmp"]
    assert "cat" in found(album / "cat.jpg.xmp")["Xmp.dc.subject"]

    # Everything is there now: nothing is described again.
    with monkeypatch.context() as patch:
        patch.setattr("dvsa.model.Model.open", None)
        done = run("--write", "sidecar")
    assert done.stdout.count("kept description, things, alt text; --overwrite replaces what is there") == 2

    assert "--write word is unknown: choose from sidecar, xmp, exif" in run("--write", "word").stderr
    assert "give --write with" in run("--dry-run").stderr
    (album / "broken.jpg").write_bytes(b"nothing")
    done = run("--write", "xmp", "--dry-run")
    assert done.exit_code == 2
    assert "broken.jpg: its metadata cannot be read" in done.stderr
    assert os.listdir(here) == []


@pytest.mark.parametrize("target", ["xmp", "exif"])
def test_the_date_of_the_file_stays(photo: Path, target: Target) -> None:
    """A photograph without EXIF data is filed by it; that the content has changed is seen all the same."""
    os.utime(photo, (1_234_567_890, 1_234_567_890))
    before = photo.stat()
    assert annotate(photo, "a dog", ["dog"], target).written
    after = photo.stat()
    assert after.st_mtime_ns == before.st_mtime_ns
    assert (after.st_size, after.st_ctime_ns) != (before.st_size, before.st_ctime_ns)
