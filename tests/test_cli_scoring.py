"""`dvsa score` with programs and models of others."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from dvsa.cli import app
from dvsa.learn.ship.clip import Clip
from dvsa.metrics.clipscore import clip_scores
from dvsa.photo import read

REFERENCES = {"1.jpg": ["a dog runs", "the dog"], "2.jpg": ["a cat"]}
HYPOTHESES = {"1.jpg": "a dog", "2.jpg": "two cats"}


def run(*arguments: object, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200", **(env or {})})


@pytest.fixture
def captions(tmp_path: Path) -> tuple[Path, Path]:
    """The files of references and hypotheses."""
    refs, hyps = tmp_path / "refs.json", tmp_path / "hyps.json"
    refs.write_text(json.dumps(REFERENCES))
    hyps.write_text(json.dumps(HYPOTHESES))
    return refs, hyps


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with both photographs."""
    folder = tmp_path / "pictures"
    (folder / "inner").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in ("1.jpg", "inner/2.jpg"):
        Image.fromarray(rng.integers(256, size=(40, 50, 3), dtype=np.uint8)).save(folder / name)
    return folder


def test_clip_score_of_files(captions: tuple[Path, Path], pictures: Path, clip_folder: Path) -> None:
    told = ("score", *captions, "--no-meteor", "--clip", clip_folder, "--photographs", pictures)
    done = run(*told, "--json")
    assert done.exit_code == 0, done.output
    paths = {"1.jpg": pictures / "1.jpg", "2.jpg": pictures / "inner" / "2.jpg"}
    wanted = clip_scores(Clip(clip_folder), lambda name: read(paths[name]), REFERENCES, HYPOTHESES)
    said = json.loads(done.stdout)
    for name, score_K in wanted.items():
        assert said[name] == pytest.approx(100 * score_K.mean(), abs=1e-4)
        assert f"|model:{clip_folder.name}|" in said["signatures"][name]
        assert name in said["ci95"]


def test_spice_of_files_by_option_or_variable(
    captions: tuple[Path, Path], spice_jar: Path, tmp_path: Path
) -> None:
    shutil.copy(spice_jar, tmp_path)
    (tmp_path / "task.txt").write_text(
        json.dumps([{"image_id": n, "scores": {"All": {"f": 0.5}}} for n in (0, 1)])
    )
    for option, env in ((("--spice", tmp_path), {}), ((), {"DVSA_SPICE": str(tmp_path)})):
        done = run("score", *captions, "--no-meteor", "--json", *option, env=env)
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["SPICE"] == 50


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--clip", "."), "--clip and --photographs belong together"),
        (("--photographs", "."), "--clip and --photographs belong together"),
        (("--clip", ".", "--photographs", "no"), "no is not a folder: name the folder of the photographs"),
        (("--clip", ".", "--photographs", "."), "photograph '1.jpg' is not there: give one file for each"),
        (("--clip", ".", "--photographs", "pictures"), "the CLIP model . lacks config.json"),
        (("--spice", "."), "has no spice-*.jar: name the folder of SPICE's jar"),
    ],
)
def test_what_is_missing_is_one_line(
    captions: tuple[Path, Path],
    pictures: Path,
    options: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    shutil.copytree(pictures, empty / "pictures")
    if options[-1] == "." and "--photographs" in options and "--clip" in options:
        shutil.rmtree(empty / "pictures")
    monkeypatch.chdir(empty)
    done = run("score", *captions, "--no-meteor", *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
    assert len([line for line in done.stderr.splitlines() if line.startswith("dvsa: ")]) <= 2


def test_two_files_of_one_name_are_refused(
    captions: tuple[Path, Path], pictures: Path, clip_folder: Path
) -> None:
    shutil.copytree(pictures / "inner", pictures / "other")
    done = run("score", *captions, "--no-meteor", "--clip", clip_folder, "--photographs", pictures)
    assert done.exit_code == 2
    assert "photograph '2.jpg' is inner/2.jpg or other/2.jpg: give one file for each" in done.stderr
