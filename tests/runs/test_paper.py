"""The scripts of the paper's tables on toy data in the layouts of Flickr30K and MSCOCO.

The recipes are small and short; everything else is as on the real data: `runs/paper.py` from its command line
to its figures.
"""

import json
import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from dvsa.data import toy
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.recipes.recipe import Recipe

Script = Callable[[str], ModuleType]
ROOT = Path(__file__).resolve().parents[2]
ROWS = ("frame", "frame-map", "defrag", "bag", "rnn", "brnn-map", "brnn-both", "brnn")


def flickr30k(folder: Path) -> Path:
    """Toy scenes with phrases of Entities, in Karpathy's layout of Flickr30K."""
    toy.write(folder, train=24, val=8, test=8)
    (folder / "dataset_toy.json").rename(folder / "dataset_flickr30k.json")
    return folder


def coco(folder: Path) -> Path:
    """Toy scenes without boxes, in Karpathy's layout of MSCOCO: with `restval`, in two folders."""
    toy.write(folder, train=24, val=8, test=8)
    shutil.rmtree(folder / "entities")
    listed = json.loads((folder / "dataset_toy.json").read_text())
    (folder / "train2014").mkdir()
    (folder / "images").rename(folder / "val2014")
    for number, image in enumerate(listed["images"]):
        image["filepath"] = "train2014" if image["split"] == "train" and number % 2 else "val2014"
        if image["filepath"] == "train2014":
            (folder / "val2014" / image["filename"]).rename(folder / "train2014" / image["filename"])
        elif image["split"] == "train":
            image["split"] = "restval"
    (folder / "dataset_toy.json").unlink()
    (folder / "dataset_coco.json").write_text(json.dumps(listed))
    return folder


@pytest.fixture
def write_captions(tmp_path: Path) -> Callable[[Path, int], Path]:
    """Makes a folder of toy photographs with a captions.json, as a user would: no splits, no boxes."""

    def write(folder: Path, count: int) -> Path:
        toy.write(folder, train=count, val=0, test=0)
        listed = json.loads((folder / "dataset_toy.json").read_text())["images"]
        shutil.rmtree(folder / "entities")
        (folder / "dataset_toy.json").unlink()
        captions = {image["filename"]: [s["raw"] for s in image["sentences"]] for image in listed}
        (folder / "captions.json").write_text(json.dumps(captions))
        return folder

    return write


@pytest.fixture
def run(
    script: Script, quick: Callable[[Recipe], Recipe], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., None]:
    """Runs the script with quick recipes."""
    monkeypatch.setenv("DVSA_METEOR_JAR", str(tmp_path / "none.jar"))  # it takes 10 seconds each time
    module = script("paper")
    made = {name: (lambda make=make: quick(make())) for name, make in RECIPES.items() if "paper" in name}
    monkeypatch.setattr("paper_training.RECIPES", made)
    by_beta = {
        name: (lambda beta, make=make: quick(make(beta)))
        for name, make in import_module("paper_training").BY_BETA.items()
    }
    monkeypatch.setattr("paper_training.BY_BETA", by_beta)

    def call(*arguments: object) -> None:
        monkeypatch.setattr("sys.argv", ["paper.py", *map(str, arguments)])
        module.main()

    return call


def report_of(script: Script, out: Path) -> list[str]:
    """The lines of docs/results.md about these figures; those of the shipped model are not used."""
    data, paper = script("results_data"), script("results_paper")
    values = json.loads((ROOT / "docs" / "results.json").read_text())
    values["paper"] = data.read_folder(out / "figures")
    values["paper cost"] = data.cost(out, values["paper"])
    return list(paper.sections(data.Results.of(values)))


def read(path: Path) -> dict[str, object]:
    report: dict[str, object] = json.loads(path.read_text())
    return report


def test_all_rows_on_a_data_set_in_the_layout_of_flickr30k(
    run: Callable[..., None], script: Script, tmp_path: Path
) -> None:
    data, out = flickr30k(tmp_path / "data"), tmp_path / "out"
    with pytest.raises(
        SystemExit, match=r"paper\.py: the protocol judges on 1,000 or 1,014 photographs of flickr30k"
    ):
        run(data, out, "--seeds", 1)
    run(data, out, "--seeds", 2, "--allow-custom-split")
    figures = {path.stem: read(path) for path in (out / "figures").glob("*.json")}
    rows = {f"ranking.{row}.{seed}" for row in ROWS for seed in (0, 1)}
    captions = {f"captions.{kind}.beam{beam}" for kind in ("rnn", "lstm") for beam in (1, 3, 5, 7, 10)}
    phrases = {f"regions.{kind}" for kind in ("nearest", "full-frame", "region", "beside", "people")}
    assert rows | captions | phrases | {
        "choice.beam7",
        "choice.power0.5",
        "captions.nearest",
        "inspection",
        "perplexity.lstm",
    } <= {*figures}
    assert {"grounding.sum", "grounding.inf", "segments.0", "novelty.rnn.beam7"} <= {*figures}
    for name, report in figures.items():
        facts = report["facts"]
        assert isinstance(facts, dict)
        split = "val" if name.startswith("choice.") else "test"
        assert (facts["data"], facts["split"], facts["N"]) == ("flickr30k", split, 8)
    cider = {name: report["CIDEr"] for name, report in figures.items() if name.startswith("choice.beta")}
    for name in ("paper.0", "beside.0"):
        learnt = read(out / "runs" / name / "config.json")["recipe"]
        beta = learnt["stages"][-1]["beta"]  # type: ignore[index]
        assert cider[f"choice.beta{beta:g}"] == max(cider.values())  # type: ignore[type-var]
    lines = report_of(script, out)
    ranked = [figures[f"ranking.bag.{seed}"]["photo_to_sentence"]["R@1"] for seed in (0, 1)]  # type: ignore[index]
    row = f"| MaxSim, bag of words | {np.mean(ranked):.1f} ± {np.std(ranked, ddof=1):.1f} |"
    assert sum(line.startswith(row) for line in lines) >= 1
    assert sum(line.startswith("By the mean of all recalls: ") for line in lines) == 1
    names = [line.split(" | ")[0].removeprefix("| ") for line in lines]
    assert names.index("RNN, beam 7") < names.index("RNN, beam 10")
    assert names.index("the paper, BRNN") < names.index("people") < names.index("inf")
    assert any(line.startswith("| phrase | photographs, best first |") for line in lines)
    written = json.loads((out / "written" / "captions.nearest.json").read_text())
    assert [row["image_id"] for row in written] == [f"test{k:05d}.png" for k in range(8)]
    for name in ("brnn.0", "paper.0", "lstm.0", "bag.1"):  # the proposal head is learnt once
        assert not (out / "runs" / name / "regions" / "log.jsonl").exists()
    align = [
        (out / "runs" / name / "align" / "best.safetensors").read_bytes() for name in ("brnn.0", "paper.0")
    ]
    assert align[0] == align[1]
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    run(data, out, "--seeds", 2, "--allow-custom-split")
    assert before == {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}


def test_ranking_on_all_and_on_the_first_in_the_layout_of_coco(
    run: Callable[..., None], tmp_path: Path
) -> None:
    data, out = coco(tmp_path / "data"), tmp_path / "out"
    run(data, out, "--seeds", 1, "--allow-custom-split")
    run(data, out, "--seeds", 1, "--allow-custom-split", "--first", 4, "--only", "rank")
    trained = read(out / "runs" / "brnn.0" / "config.json")["photographs"]
    assert trained == {"train": 24, "val": 8}  # restval too
    for folder, count in (("figures", 8), ("figures-4", 4)):
        report = read(out / folder / "ranking.brnn.0.json")
        assert report["photos"] == count
    assert not list((out / "figures").glob("regions.*"))  # nothing has a box
    assert {p.name for p in (out / "figures-4").glob("*.json")} == {f"ranking.{row}.0.json" for row in ROWS}
    ranks = np.load(out / "figures-4" / "ranking.brnn.0.npz")
    assert [str(name) for name in ranks["photos"]] == [f"test{k:05d}.png" for k in range(4)]


def test_data_without_splits_and_boxes_is_divided(
    run: Callable[..., None], write_captions: Callable[[Path, int], Path], tmp_path: Path
) -> None:
    """The boxes are fixed here; the test of the layout of MSCOCO takes those of the shipped bundle."""
    few = write_captions(tmp_path / "few", 3)
    with pytest.raises(SystemExit, match=r"paper\.py: .* has no lists of splits, and too few photographs"):
        run(few, tmp_path / "nothing", "--seeds", 1, "--proposer", "grid")

    data, out = write_captions(tmp_path / "data", 50), tmp_path / "out"
    run(data, out, "--seeds", 1, "--proposer", "grid", "--allow-custom-split")
    figures = {path.stem for path in (out / "figures").glob("*.json")}
    assert {f"ranking.{row}.0" for row in ROWS} | {"captions.rnn.beam7", "inspection"} <= figures
    assert read(out / "runs" / "brnn.0" / "config.json")["recipe"]["proposer"] == "grid"  # type: ignore[index]
