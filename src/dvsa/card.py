"""The card of a bundle: `README.md` with the metadata that Hugging Face's hub reads, and how to use it.

The card is no part of what a manifest verifies, so that it can be edited on the hub.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

from dvsa.manifest import BundleManifest
from dvsa.metrics.figures import Figure, Report

CARD: Final = "README.md"
PLACE: Final = "USER/NAME"
"""Stands in a card for the bundle's address on the hub, until it is known."""

_NO_FIGURES: Final = {"step", "loss", "lr"}
"""What the facts of a stage hold besides figures."""
_UNSAFE: Final = re.compile(r"[\x7f-\xa0\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")
"""Characters that JSON may contain, and YAML may not."""


def card(manifest: BundleManifest, reports: Mapping[str, Report] | None = None) -> str:
    """The text of `README.md`: YAML front matter as the hub wants it, and Markdown.

    Args:
        manifest: of the bundle.
        reports: of evaluations, by task and split, such as `ranking.test`, with the setting `data`. Without
            them, the card has the figures of the training's validation.

    >>> from dvsa.bundle import Bundle
    >>> card(Bundle.open().manifest).splitlines()[:2]
    ['---', 'license: "other"']
    """
    name = " ".join(manifest.name.split())
    results = [*_reported(reports)] if reports else [*_validated(manifest)]
    metadata: dict[str, object] = {
        "license": "other",
        "license_name": "research-and-education-only",
        "license_link": "LICENCE.txt",
        "language": ["en"],
        "library_name": "dvsa",
        "pipeline_tag": "image-to-text",
        "tags": ["image-captioning", "image-text-retrieval", "visual-grounding", "onnx"],
    }
    if base := base_model(manifest):
        metadata["base_model"] = base
    if results:
        metadata["model-index"] = [{"name": name, "results": results}]

    front = "\n".join(f"{key}: {_yaml(value)}" for key, value in metadata.items())
    return f"---\n{front}\n---\n\n{_body(manifest, name, results)}"


def base_model(manifest: BundleManifest) -> str | None:
    """The model on the hub whose weights the backbone started with; None if it came from elsewhere.

    >>> from dvsa.bundle import Bundle
    >>> base_model(Bundle.open().manifest) is None
    True
    """
    backbone = _at(manifest.config, "recipe", "vision", "backbone")
    if not isinstance(backbone, str) or manifest.config.get("backbone_weights") is not None:
        return None
    if backbone == "vgg16":
        return "timm/vgg16.tv_in1k"
    return f"timm/{backbone.removeprefix('timm:')}" if re.fullmatch(r"timm:[\w.-]+", backbone) else None


def _reported(reports: Mapping[str, Report]) -> Iterator[dict[str, object]]:
    """The figures of evaluations, in the hub's form."""
    for name, report in reports.items():
        task, _, split = name.partition(".")
        yield _result(task, str(report.settings.get("data", "not recorded")), split, report.flat())


def _validated(manifest: BundleManifest) -> Iterator[dict[str, object]]:
    """The figures of each stage's best checkpoint on the validation split, in the hub's form."""
    stages = _at(manifest.training, "validation")
    for stage, facts in stages.items() if isinstance(stages, dict) else ():
        figures = {
            name: Figure(value)
            for name, value in (facts.items() if isinstance(facts, dict) else ())
            if name not in _NO_FIGURES and isinstance(value, int | float)
        }
        if figures:
            yield _result(f"stage {stage}", str(manifest.config.get("data", "not recorded")), "val", figures)


def _result(task: str, data: str, split: str, figures: Mapping[str, Figure]) -> dict[str, object]:
    """An entry of the hub's `model-index`; figures that could not be computed are named in the text alone."""
    metrics = [
        {"type": _slug(name), "name": name, "value": round(figure.value, 2)}
        | ({"args": {"95% interval": [round(end, 2) for end in figure.ends]}} if figure.ends else {})
        for name, figure in figures.items()
        if figure.value is not None
    ]
    return {
        "task": {"type": "image-to-text", "name": task},
        "dataset": {"type": _slug(data), "name": data, "split": split},
        "metrics": metrics,
    }


def _body(manifest: BundleManifest, name: str, results: list[dict[str, object]]) -> str:
    """What people read."""
    data = manifest.config.get("data", "data that the manifest does not name")
    recipe = _at(manifest.config, "recipe", "name") or "unknown"
    backbone = _at(manifest.config, "recipe", "vision", "backbone") or "unknown"
    lines = [
        f"# {name}",
        "",
        "A model of `dvsa`: captions, phrases of regions, and word-to-region alignment, on a laptop CPU.",
        "",
        "    pip install 'dvsa[hub]'",
        "",
        f"```python\n{snippet(manifest)}```",
        "",
        f"Trained with the recipe `{recipe}` on {data}; backbone: `{backbone}`.",
        "`manifest.json` has the whole configuration, and the SHA-256 of every file, which `dvsa` verifies.",
        "The weights are for research and education only; see `LICENCE.txt`.",
    ]
    for result in results:
        lines += ["", *_table(result)]
    return "\n".join(lines) + "\n"


def snippet(manifest: BundleManifest) -> str:
    """Python that uses the bundle, for the card; `PLACE` stands for its address.

    >>> from dvsa.bundle import Bundle
    >>> print(snippet(Bundle.open().manifest).splitlines()[2])
    model = dvsa.load("USER/NAME")
    """
    start = f'import dvsa\n\nmodel = dvsa.load("{PLACE}")\n'
    if manifest.given_features:
        return (
            start
            + 'print(model.read("a dog runs").s_TD.shape)  # it takes features in place of photographs\n'
        )
    first = "print(view.caption().text)\n" if "frame" in manifest.voices else ""
    return (
        f'{start}view = model.open("photograph.jpg")\n{first}'
        'for word in view.align("a dog runs").words:\n    print(word.text, word.region, word.score)\n'
    )


def _table(result: dict[str, object]) -> Iterator[str]:
    """The figures of one result as a table."""
    data, split = _at(result, "dataset", "name"), _at(result, "dataset", "split")
    yield f"{_at(result, 'task', 'name')}, {data} {split}:"
    yield from ("", "| figure | value | 95% interval |", "|---|---|---|")
    metrics = result["metrics"]
    for metric in metrics if isinstance(metrics, list) else ():
        ends = _at(metric, "args", "95% interval")
        interval = " to ".join(map(str, ends)) if isinstance(ends, list) else ""
        yield f"| {metric['name']} | {metric['value']} | {interval} |"


def _at(value: object, *names: str) -> object:
    """What is at a place in nested mappings; None if there is nothing."""
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _slug(name: str) -> str:
    """A name as an identifier of the hub: `p2s R@1` becomes `p2s_r_1`."""
    return re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_") or "unnamed"


def _yaml(value: object) -> str:
    """JSON that is also YAML, on one line."""
    text = json.dumps(value, ensure_ascii=False)
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
