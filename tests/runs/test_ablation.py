"""The ablation on toy scenes, with small networks: what the variants share is trained once."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dvsa.data import load, toy
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.fit import fit
from dvsa.learn.runs.inputs import FitOptions

SENTENCES = "".join(
    f"9{k}\ta {colour} circle\n9{k}\tone {colour} thing\n" for k, colour in enumerate(["red", "blue"])
)


Script = Callable[[str], ModuleType]


@pytest.fixture
def run(
    script: Script, quick: Callable[[Recipe], Recipe], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """Runs the script with a quick recipe."""
    module = script("ablation")
    best = RECIPES["best"]
    monkeypatch.setattr(module, "RECIPES", {"best": lambda: quick(best())})

    def call(*arguments: object) -> None:
        monkeypatch.setattr("sys.argv", ["ablation.py", *map(str, arguments)])
        module.main()

    return call


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A toy data set, and the folders of the run and of the ablation."""
    return toy.write(tmp_path / "data", train=24, val=8, test=8), tmp_path / "run", tmp_path / "out"


def variants(script: Script, out: Path, kind: str) -> dict[str, Any]:
    """The results of one kind."""
    data = script("results_data")
    values = data.read_folder(out / "figures")
    found: dict[str, Any] = data.group({name: data.Result.of(v) for name, v in values.items()}, kind)
    return found


def test_variants_share_what_they_leave_as_it_is(
    run: Callable[..., None],
    quick: Callable[[Recipe], Recipe],
    script: Script,
    places: tuple[Path, Path, Path],
    tmp_path: Path,
) -> None:
    data, whole, out = places
    sentences = tmp_path / "read.txt"
    sentences.write_text(SENTENCES)
    fit(quick(RECIPES["best"]()), load(data), whole, FitOptions(sentences=sentences, quiet=True))
    names = ("best", "no tuning", "no grounding", "no reading")
    run(data, sentences, whole, out, "--only", *names, "--captions")
    figures = {name: json.loads((out / "figures" / f"ablation.{name}.json").read_text()) for name in names}
    for report in figures.values():
        assert (report["facts"]["split"], report["facts"]["N"]) == ("val", 8)
        for key in ("p2s R@1", "s2p R@10", "R@1 IoU0.5", "pointing", "covered IoU0.7"):
            low, high = report["ci95"][key]
            assert 0 <= low <= report[key] <= high <= 100
    learnt = {
        name: {log.parent.name for log in (out / "runs" / name.replace(" ", "-")).glob("*/log.jsonl")}
        for name in names
    }
    assert learnt == {
        "best": set(),  # all of it is taken over
        "no tuning": set(),
        "no grounding": {"align", "tune", "settle"},
        "no reading": {"align", "tune", "settle"},
    }
    lag, shared = tmp_path / "lag", whole / "settle"
    shared.rename(lag)
    threading.Timer(4, lambda: lag.rename(shared)).start()
    run(data, sentences, whole, tmp_path / "meanwhile", "--only", "best", "--captions")
    assert not [*(tmp_path / "meanwhile").glob("runs/best/*/log.jsonl")]  # it has waited for what it shares
    again = json.loads((tmp_path / "meanwhile" / "figures" / "ablation.best.json").read_text())
    assert again["p2s R@1"] == figures["best"]["p2s R@1"]

    page = script("results_ablation")
    best, *others = [row[0] for row in page.differences(variants(script, out, "ablation"))]
    assert best == "**best**"
    assert {*others} == {page.PARTS.get(name, name) for name in names if name != "best"}


@pytest.mark.usefixtures("java")
def test_captions_are_those_of_the_run(
    run: Callable[..., None],
    quick: Callable[[Recipe], Recipe],
    script: Script,
    places: tuple[Path, Path, Path],
    tmp_path: Path,
) -> None:
    data, whole, out = places
    fit(quick(RECIPES["best"]()), load(data), whole, FitOptions(quiet=True))
    names = ("best", "no reward", "no reranking")
    run(data, tmp_path / "none.txt", whole, out, "--only", "--captions", *names)
    found = variants(script, out, "captions")
    assert [found[name].report.settings["rerank"] for name in names] == [0.15, 0.15, 0.0]
    assert not (out / "runs").exists()
    page = script("results_ablation")
    rows = page.caption_rows(found, ("CIDEr",))
    assert [row[0] for row in rows] == [
        page.CAPTIONS.get(n, n) for n in ("best", "no reranking", "no reward")
    ]
