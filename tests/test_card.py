"""The card of a bundle: metadata as the hub reads it, and a snippet that runs."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvsa.bundle import Bundle
from dvsa.card import CARD, PLACE, base_model, card
from dvsa.manifest import BundleManifest
from dvsa.metrics.figures import Figure, Report

yaml = pytest.importorskip("yaml")
MANIFEST = Bundle.open().manifest
EXAMPLE = Path(__file__).parents[1] / "examples" / "cat.jpg"


def metadata(text: str) -> dict:  # type: ignore[type-arg]
    match = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    assert match
    found: dict = yaml.safe_load(match[1])  # type: ignore[type-arg]
    return found


def with_backbone(backbone: str, **config: object) -> BundleManifest:
    recipe = {"vision": {"backbone": backbone}}
    return replace(MANIFEST, training={"config": {"recipe": recipe, **config}})


def test_the_hub_reads_the_figures_of_validation() -> None:
    cards = pytest.importorskip("huggingface_hub").ModelCard
    data = cards(card(MANIFEST), ignore_metadata_errors=False).data
    assert (data.license, data.language, data.pipeline_tag) == ("other", ["en"], "image-to-text")
    found = {(r.task_name, r.metric_name): (r.metric_value, r.dataset_split) for r in data.eval_results}
    assert found["stage tune", "mean recall"] == (61.5, "val")
    assert not {name for _, name in found} & {"step", "loss", "lr"}


def test_the_figures_of_evaluations_replace_those_of_validation() -> None:
    cards = pytest.importorskip("huggingface_hub").ModelCard
    part = Report({"R@1": Figure(42.44, 39.4, 45.4), "METEOR": Figure(None)})
    report = Report({}, {"photos": 1000}, {"data": "flickr8k"}, {"p2s": part})
    text = card(MANIFEST, {"ranking.test": report})
    (result,) = cards(text).data.eval_results
    assert (result.task_name, result.dataset_name, result.dataset_split) == ("ranking", "flickr8k", "test")
    assert (result.metric_type, result.metric_value) == ("p2s_r_1", 42.44)
    assert "| p2s: R@1 | 42.44 | 39.4 to 45.4 |" in text


@pytest.mark.parametrize(
    ("manifest", "base"),
    [
        (MANIFEST, None),
        (with_backbone("timm:resnet18.a1_in1k"), "timm/resnet18.a1_in1k"),
        (with_backbone("vgg16"), "timm/vgg16.tv_in1k"),
        (with_backbone("timm:resnet18.a1_in1k", backbone_weights={"file": "x"}), None),
        (replace(MANIFEST, training={}), None),
    ],
)
def test_the_base_model_is_named_if_the_hub_has_it(manifest: BundleManifest, base: str | None) -> None:
    assert base_model(manifest) == base
    assert metadata(card(manifest)).get("base_model") == base


@given(st.text(min_size=1), st.text(max_size=20), st.text(max_size=20))
def test_any_name_makes_valid_metadata(name: str, data: str, stage: str) -> None:
    training = {"config": {"data": data}, "validation": {stage: {"R@1": 1.5}}}
    found = metadata(card(replace(MANIFEST, name=name, training=training)))
    assert found["model-index"][0]["results"][0]["metrics"] == [{"type": "r_1", "name": "R@1", "value": 1.5}]
    assert set(found) >= {"license", "language", "tags", "library_name"}


@pytest.mark.parametrize("subjects", [("frame", "region"), ("region",)])
def test_the_snippet_runs(
    subjects: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    manifest = replace(MANIFEST, voices={s: v for s, v in MANIFEST.voices.items() if s in subjects})
    match = re.search(r"```python\n(.*?)```", card(manifest), re.DOTALL)
    assert match
    (tmp_path / "photograph.jpg").write_bytes(EXAMPLE.read_bytes())
    monkeypatch.chdir(tmp_path)
    exec(match[1].replace(PLACE, str(Bundle.open().folder)))
    assert ("a cat is sitting on a wall" in capsys.readouterr().out) == ("frame" in subjects)


def test_a_card_that_somebody_wrote_is_kept(tmp_path: Path) -> None:
    folder = Bundle.open().save_pretrained(tmp_path / "copy")
    assert (folder / CARD).read_text() == card(MANIFEST)
    (folder / CARD).write_text("# Mine\n")
    bundle = Bundle.open(folder)
    assert bundle.publishable()[CARD] == b"# Mine\n"
