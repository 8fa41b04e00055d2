"""docs/results.md is what its script writes from docs/results.json."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from dvsa.metrics.figures import Figure, Report

Script = Callable[[str], ModuleType]
ROOT = Path(__file__).resolve().parents[2]


def test_the_report_is_made_from_the_figures_beside_it(
    script: Script, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "pictures").mkdir()
    readme = tmp_path / "README.md"
    readme.write_text((ROOT / "README.md").read_text().replace("42.4", "0.0"))
    (tmp_path / "results.json").write_bytes((ROOT / "docs" / "results.json").read_bytes())
    monkeypatch.setattr("sys.argv", ["results.py", "--docs", str(tmp_path), "--readme", str(readme)])
    script("results").main()

    assert (tmp_path / "results.md").read_text() == (ROOT / "docs" / "results.md").read_text()
    assert json.loads((tmp_path / "results.json").read_text()) == json.loads(
        (ROOT / "docs" / "results.json").read_text()
    )
    assert (tmp_path / "pictures" / "results.png").stat().st_size > 10_000
    assert readme.read_text() == (ROOT / "README.md").read_text()
    assert "42.4" in readme.read_text()


def test_new_figures_replace_those_of_the_shipped_model(
    script: Script, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old = json.loads((ROOT / "docs" / "results.json").read_text())
    judged, docs = tmp_path / "judged", tmp_path / "docs"
    judged.mkdir()
    (docs / "pictures").mkdir(parents=True)
    (docs / "results.json").write_text(json.dumps(old))
    for name, report in old["figures"].items():
        (judged / f"{name.replace('/', '.')}.json").write_text(json.dumps(report))
    ranking = old["figures"]["ranking/test"]
    ranking["photo_to_sentence"]["R@1"] = 49.4
    ranking["photo_to_sentence"]["NDCG@25"] = ranking["sentence_to_photo"]["NDCG@25"] = 61.7
    (judged / "ranking.test.json").write_text(json.dumps(ranking))
    grounding = old["figures"]["grounding/test"]
    grounding |= {"R@5 IoU0.5": 81.5, "R@10 IoU0.5": 86.5}
    people = {"R@1 IoU0.5": 83.25, "R@5 IoU0.5": 95.5, "R@10 IoU0.5": 97.5, "phrases": 4321}
    grounding["category people"] = people
    (judged / "grounding.test.json").write_text(json.dumps(grounding))

    called = ["results.py", judged, "--command", "make it", "--commit", "abc", "--docs", docs]
    monkeypatch.setattr("sys.argv", list(map(str, called)))
    script("results").main()
    new = json.loads((docs / "results.json").read_text())
    assert (new["command"], new["commit"], new["paper"]) == ("make it", "abc", old["paper"])
    text = (docs / "results.md").read_text()
    assert "comes first 3.0 times as often" in text  # 49.4 against the paper's 16.5
    assert "judged at commit abc" in text
    assert "| people | 4,321 | 83.2 | 95.5 | 97.5 |" in text
    assert "| R@10 | Med r | NDCG@25 |" in text
    assert "| 61.7 |" in text


def test_a_report_without_its_command_is_refused(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["results.py", "judged"])
    with pytest.raises(SystemExit):
        script("results").main()


def test_published_figures_say_whether_they_are_verified(script: Script) -> None:
    paper = script("paper_figures")
    assert str(paper.RANKING["flickr8k"]["photo_to_sentence"]["R@1"]) == "16.5"
    assert str(paper.RANKING["flickr8k"]["photo_to_sentence"]["Med r"]) == "7.6†"
    assert [str(f) for f in paper.CAPTIONS["coco"].values()] == [
        *("62.5†", "45.0†", "32.1†", "23.0"),
        *("19.5†", "66.0"),
    ]
    assert str(paper.REGIONS["region"]["ROUGE-L"]) == "35.1"


def test_names_are_written_in_words(script: Script) -> None:
    names = script("results_names")
    assert names.heading("p2s R@10") == "photograph → sentence, R@10"
    assert names.heading("regions, full_frame_model: BLEU-1 no BP") == (
        "regions, captioner of photographs, BLEU-1 without brevity penalty"
    )
    assert [names.captioner(name) for name in ("lstm.beam3", "nearest")] == [
        "LSTM, beam 3",
        "nearest training photograph",
    ]

    given = {"chains": 4899, "proposer": "given", "captioner": "region", "beta": None, "meteor": "METEOR"}
    assert names.settings(given) == "4,899 true regions; the captioner of regions; METEOR"
    with pytest.raises(KeyError, match="temperature"):
        names.settings({"temperature": 1.0})


def test_parts_of_the_recipe_are_sorted_by_their_loss(script: Script) -> None:
    def result(*values: float) -> SimpleNamespace:
        figures = {name: Figure(value) for name, value in zip(ablation.COMPARED, values, strict=True)}
        return SimpleNamespace(report=Report(figures))

    ablation = script("results_ablation")
    variants = {
        "no settling": result(41.0, 31.0, 60.0, 70.0),
        "best": result(40.0, 30.0, 60.0, 70.0),
        "no tuning": result(30.04, 30.0, 50.0, 70.04),
    }
    assert ablation.differences(variants) == [
        ("**best**", "40.0", "30.0", "60.0", "70.0"),
        ("no tuning, no settling", "-10.0", "0.0", "-10.0", "0.0"),
        ("no settling", "+1.0", "+1.0", "0.0", "0.0"),
    ]


def test_the_picture_of_failures_shows_what_the_shipped_model_writes(
    script: Script, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "pictures").mkdir()
    results = json.loads((ROOT / "docs" / "results.json").read_text())
    (tmp_path / "results.json").write_text(json.dumps({**results, "drawn": {}}))
    monkeypatch.setattr("sys.argv", ["failure_picture.py", "--docs", str(tmp_path)])
    picture = script("failure_picture")
    picture.main()

    assert json.loads((tmp_path / "results.json").read_text()) == results
    assert 10_000 < (tmp_path / "pictures" / "failure.jpg").stat().st_size < 150_000
    monkeypatch.setitem(picture.WRONG, "photographer.jpg", {"an elephant": "the tripod"})
    with pytest.raises(ValueError, match=r"does not see \['an elephant'\] in photographer\.jpg"):
        picture.main()


def test_a_marked_part_is_replaced_once(script: Script, tmp_path: Path) -> None:
    path, markdown = tmp_path / "a.md", script("markdown")
    path.write_text("a\n<!-- part -->\n\nold\n<!-- end of part -->\nz\n")
    markdown.replace_part(path, "part", markdown.table(("x", "y"), [(1, 2)]))
    assert path.read_text() == (
        "a\n<!-- part -->\n\n| x | y |\n| --- | --- |\n| 1 | 2 |\n\n<!-- end of part -->\nz\n"
    )
    with pytest.raises(ValueError, match=r"a\.md has no place for the table: two comments, other"):
        markdown.replace_part(path, "other", ["new"])
