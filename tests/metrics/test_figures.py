"""Reports print themselves, and read and write the JSON of docs/results.json, which older code wrote."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dvsa.metrics.figures import Figure, Report

RESULTS = Path(__file__).resolve().parents[2] / "docs" / "results.json"


def kept() -> Iterator[tuple[str, dict[str, object]]]:
    """Every report in docs/results.json, by name."""
    results = json.loads(RESULTS.read_text())
    for group in ("figures", "ablation", "paper"):
        for name, report in results[group].items():
            if name != "inspection":  # not a report of figures
                report.pop("facts", None)
                report.pop("first novel", None)
                yield name, report


KEPT = dict(kept())


@pytest.mark.parametrize("name", KEPT)
def test_a_report_keeps_its_json(name: str) -> None:
    assert Report.from_json(KEPT[name]).to_json() == KEPT[name]


def test_a_report_is_read_into_its_parts() -> None:
    ranking = Report.from_json(KEPT["ranking/test"])
    assert ranking.counts == {"photos": 1000, "sentences": 5000}
    assert ranking.parts["photo_to_sentence"].figures["R@1"] == Figure(42.4, 39.4, 45.404999999999994)
    assert str(ranking.flat()["sentence_to_photo: R@5"]) == "64.1 [62.1, 66.2]"

    captions = Report.from_json(KEPT["choice.beam1"])
    assert captions.figures["METEOR"] == Figure(None)
    assert captions.settings["chains"] == 4988
    novelty = Report.from_json(KEPT["novelty.rnn.beam7"])
    copied = novelty.figures["copied"].value
    assert copied is not None
    assert novelty.parts["novel"].counts == {"captions": round(1000 - 10 * copied)}


def test_a_report_prints_all_its_parts_and_their_settings() -> None:
    part = Report({"R@1": Figure(7.0, 5.0, 9.5)}, settings={"captioner": "frame"})
    report = Report({"METEOR": Figure(None)}, {"photos": 10}, {"captioner": "region"}, {"frame": part})
    assert str(report).splitlines() == [
        "Figure        Value  95% interval",
        "METEOR      missing",
        "frame: R@1      7.0     5.0 – 9.5",
        "photos           10",
        "",
        "settings: captioner region",
        "",
        "frame: settings: captioner frame",
    ]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"R@1": "high"}, "'R@1' is not a figure: 'high'"),
        ({"rows": [1, 2]}, "'rows' is not a figure"),
        ({"R@1": 1.0, "ci95": {"R@1": [0.5]}}, "interval of 'R@1' must be a list of two numbers"),
        ({"R@1": 1.0, "ci95": [0, 1]}, "ci95 of a report must be an object"),
        ({"settings": "all"}, "settings of a report must be an object"),
        ({"settings": {"beam": [1]}}, "setting 'beam' must be a string or a number"),
    ],
)
def test_an_invalid_report_is_named(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Report.from_json(values)


@pytest.mark.parametrize(
    "values",
    [
        {"A": {"R@1": 1.0}, "B": {"R@1": 2.0}},
        {"A": {"R@1": 1.0}, "ci95": {"A": {"R@1": [0.0, 1.0]}}, "settings": {"x": 1}},
    ],
)
def test_a_report_of_parts_alone_comes_back(values: dict[str, object]) -> None:
    assert Report.from_json(values).to_json() == values


@pytest.mark.parametrize("values", [None, [], {"x": 1.0, "ci95": {"x": ["a", "b"]}}])
def test_what_is_not_a_report_is_refused(values: object) -> None:
    with pytest.raises(ValueError, match="must be"):
        Report.from_json(values)
