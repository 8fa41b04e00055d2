"""Teaching names: the vector separates what photographs share, and the bundle changes in nothing else."""

import json
import shutil
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import dvsa
from dvsa.arrays import FloatArray
from dvsa.background import BACKGROUND_FILE, Background
from dvsa.bundle import Bundle, shipped
from dvsa.cli import app
from dvsa.index import Index
from dvsa.manifest import MANIFEST
from dvsa.teaching import forget, learn, teach, usual_length
from dvsa.verified import verify

EXAMPLES = Path("examples")
CAT, ASTRONAUT, PHOTOGRAPHER = (EXAMPLES / f"{name}.jpg" for name in ("cat", "astronaut", "photographer"))


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return teach("our wall", [CAT], out=tmp_path / "mine", against=[ASTRONAUT, PHOTOGRAPHER])


@given(seed=st.integers(0, 999), photographs=st.integers(2, 6), length=st.floats(0.5, 50))
def test_the_vector_finds_what_photographs_share(seed: int, photographs: int, length: float) -> None:
    """One region of each photograph, anywhere in it, is the thing; all others are ordinary."""
    rng = np.random.default_rng(seed)
    thing_D = rng.normal(size=32)

    def regions(count: int, with_thing: bool) -> FloatArray:
        v_ID = rng.normal(size=(count, 32))
        if with_thing:
            v_ID[rng.integers(count)] = thing_D + 0.2 * rng.normal(size=32)
        unit_ID: FloatArray = v_ID / np.linalg.norm(v_ID, axis=1, keepdims=True)
        return unit_ID

    background = Background.of(np.concatenate([regions(8, False) for _ in range(60)]))
    s_D = learn([regions(8, True) for _ in range(photographs)], background, length)
    assert np.linalg.norm(s_D) == pytest.approx(length, rel=1e-4)
    with_it, without = ([(regions(8, has) @ s_D).max() for _ in range(40)] for has in (True, False))
    assert min(with_it) > np.quantile(without, 0.9)


def test_one_photograph_is_enough_for_its_frame() -> None:
    v_ID = np.eye(4, dtype=np.float32)
    background = Background(np.full(4, 0.25, np.float32), np.eye(4, dtype=np.float32))
    assert learn([v_ID], background, 1.0).argmax() == 3


def test_only_the_name_is_new(mine: Path) -> None:
    bundle, old = Bundle.open(mine), Bundle.open()
    verify(mine)
    assert {*bundle.manifest.files} - {*old.manifest.files} == {path.name for path in mine.glob("taught-*")}
    assert bundle.regions_digest == old.digest != bundle.digest

    model, plain = dvsa.load(mine), dvsa.load()
    assert np.linalg.norm(model.read("our wall").s_ND) == pytest.approx(usual_length(plain), rel=1e-4)
    np.testing.assert_array_equal(model.read("a cat").s_ND, plain.read("a cat").s_ND)
    assert model.open(CAT).caption() == plain.open(CAT).caption()
    scores = [model.open(photo).score("our wall") for photo in (CAT, ASTRONAUT, PHOTOGRAPHER)]
    assert scores.index(max(scores)) == 0


def test_an_index_that_was_made_before_still_fits(mine: Path, tmp_path: Path) -> None:
    with Index.create(tmp_path / "album.index") as made:
        made.add([EXAMPLES])
    index = Index.open(tmp_path / "album.index", dvsa.load(mine))
    hits = index.search("our wall")
    assert hits[0].photograph.path.endswith("cat.jpg")
    with Index.create(tmp_path / "new.index", dvsa.load(mine)) as made:
        made.add([CAT])
    assert Index.open(tmp_path / "new.index", dvsa.load()).search("a cat")


def test_names_are_added_and_forgotten_where_the_bundle_is(mine: Path) -> None:
    base = Bundle.open(mine).regions_digest
    teach("her helmet", [ASTRONAUT], bundle=mine, against=[CAT, PHOTOGRAPHER])
    assert {*Bundle.open(mine).taught.vectors} == {"our wall", "her helmet"}
    forget("our wall", bundle=mine)
    bundle = Bundle.open(mine)
    assert [*bundle.taught.vectors] == ["her helmet"]
    assert bundle.regions_digest == base
    assert len([*mine.glob("taught-*")]) == 1
    assert bundle.read().names == Bundle.open().read().names


def test_a_bundle_with_a_background_needs_no_other_photographs(tmp_path: Path) -> None:
    shutil.copytree(shipped(), tmp_path / "bundle")
    background = Background.of(np.concatenate([dvsa.load().open(p).v_ID for p in (ASTRONAUT, PHOTOGRAPHER)]))
    content = background.to_bytes()
    (tmp_path / "bundle" / BACKGROUND_FILE).write_bytes(content)
    manifest = json.loads((tmp_path / "bundle" / MANIFEST).read_text())
    manifest["files"][BACKGROUND_FILE] = {"bytes": len(content), "sha256": sha256(content).hexdigest()}
    (tmp_path / "bundle" / MANIFEST).write_text(json.dumps(manifest))
    teach("our wall", [CAT], bundle=tmp_path / "bundle")
    assert [*Bundle.open(tmp_path / "bundle").taught.vectors] == ["our wall"]


def test_what_cannot_be_taught_changes_nothing(mine: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in mine.iterdir()}
    others = {"against": [PHOTOGRAPHER]}
    with pytest.raises(ValueError, match="'our wall' was taught already: forget it first"):
        teach("our wall", [CAT], bundle=mine, **others)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no photographs show 'her helmet'"):
        teach("her helmet", [], bundle=mine, **others)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="has no record of ordinary photographs"):
        teach("her helmet", [ASTRONAUT], bundle=mine)
    with pytest.raises(dvsa.PhotoError, match=r"nothing\.jpg"):
        teach("her helmet", ["nothing.jpg"], bundle=mine, **others)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"mine is not empty: give a new folder"):
        teach("her helmet", [ASTRONAUT], bundle=mine, out=mine, **others)  # type: ignore[arg-type]
    assert {path.name: path.read_bytes() for path in mine.iterdir()} == before
    with pytest.raises(ValueError, match=r"is not yours to change: give a folder for the copy \(--out\)"):
        teach("her helmet", [ASTRONAUT], **others)  # type: ignore[arg-type]


def run(*args: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["teach", *map(str, args)])
    return done.exit_code, done.output


def test_the_command_teaches_lists_and_forgets(tmp_path: Path) -> None:
    out = tmp_path / "my bundle"
    against = ("--against", ASTRONAUT, "--against", PHOTOGRAPHER)
    code, printed = run("our wall", CAT, *against, "--out", out)
    assert code == 0, printed
    assert f"Next: dvsa search INDEX 'our wall' --bundle '{out}'" in " ".join(printed.split())
    assert run("--list", "--bundle", out) == (0, "our wall\n")
    code, printed = run("--list", "--bundle", out, "--json")
    assert json.loads(printed) == {"bundle": str(out), "names": ["our wall"]}
    done = CliRunner().invoke(app, ["teach", "our cat", "--bundle", str(out)])
    assert "no photographs show 'our cat': give at least one" in done.output
    assert run("--forget", "our wall", "--bundle", out)[0] == 0
    assert run("--list", "--bundle", out) == (0, "no names\n")


@pytest.mark.parametrize(
    "args", [[], ["--list", "our wall"], ["--list", "--forget", "our wall"], ["our wall", "--forget", "x"]]
)
def test_the_command_does_one_thing_at_a_time(args: list[str]) -> None:
    done = CliRunner().invoke(app, ["teach", *args])
    assert done.exit_code == 2
