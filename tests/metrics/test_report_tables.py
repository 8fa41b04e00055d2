"""Reports in CSV and LaTeX say what the report says."""

import csv
import io
import shutil
import subprocess
from pathlib import Path

import pytest

from dvsa.metrics.captions import score
from dvsa.metrics.figures import Figure, Report
from dvsa.metrics.report_tables import csv_table, latex_table

REPORT = Report(
    {"BLEU-4": Figure(26.36, 25.0, 27.7), "METEOR": Figure(None)},
    {"photos": 1000},
    parts={
        "R_1 & 50%": Report({"R@1": Figure(1 / 3)}, {"phrases": 7}),
        r"a\b~c^d": Report(
            {"BLEU-4": Figure(2.5), "pointing": Figure(1.0)}, signatures={"BLEU": "BLEU|refs:1"}
        ),
    },
    signatures={"BLEU": "BLEU|refs:5"},
)


def test_csv_has_every_figure_in_full_precision_with_its_signature() -> None:
    rows = list(csv.DictReader(io.StringIO(csv_table(REPORT))))
    assert [row["figure"] for row in rows] == [
        *("BLEU-4", "METEOR", "R_1 & 50%: R@1", r"a\b~c^d: BLEU-4", r"a\b~c^d: pointing"),
        *("photos", "R_1 & 50%: phrases"),
    ]
    assert (rows[0]["value"], rows[0]["low"], rows[0]["signature"]) == ("26.36", "25.0", "BLEU|refs:5")
    assert rows[1]["value"] == ""
    assert float(rows[2]["value"]) == 1 / 3
    assert [row["signature"] for row in rows[2:5]] == ["", "BLEU|refs:1", ""]
    assert [row["value"] for row in rows[5:]] == ["1000", "7"]


def test_a_signature_of_all_figures_is_that_of_every_part() -> None:
    report = Report({}, parts={"there": Report({"R@1": Figure(1.0)})}, signatures={"": "ranking|ties:last"})
    (row,) = csv.DictReader(io.StringIO(csv_table(report)))
    assert row["signature"] == "ranking|ties:last"


def test_latex_escapes_what_latex_reads() -> None:
    text = latex_table(REPORT)
    assert r"R\_1 \& 50\%: R@1 & 0.3 &  \\" in text
    assert r"BLEU-4 & 26.4 & 25.0--27.7 \\" in text
    assert r"METEOR & -- &  \\" in text
    assert r"a\textbackslash{}b\textasciitilde{}c\textasciicircum{}d: BLEU-4 & 2.5" in text
    assert {"% BLEU|refs:5", r"% a\b~c^d: BLEU|refs:1", "% R_1 & 50%: phrases: 7"} <= set(text.split("\n"))


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles(tmp_path: Path) -> None:
    body = latex_table(REPORT)
    document = r"\documentclass{article}\usepackage{booktabs}\begin{document}" + body + r"\end{document}"
    (tmp_path / "table.tex").write_text(document)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)


def test_signatures_say_what_makes_figures_comparable_and_survive_json() -> None:
    references = {f"{k}.jpg": ["a dog runs", "the dog"][: 1 + k % 2] for k in range(20)}
    scores = score(references, dict.fromkeys(references, "a dog"), with_meteor=False)
    report = scores.report(resamples=5)
    assert set(report.signatures) == {"BLEU", "ROUGE-L", "CIDEr"}
    for name, signature in report.signatures.items():
        assert signature.startswith(f"{name}|")
        assert {"tok:ptb", "refs:1-2", "photos:20"} <= set(signature.split("|"))
        assert signature in str(report)
    assert Report.from_json(report.to_json()).signatures == report.signatures


@pytest.mark.parametrize("count", [1, 2, 19, 20])
def test_cider_over_few_photographs_is_cautioned(count: int) -> None:
    references = {f"{k}.jpg": ["a dog runs"] for k in range(count)}
    scores = score(references, dict.fromkeys(references, "a dog"), with_meteor=False)
    assert bool(scores.caution) == (count < 20)
    assert ("is 0 for one" in scores.caution) == (count == 1)
    assert scores.report(resamples=2).settings.get("cider", "") == scores.caution


def test_numbers_and_strings_are_the_same_keys() -> None:
    by_number = score({42: ["a dog runs"], 7: ["a cat"]}, {"42": "a dog", "7": "a cat"}, with_meteor=False)
    by_string = score({"42": ["a dog runs"], "7": ["a cat"]}, {42: "a dog", 7: "a cat"}, with_meteor=False)
    assert by_number.photos == by_string.photos == ("42", "7")
    assert by_number.report(resamples=2) == by_string.report(resamples=2)
    with pytest.raises(ValueError, match="twice, under a number and under a string"):
        score({42: ["a dog"], "42": ["it"]}, {"42": "a dog"}, with_meteor=False)  # type: ignore[arg-type]
