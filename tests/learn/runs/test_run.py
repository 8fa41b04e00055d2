"""Runs: begun, interrupted, resumed and opened, and folders that hold something else."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dvsa.data import DataError, Dataset, exposure
from dvsa.learn.loop import checkpoint, curve, trainer
from dvsa.learn.loop.config import TrainConfig
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs import run
from dvsa.learn.runs.fit import fit
from dvsa.learn.runs.inputs import FitOptions
from dvsa.learn.runs.run import Run
from dvsa.learn.tasks.alignment import HEADS, AlignmentStage
from dvsa.learn.tasks.captions import CaptionStage
from dvsa.learn.tasks.paraphrase import ParaphraseStage
from dvsa.text import Vocabulary, words

CPU = FitOptions(device="cpu", quiet=True)


def quick() -> Recipe:
    """The toy recipe with dropout and a captioner of each kind, two epochs a stage."""
    toy = RECIPES["toy"]()
    regions, align, caption = (
        replace(stage, train=replace(stage.train, epochs=2, batch=12, evaluate_every=1, ema=0.5))
        for stage in toy.stages
    )
    assert isinstance(align, AlignmentStage)
    assert isinstance(caption, CaptionStage)
    frozen = replace(align, name="frozen", lr=HEADS, train=replace(align.train, optimizer="sgd"))
    rnn = replace(
        caption,
        name="rnn",
        captioner=replace(caption.captioner, kind="rnn", dropout=0.2),
        subjects=("region",),
        train=replace(caption.train, optimizer="rmsprop", epochs=1),
    )
    caption = replace(caption, subjects=("frame",))
    return replace(
        toy,
        stages=(regions, align, frozen, caption, rnn),
        vision=replace(toy.vision, dropout=0.2),
        sentence=replace(toy.sentence, dropout=0.2, word_dropout=0.1),
    )


@pytest.fixture(scope="module")
def finished(tiny: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "finished"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curve, "draw", lambda lines, path: path.write_bytes(b"picture"))
        fit(quick(), tiny, out, CPU)
    return out


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    return shutil.copytree(finished, tmp_path / "copied")


def content(out: Path) -> dict[str, object]:
    """All files but for the pictures and the clock."""
    found: dict[str, object] = {}
    for path in sorted(p for p in out.rglob("*") if p.is_file()):
        name = str(path.relative_to(out))
        if path.suffix == ".safetensors":
            tensors, facts = checkpoint.load(path)
            facts.pop("lines", None)
            found[name] = facts, {key: t.numpy().tobytes() for key, t in tensors.items()}
        elif path.suffix == ".jsonl":
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            found[name] = [{k: v for k, v in line.items() if k != "seconds"} for line in lines]
        elif path.suffix != ".png":
            found[name] = path.read_text()
    return found


def test_a_run_interrupted_again_and_again_equals_an_unbroken_one(
    finished: Path, tiny: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is cut off after 1, 2, 3 … steps of the optimiser until it comes to its end: between every two."""
    monkeypatch.setattr(curve, "draw", lambda lines, path: path.write_bytes(b"picture"))
    step, left, tries = trainer._step, 0, 0

    def counted(*args: object) -> torch.Tensor:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return step(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(trainer, "_step", counted)
    while not (tmp_path / "run" / "rnn" / "last.safetensors").exists():
        tries += 1
        left = 3 * tries
        try:
            fit(quick(), tiny, tmp_path / "run", CPU)
        except KeyboardInterrupt:
            assert not list(tmp_path.rglob("*.partial"))
    assert tries > 4
    assert content(tmp_path / "run") == content(finished)


def test_a_finished_run_is_left_as_it_is(copied: Path, tiny: Dataset) -> None:
    before = {path: path.stat().st_mtime_ns for path in copied.rglob("*.safetensors")}
    fit(quick(), tiny, copied, CPU)
    assert {path: path.stat().st_mtime_ns for path in copied.rglob("*.safetensors")} == before


def other_recipe(tiny: Dataset) -> tuple[Recipe, Dataset, int]:
    return replace(quick(), min_count=2), tiny, 0


def other_seed(tiny: Dataset) -> tuple[Recipe, Dataset, int]:
    return quick(), tiny, 1


def other_sentence(tiny: Dataset) -> tuple[Recipe, Dataset, int]:
    first, *rest = tiny.examples
    changed = replace(first, sentences=("a red ring .", *first.sentences[1:]))
    return quick(), replace(tiny, examples=(changed, *rest)), 0


@pytest.mark.parametrize(
    ("other", "reason"),
    [(other_recipe, "recipe"), (other_seed, "seed"), (other_sentence, "data_sha256")],
)
def test_a_folder_with_another_run_is_refused(
    copied: Path, tiny: Dataset, other: Callable[[Dataset], tuple[Recipe, Dataset, int]], reason: str
) -> None:
    before = content(copied)
    recipe, data, seed = other(tiny)
    with pytest.raises(ValueError, match=rf"copied holds another run .*another {reason}\): give another"):
        fit(recipe, data, copied, replace(CPU, seed=seed))
    assert content(copied) == before


def test_another_version_of_torch_may_go_on(copied: Path, tiny: Dataset) -> None:
    config = json.loads((copied / "config.json").read_text())
    (copied / "config.json").write_text(json.dumps(config | {"torch": "1.0"}))
    fit(quick(), tiny, copied, CPU)


def test_a_folder_with_something_else_is_refused(tiny: Dataset, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("all my work")
    with pytest.raises(ValueError, match="is not empty and holds no run"):
        fit(quick(), tiny, tmp_path, CPU)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_data_without_a_split_is_refused_before_anything_is_written(tiny: Dataset, tmp_path: Path) -> None:
    bare = replace(tiny, examples=tiny.split("train"))
    with pytest.raises(DataError, match="has no split 'val'"):
        fit(quick(), bare, tmp_path / "run", CPU)
    assert not (tmp_path / "run").exists()


def test_vectors_from_a_file_are_in_the_run_as_they_were(tiny: Dataset, tmp_path: Path) -> None:
    rows = "".join(f"{word} {n / 10} {' '.join(['0.5'] * 31)}\n" for n, word in enumerate(("red", "ring"), 1))
    (tmp_path / "vectors.txt").write_text(rows)
    recipe = replace(quick(), stages=quick().stages[1:2])
    fit(recipe, tiny, tmp_path / "run", replace(CPU, word_vectors=tmp_path / "vectors.txt"))
    vocabulary = Vocabulary.load(tmp_path / "run" / "vocabulary.tsv")
    tensors, _ = checkpoint.load(tmp_path / "run" / "align" / "best.safetensors")
    for n, word in enumerate(("red", "ring"), 1):
        row = tensors["sentence.words.weight"][vocabulary.id(word) or 0]
        torch.testing.assert_close(row, torch.tensor([n / 10] + [0.5] * 31))
    learnt = Run(tmp_path / "run").joint_model()
    assert torch.equal(learnt.state_dict()["sentence.words.weight"], tensors["sentence.words.weight"])


def test_the_last_alignment_stage_and_each_captioner_are_found(finished: Path) -> None:
    opened = Run(finished)
    assert opened.recipe == quick()
    assert opened.config["data"] == "toy"
    assert {*opened.facts} == {"regions", "align", "frozen", "caption", "rnn"}
    assert "CIDEr" in opened.facts["caption"]
    best, _ = checkpoint.load(finished / "frozen" / "best.safetensors")
    assert all(torch.equal(t, best[name]) for name, t in opened.joint_model().state_dict().items())
    voices = opened.captioners()
    assert {subject: stage for subject, (stage, _) in voices.items()} == {"frame": "caption", "region": "rnn"}
    rnn, _ = checkpoint.load(finished / "rnn" / "best.safetensors")
    assert all(torch.equal(t, rnn[name]) for name, t in voices["region"][1].state_dict().items())
    assert not voices["frame"][1].training


def test_later_stages_begin_where_the_last_one_was_best(finished: Path) -> None:
    """Features stay fixed in `frozen`, so the trunk at its end is that of the best checkpoint before."""
    before, _ = checkpoint.load(finished / "align" / "best.safetensors")
    after, _ = checkpoint.load(finished / "frozen" / "best.safetensors")
    for name, tensor in before.items():
        fixed = name.startswith(("vision.backbone.", "vision.proposals."))
        assert not fixed or torch.equal(tensor, after[name])
    assert not torch.equal(before["vision.regions.affine.weight"], after["vision.regions.affine.weight"])


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no run: it has no config\.json"):
        Run(tmp_path)


def test_an_unfinished_run_is_named(copied: Path) -> None:
    (copied / "rnn" / "best.safetensors").unlink()
    with pytest.raises(ValueError, match=r"no checkpoint at .*rnn.best\.safetensors: train that stage first"):
        Run(copied)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is damaged"),
        ("[]", "is not a run's configuration"),
        ("{}", "does not fit this version of dvsa: None is not a recipe"),
        ('{"recipe": {"vision": {"eyes": 2}, "sentence": {}, "stages": []}}', "argument 'eyes'"),
    ],
)
def test_a_damaged_configuration_is_named(copied: Path, tiny: Dataset, text: str, reason: str) -> None:
    (copied / run.CONFIG).write_text(text)
    with pytest.raises(ValueError, match=rf"config\.json .*{reason}"):
        Run(copied)
    if reason != "argument 'eyes'" and text != "{}":
        with pytest.raises(ValueError, match=r"config\.json"):
            fit(quick(), tiny, copied, CPU)


def test_an_earlier_run_lends_the_stages_that_are_the_same(
    finished: Path, tiny: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curve, "draw", lambda lines, path: path.write_bytes(b"picture"))
    regions, align, *_ = quick().stages
    other = replace(align, name="other", train=replace(align.train, epochs=1))
    lent = replace(quick(), stages=(regions, align, other), sentence=replace(quick().sentence, hidden=8))
    again = FitOptions(earlier=finished, quiet=True)
    fit(replace(quick(), stages=(regions, align, other)), tiny, tmp_path / "both", again)
    fit(lent, tiny, tmp_path / "one", replace(again, seed=1))
    for name, stage in (("both", "regions"), ("both", "align"), ("one", "regions")):
        assert not (tmp_path / name / stage / "last.safetensors").exists()  # it was not trained
        here, there = (checkpoint.load(f / stage / "best.safetensors") for f in (tmp_path / name, finished))
        assert here[1] == there[1]
        for key, tensor in there[0].items():
            if name == "both" or key.startswith(("vision.backbone.", "vision.proposals.")):
                assert torch.equal(here[0][key], tensor)
    for name, stage in (("both", "other"), ("one", "align")):  # another length, another encoder
        assert (tmp_path / name / stage / "last.safetensors").is_file()
    assert Run(tmp_path / "one").config["earlier"] == {"run": str(finished), "seed": 0}
    fit(lent, tiny, tmp_path / "one", replace(again, seed=1))  # goes on, and finds all done


def test_an_earlier_run_on_other_data_is_refused(finished: Path, tiny: Dataset, tmp_path: Path) -> None:
    few = replace(tiny, examples=tiny.examples[1:])
    with pytest.raises(ValueError, match="used other data"):
        fit(quick(), few, tmp_path / "run", replace(CPU, earlier=finished))
    assert not (tmp_path / "run").exists()


def test_what_is_read_beside_the_photographs_is_learnt_and_written_down(
    tiny: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curve, "draw", lambda lines, path: path.write_bytes(b"picture"))
    more = tmp_path / "more.txt"
    more.write_text("77777\ta pulley over the red circle\n77777\tthe pulley\n88888\ta red circle\n")
    toy = RECIPES["toy"]()
    quick = TrainConfig(epochs=1, batch=12)
    stages = (
        ParaphraseStage(name="read", train=quick),
        *(replace(stage, train=quick) for stage in toy.stages[:2]),
    )
    recipe = replace(toy, stages=stages)
    fit(recipe, tiny, tmp_path / "run", replace(CPU, sentences=more))
    done = Run(tmp_path / "run")
    assert "pulley" in done.vocabulary
    read = exposure.TextExposure.read(done.folder / exposure.TEXT_FILE)
    assert read.names == {exposure.name_digest("77777.jpg"), exposure.name_digest("88888.jpg")}
    told = {word for e in tiny.split("train") for s in e.sentences for word in words(s)}
    assert read.words == {*done.vocabulary.words} - told == {"pulley", "over"} - told
    assert done.config["read"] == {
        "file": "more.txt", "sha256": hashlib.sha256(more.read_bytes()).hexdigest(), "photographs": 2,
    }  # fmt: skip
    assert "mean recall" in done.facts["read"]
    done.joint_model()
    more.write_text("77777\tanother\n")
    with pytest.raises(ValueError, match="another read"):
        fit(recipe, tiny, tmp_path / "run", replace(CPU, sentences=more))
