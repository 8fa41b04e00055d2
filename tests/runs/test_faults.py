"""Faults of captions, counted by hand; and the script with the toy bundle."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

Script = Callable[[str], ModuleType]

REFERENCES = [
    ["two men in red", "two men", "two guys", "some men", "people"],
    ["a woman with a bicycle", "a lady", "a girl", "a woman", "a bicycle and a woman"],
    ["three dogs", "two dogs", "dogs", "dogs run", "dogs"],
]
TRAINING_COUNTS = {"men": 900, "dogs": 600, "woman": 100, "bicycle": 3, "two": 60}


@pytest.fixture
def faults(script: Script) -> Callable[..., dict[str, float]]:
    module = script("faults")

    def counted(*captions: str) -> dict[str, float]:
        words = [set(caption.split()) for caption in captions]
        found = module.faults(words, [[set(s.split()) for s in own] for own in REFERENCES], TRAINING_COUNTS)
        return {name: fault.figure.value for name, fault in found.items()}

    return counted


def test_numbers_that_people_agree_on(faults: Callable[..., dict[str, float]]) -> None:
    right = faults("two men", "a woman", "four dogs")
    assert right["people agree on a number: the caption says it"] == 100
    assert right["people agree on a number: the caption says another"] == 0
    assert right["numbers in captions that no reference mentions"] == 50
    wrong = faults("three men", "a woman", "three dogs")  # of the dogs, people do not agree
    assert wrong["people agree on a number: the caption says it"] == 0
    assert wrong["people agree on a number: the caption says another"] == 100
    assert wrong["numbers in captions that no reference mentions"] == 50


def test_colours_that_nobody_sees(faults: Callable[..., dict[str, float]]) -> None:
    found = faults("two men in red and blue", "a woman", "black dogs")
    assert found["colours in captions that no reference mentions"] == pytest.approx(200 / 3)


def test_genders_are_counted_each_way(faults: Callable[..., dict[str, float]]) -> None:
    found = faults("a girl", "a man", "dogs")
    assert found["references mention only men: the caption mentions only women"] == 100
    assert found["references mention only women: the caption mentions only men"] == 100
    assert found["captions that mention men, of those that mention a gender"] == 50
    assert found["references that mention men, of those that mention a gender"] == pytest.approx(400 / 9)
    fair = faults("a man and a woman", "a woman", "dogs")
    assert fair["references mention only men: the caption mentions only women"] == 0


def test_recall_of_words_by_their_frequency_in_training(faults: Callable[..., dict[str, float]]) -> None:
    found = faults("men", "a woman", "dogs")
    assert found["words that people agree on, seen fewer than 50 times in training: recall"] == 0
    assert found["words that people agree on, seen 50 to 499 times in training: recall"] == 50  # two; woman
    assert found["words that people agree on, seen 500 times or more in training: recall"] == 100


def test_a_share_has_its_number_of_things(script: Script) -> None:
    found = script("faults").faults(
        [{"men"}, set(), set()], [[set(s.split()) for s in own] for own in REFERENCES], TRAINING_COUNTS
    )
    assert found["words that people agree on, seen 500 times or more in training: recall"].of == 2


def test_the_card_is_written_from_the_counts(
    script: Script, toy_data: Path, toy_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = tmp_path / "card.md"
    card.write_text("before\n<!-- faults -->\nold\n<!-- end of faults -->\nafter\n")
    called = ["faults.py", toy_data, tmp_path, "--bundle", toy_bundle, "--card", card, "--allow-custom-split"]
    monkeypatch.setattr("sys.argv", list(map(str, called)))
    script("faults").main()
    found = json.loads((tmp_path / "faults.test.json").read_text())
    colour = "colours in captions that no reference mentions"
    low, high = found["ci95"][colour]
    row = f"| {colour} | {found[colour]:.1f}% | {low:.1f} to {high:.1f} | {found['of'][colour]:,} |"
    assert row in card.read_text().splitlines()
    assert card.read_text().startswith("before\n<!-- faults -->\n\n| what |")
    assert card.read_text().endswith("\n\n<!-- end of faults -->\nafter\n")
    card.write_text("no place")
    with pytest.raises(ValueError, match="no place for the table"):
        script("faults").main()
