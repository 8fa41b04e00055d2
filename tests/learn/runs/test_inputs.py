"""Sentences without photographs: they extend the vocabulary, and the run's folder records them."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from dvsa.bundle import SPOKEN_FILE
from dvsa.data import DataError, Dataset, exposure
from dvsa.fluency import Fluency
from dvsa.fluency_file import FLUENCY_FILE, parse
from dvsa.learn.loop.config import TrainConfig
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.bundle_weights import SHIPPED
from dvsa.learn.runs.fit import fit
from dvsa.learn.runs.inputs import FitOptions, Inputs
from dvsa.learn.runs.record import write_exposure
from dvsa.learn.runs.run import Run
from dvsa.learn.tasks.paraphrase import ParaphraseStage
from dvsa.text import FIRST_WORD, Vocabulary, words

Fit = Callable[[Recipe, Dataset, Path, FitOptions], None]


def test_photographs_without_sentences_are_refused_with_the_reason(tiny: Dataset, cpu: FitOptions) -> None:
    bare = tuple(replace(example, sentences=(), phrases=()) for example in tiny.examples)
    with pytest.raises(DataError, match=r"has photographs, but no sentences \(no file lists sentences\)"):
        Inputs.open(replace(tiny, examples=bare, why="no file lists sentences"), cpu, 1)


def test_sentences_without_photographs_are_learned_from_and_recorded(
    tiny: Dataset, cpu: FitOptions, fit_without_curves: Fit, tmp_path: Path
) -> None:
    more = tmp_path / "more.txt"
    more.write_text("77777\ta pulley over the red circle\n77777\tthe pulley\n88888\ta red circle\n")

    # One epoch of reading, proposals and alignment.
    toy, epoch = RECIPES["toy"](), TrainConfig(epochs=1, batch=12)
    visual = (replace(stage, train=epoch) for stage in toy.stages[:2])
    recipe = replace(toy, stages=(ParaphraseStage(name="read", train=epoch), *visual))
    options = replace(cpu, sentences=more)
    fit_without_curves(recipe, tiny, tmp_path / "run", options)
    done = Run(tmp_path / "run")

    # The folder says which photographs and which words the further sentences added.
    assert "pulley" in done.vocabulary
    read = exposure.TextExposure.read(done.folder / exposure.TEXT_FILE)
    assert read.names == {exposure.name_digest("77777.jpg"), exposure.name_digest("88888.jpg")}
    known = {word for e in tiny.split("train") for s in e.sentences for word in words(s)}
    assert read.words == {*done.vocabulary.words} - known == {"pulley", "over"} - known
    sha256 = hashlib.sha256(more.read_bytes()).hexdigest()
    assert done.config["read"] == {"file": "more.txt", "sha256": sha256, "photographs": 2}
    assert "mean recall" in done.facts["read"]
    done.joint_model()

    # Other sentences are another run, and so are none, or some for a run without.
    more.write_text("77777\tanother\n")
    for given in (options, cpu):
        with pytest.raises(ValueError, match="another read"):
            fit(recipe, tiny, tmp_path / "run", given)
    (done.folder / "config.json").write_text(
        json.dumps({k: v for k, v in done.config.items() if k != "read"})
    )
    with pytest.raises(ValueError, match="another read"):
        fit(recipe, tiny, tmp_path / "run", options)


def pairs(run: Path, vocabulary: Vocabulary) -> set[tuple[str, str]]:
    """The pairs of words that a run keeps, without those at the beginning."""
    rules = parse((run / FLUENCY_FILE).read_bytes(), vocabulary, "the run")
    found = [divmod(int(code), len(vocabulary)) for code in rules.code_N]
    return {tuple(vocabulary.decode(pair)) for pair in found if min(pair) >= FIRST_WORD}  # type: ignore[misc]


def test_a_run_keeps_the_pairs_of_training_and_of_extra_sentences_alone(
    tiny: Dataset, cpu: FitOptions, recipe: Recipe, tmp_path: Path
) -> None:
    of_val = [replace(e, sentences=("circle circle square red",)) for e in tiny.split("val")]
    data = replace(tiny, examples=(*tiny.split("train"), *of_val))
    more = tmp_path / "more.txt"
    more.write_text("77777\tthe square above the zyzzyva red circle\n")
    inputs = Inputs.open(data, replace(cpu, sentences=more), 1)
    write_exposure(tmp_path, recipe, inputs)

    own = [words(s) for e in tiny.split("train") for s in e.sentences] + [words(more.read_text()[6:])]
    said = {word for e in tiny.split("train") for s in e.sentences for word in words(s)}
    assert {*inputs.spoken.words} == said < {*inputs.vocabulary.words}
    assert Vocabulary.load(tmp_path / SPOKEN_FILE) == inputs.spoken
    wanted = {pair for sentence in own for pair in pairwise(sentence) if pair[0] != pair[1]}
    wanted = {pair for pair in wanted if {*pair} <= said}
    assert pairs(tmp_path, inputs.spoken) == wanted
    assert ("square", "red") not in wanted

    # If no word is frequent in the training split, captions use all words.
    more.write_text("77777\t" + "square " * 99_999)
    rare = Inputs.open(data, replace(cpu, sentences=more), 99_999)
    assert rare.spoken is rare.vocabulary

    # An existing file is kept: a run that goes on has the same pairs.
    (tmp_path / FLUENCY_FILE).write_bytes(b"kept")
    write_exposure(tmp_path, recipe, inputs)
    assert (tmp_path / FLUENCY_FILE).read_bytes() == b"kept"

    # That of an earlier version was for all words.
    (tmp_path / SPOKEN_FILE).unlink()
    write_exposure(tmp_path, recipe, inputs)
    assert pairs(tmp_path, inputs.spoken) == wanted


def test_a_continued_bundle_adds_its_pairs_and_without_any_there_are_no_rules(
    tiny: Dataset, cpu: FitOptions
) -> None:
    inputs = Inputs.open(tiny, replace(cpu, init=SHIPPED), 1)
    bundle = inputs.warm_start.bundle  # type: ignore[union-attr]
    if bundle.fluency is None:
        assert inputs.fluency() is None
    bundle.__dict__["fluency"] = Fluency.learn([["a", "dog", "barks"]], bundle.spoken)
    rules, alone = inputs.fluency(), Inputs.open(tiny, cpu, 1).fluency()
    assert rules is not None
    assert alone is not None
    both = Fluency.learn(
        [["a", "dog", "barks"], *(words(s) for e in tiny.split("train") for s in e.sentences)],
        inputs.spoken,
    )
    assert rules.code_N.tolist() == both.code_N.tolist()
