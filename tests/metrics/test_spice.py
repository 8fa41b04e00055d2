"""SPICE's command line, answers and failures, with a small Java program in place of the real one."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from dvsa.metrics.spice import spice

REFERENCES = {"1.jpg": ["A dog runs.", "the dog"], "é.jpg": ["Ein Hund läuft"], "3.jpg": ["a cat"]}
HYPOTHESES = {"1.jpg": "The dog runs!", "é.jpg": "läuft", "3.jpg": "..."}

pytestmark = pytest.mark.java


@pytest.fixture
def folder(spice_jar: Path, tmp_path: Path) -> Path:
    """A folder with the jar; the program does what its file task.txt says."""
    shutil.copy(spice_jar, tmp_path)
    return tmp_path


def answers(*f_scores: object) -> str:
    """The answer of SPICE for the photographs that it was asked for, the last one first."""
    entries = [{"image_id": n, "scores": {"All": {"pr": 1, "f": f}}} for n, f in enumerate(f_scores)]
    return json.dumps(entries[::-1])


def test_it_is_asked_for_tokens_and_its_scores_are_read(folder: Path) -> None:
    (folder / "task.txt").write_text(answers(0.5, 1))
    assert spice(REFERENCES, HYPOTHESES, folder).tolist() == [0.5, 1.0, 0.0]
    assert json.loads((folder / "asked.json").read_text()) == [
        {"image_id": 0, "test": "the dog runs", "refs": ["a dog runs", "the dog"]},
        {"image_id": 1, "test": "läuft", "refs": ["ein hund läuft"]},
    ]
    asked, out, answered, silent = (folder / "arguments.txt").read_text().split("\n")
    assert (Path(asked).name, out, silent) == ("captions.json", "-out", "-silent")
    assert not Path(asked).exists()  # nothing is left behind
    assert not Path(answered).exists()


def test_the_jar_itself_may_be_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "task.txt").write_text(answers(0.5, 0.25))
    monkeypatch.chdir(folder.parent)
    jar = Path(folder.name, "spice-1.0.jar")
    np.testing.assert_array_equal(spice(REFERENCES, HYPOTHESES, jar), [0.5, 0.25, 0])


@pytest.mark.parametrize("nothing", ["null", "NaN"])
def test_a_photograph_without_anything_to_compare_scores_0(folder: Path, nothing: str) -> None:
    (folder / "task.txt").write_text(answers(0.5, "x").replace('"x"', nothing))
    assert spice(REFERENCES, HYPOTHESES, folder).tolist() == [0.5, 0.0, 0.0]


def test_captions_without_words_need_no_program(folder: Path) -> None:
    (folder / "task.txt").write_text("fail")
    assert spice({"1.jpg": ["a dog"]}, {"1.jpg": "!"}, folder).tolist() == [0.0]


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("fail", r"spice-1\.0\.jar failed: Exception in thread .*no memory"),
        ("corenlp", r"spice-1\.0\.jar failed: put Stanford CoreNLP 3\.6\.0 into the folder lib"),
        ("nothing", r"spice-1\.0\.jar failed: it gave no reason"),
        ("[{]", r"spice-1\.0\.jar gave scores that are not JSON"),
        ("[]", r"no score in \[0, 1\] for photograph '1\.jpg'"),
        ("{}", r"no score in \[0, 1\] for photograph '1\.jpg'"),
        ("[1, null]", r"no score in \[0, 1\] for photograph '1\.jpg'"),
        (answers(0.5), r"no score in \[0, 1\] for photograph 'é\.jpg'"),
        (answers(0.5, 1.5), r"no score in \[0, 1\] for photograph 'é\.jpg'"),
        (answers(True, 0.5), r"no score in \[0, 1\] for photograph '1\.jpg'"),
        (answers("0.5", 0.5), r"no score in \[0, 1\] for photograph '1\.jpg'"),
        (answers(0.5, 0.5).replace("All", "Any"), r"no score in \[0, 1\] for photograph '1\.jpg'"),
    ],
)
def test_a_program_that_fails_is_named(folder: Path, task: str, message: str) -> None:
    (folder / "task.txt").write_text(task)
    with pytest.raises(ValueError, match=message) as raised:
        spice(REFERENCES, HYPOTHESES, folder)
    assert "\n" not in str(raised.value)


def test_a_program_that_hangs_is_stopped(folder: Path) -> None:
    (folder / "task.txt").write_text("hang")
    with pytest.raises(ValueError, match=r"spice-1\.0\.jar gave no scores in 1 seconds"):
        spice(REFERENCES, HYPOTHESES, folder, timeout=1)


def test_a_jar_that_is_missing_or_damaged_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"has no spice-\*\.jar"):
        spice(REFERENCES, HYPOTHESES, folder.parent)
    shutil.copy(folder / "spice-1.0.jar", folder / "spice-2.0.jar")
    with pytest.raises(ValueError, match=r"has several: spice-1\.0\.jar, spice-2\.0\.jar: name one"):
        spice(REFERENCES, HYPOTHESES, folder)
    (folder / "spice-2.0.jar").write_bytes(b"no jar")
    with pytest.raises(ValueError, match=r"spice-2\.0\.jar failed: Error: .*spice-2\.0\.jar"):
        spice(REFERENCES, HYPOTHESES, folder / "spice-2.0.jar")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ValueError, match="SPICE needs Java: install a JRE"):
        spice(REFERENCES, HYPOTHESES, folder / "spice-1.0.jar")
