"""Judging a bundle on made photographs and on those of examples/."""

import json
import math
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import dvsa
from dvsa.data import load
from dvsa.model import View
from dvsa.text import words

Script = Callable[[str], ModuleType]

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@dataclass(frozen=True)
class Thing:
    name: str


def listed(script: Script, **fields: object) -> object:
    """A photograph of a list."""
    module = script("wild_list")
    package = module.Package("made", "npm", "1.0")
    given = {"name": "cat", "half": "choose", "kind": "animals", "main": "cat", "names": ("kitten",)}
    given |= {"things": ("wall",), "subjects": (), "sentence": "A cat.", "package": package}
    given |= {"member": "img/cat.jpg", "sha256": "", "author": "A. & B.", "licence": "CC0"}
    return module.Wild(**(given | fields))


def said(script: Script, caption: str, things: tuple[str, ...] | None = None, place: float = 2.0) -> object:
    return script("wild_model").Answer(place, ("tabby",), tuple(caption.split()), things)


def test_measures_of_one_photograph(script: Script) -> None:
    wild = script("wild")
    language = script("wild_measures").Language.learn([["a", "cat", "sits", "on", "a", "wall"]])
    good = wild.of_photograph(
        listed(script), said(script, "a cat sits on a wall", ("wall", "cats")), language
    )
    assert good == {
        "named: first": 0,
        "named: first five": 1,
        "captions: fluent": 1,
        "captions: no bad ending": 1,
        "captions: no repeated word": 1,
        "captions: no unseen pair": 1,
        "captions: right subject": 1,
        "captions: main thing anywhere": 1,
        "things: main thing": 1,
        "things: right": 2,
        "things: listed": 2,
    }
    bad = wild.of_photograph(listed(script), said(script, "a wall sits on a cat"), language)
    assert bad["captions: right subject"] == 0
    assert bad["captions: main thing anywhere"] == 1
    assert bad["captions: no unseen pair"] == bad["captions: fluent"] == 0
    assert "things: main thing" not in bad


def test_figures_are_means_in_percent(script: Script) -> None:
    rows = [
        {"named": math.nan, "things: right": 1.0, "things: listed": 4.0},
        {"named": 1.0, "things: right": 3.0, "things: listed": 4.0},
        {"named": 0.0, "things: right": 0.0, "things: listed": 0.0},
    ]
    found = script("wild").figures(rows)
    assert found["named"].value == 50
    assert found["things: right"].value == 50
    assert "things: listed" not in found
    low, high = found["things: right"].ends
    assert low < 50 < high


def test_a_figure_that_nothing_has_is_missing(script: Script) -> None:
    assert script("wild").figures([{"named": math.nan}] * 3)["named"].value is None


@pytest.fixture(scope="module")
def views() -> dict[str, View]:
    model = dvsa.load()
    return {name: model.open(EXAMPLES / f"{name}.jpg") for name in ("cat", "photographer")}


def test_classes_are_scored_by_their_best_name(script: Script, views: dict[str, View]) -> None:
    module, view = script("wild_model"), views["cat"]
    classes = module.Classes.read(view.model)
    score_C = classes.scores(view)
    assert np.isnan(score_C).sum() == classes.unnamed
    assert 0 < classes.unnamed < 1000

    # The best class, and its score, by the definition.
    best = classes.best(view)
    (sentence,) = view.model.read_many([best[0]])
    u_D = sentence.s_ND.sum(axis=0)
    cosine_I = view.v_ID @ u_D / np.linalg.norm(u_D) / np.linalg.norm(view.v_ID, axis=1)
    assert cosine_I.max() == pytest.approx(np.nanmax(score_C), abs=1e-5)
    assert len(best) == module.TOP


def test_a_class_is_right_if_one_of_its_names_is(script: Script) -> None:
    right = script("wild_model").is_right
    assert [n for n, is_right in enumerate(right(listed(script, main="jellyfish", names=()))) if is_right]
    tabby = right(listed(script, main="x", names=("Tabby cats",)))
    assert sum(tabby) == 1
    assert sum(right(listed(script, main="dog", names=("x",)))) == 0, "a hot dog is no dog"


def test_search_asks_each_main_thing_once(script: Script, views: dict[str, View]) -> None:
    photographs = [
        listed(script),
        listed(script, name="photographer", main="man", names=(), things=("camera",)),
        listed(script, name="again", main="cat"),
        listed(script, name="unknown", main="zyzzyva", names=(), things=()),
    ]
    shown = [views["cat"], views["photographer"], views["cat"], views["photographer"]]
    places = script("wild_model").search(views["cat"].model, shown, photographs)
    assert list(places) == ["cat", "man", "zyzzyva"]
    assert places["cat"] == 1
    assert places["zyzzyva"] == math.inf


def test_things_are_read_if_there_are_any(script: Script, views: dict[str, View]) -> None:
    module = script("wild_model")

    class Seeing:
        def __init__(self, view: View) -> None:
            self.v_ID, self.caption = view.v_ID, view.caption

        def things(self) -> list[Thing]:
            return [Thing("cat"), Thing("wall")]

    classes = module.Classes.read(views["cat"].model)
    assert module.answer(Seeing(views["cat"]), listed(script), classes).things == ("cat", "wall")


def test_the_page_shows_everything(script: Script, views: dict[str, View]) -> None:
    found = said(script, "a <cat>", ("wall",))
    measured = {"captions: right subject": 0.0, "captions: fluent": 0.0, "named: first five": 1.0}
    html = script("wild_sheet").page("choose", [views["cat"]], [listed(script)], [found], [measured])
    for text in (
        "a &lt;cat&gt;",
        "(not fluent)",
        "tabby",
        "things: wall",
        "A. &amp; B.",
        "CC0",
        "image/jpeg",
    ):
        assert text in html


@pytest.mark.slow
def test_people_write_both_files(script: Script, toy_data: Path, tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("7.jpg\tA zyzzyva, sleeping.\n")
    language = script("wild").people(toy_data, tmp_path / "more.txt")
    assert ("zyzzyva", "sleeping") in language.pairs
    sentences = [
        words(s) for split in ("train", "test") for e in load(toy_data).split(split) for s in e.sentences
    ]
    assert {(sentence[0], sentence[1]) for sentence in sentences} <= language.pairs


@pytest.mark.slow
def test_the_script_judges_one_half(
    script: Script,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The whole run, with a list of one photograph and a language of one sentence."""
    shutil.copy(EXAMPLES / "cat.jpg", tmp_path / "cat.jpg")
    digest = sha256((tmp_path / "cat.jpg").read_bytes()).hexdigest()
    module = script("wild")
    photographs = (listed(script, sha256=digest), listed(script, name="other", half="judge"))
    monkeypatch.setattr(module, "read", lambda: photographs)
    language = script("wild_measures").Language.learn([["a", "cat"]])
    monkeypatch.setattr(module, "people", lambda data, sentences: language)

    command = ["wild.py", str(tmp_path), "data", "sentences", "--out", str(tmp_path / "x.json")]
    monkeypatch.setattr(sys, "argv", [*command, "--sheet", str(tmp_path / "x.html")])
    module.main()
    report = json.loads((tmp_path / "x.json").read_text())
    assert report["half"] == "choose"
    assert report["photographs"] == report["questions"] == 1
    assert report["search: first 1"] == {"value": 100.0, "ci95": [100.0, 100.0]}
    assert report["captions: right subject"]["value"] == 100.0
    assert "<figure>" in (tmp_path / "x.html").read_text()
    assert "captions: fluent" in capsys.readouterr().out

    monkeypatch.setattr(sys, "argv", [*command, "--half", "judge"])
    with pytest.raises(SystemExit, match=re.escape("such as other.jpg: run wild_fetch.py")):
        module.main()
