"""The kinds of stages by name, and their form in JSON."""

from dvsa.learn.loop.checkpoint import JsonValue
from dvsa.learn.recipes.parse import nearest, parse, to_json
from dvsa.learn.tasks.alignment import AlignmentStage
from dvsa.learn.tasks.captions import CaptionStage
from dvsa.learn.tasks.language import LanguageStage
from dvsa.learn.tasks.paraphrase import ParaphraseStage
from dvsa.learn.tasks.proposals import ProposalStage
from dvsa.learn.tasks.rewards import RewardStage
from dvsa.learn.tasks.stage import Stage

KINDS: dict[str, type[Stage]] = {
    stage.kind: stage
    for stage in (ProposalStage, AlignmentStage, ParaphraseStage, LanguageStage, CaptionStage, RewardStage)
}
"""To add a kind of stage, write its module in `dvsa.learn.tasks` and enter its type here."""


def stage_to_json(stage: Stage) -> dict[str, JsonValue]:
    """The kind and the options of a stage."""
    return {"kind": stage.kind, **to_json(stage)}


def stage_from_json(raw: JsonValue) -> Stage:
    """The stage that `stage_to_json` wrote, or an earlier version of this package.

    Raises:
        ValueError: the kind is unknown, or a field does not fit.
    """
    if not isinstance(raw, dict):
        raise ValueError(f"{raw!r:.60} is not a stage of a recipe")
    if "kind" not in raw:
        raw = _current(raw)

    options = dict(raw)
    kind = options.pop("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"unknown kind of stage {kind!r}{nearest(str(kind), KINDS)}")
    return parse(KINDS[kind], options, str(options.get("name", kind)))


def _current(old: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """A stage as it was written before stages had a kind, in today's form."""
    task, train = old.get("task"), old.get("train")
    if not (isinstance(task, dict) and isinstance(train, dict) and "name" in old):
        raise ValueError(f"{old!r:.60} is not a stage of a recipe")
    unknown = sorted(old.keys() - {"name", "train", "task", "captioner", "proposals_only"})
    if unknown:
        raise ValueError(f"unknown field {unknown[0]!r} of stage {old['name']!r}")

    options = {_RENAMED.get(key, key): value for key, value in task.items()}
    captioner = old.get("captioner")
    if "max_words" in options:
        kind = "paraphrase"
    elif captioner is None:
        kind = "proposals" if old.get("proposals_only") else "alignment"
    else:
        kind = "rewards" if options.get("samples") else "captions"
        options["captioner"] = captioner
    kept = {key: value for key, value in options.items() if key not in _IGNORED[kind]}
    unseeded = {key: value for key, value in train.items() if key != "seed"}  # the run has the seed
    return {"kind": kind, "name": old["name"], "train": unseeded, **kept}


_RENAMED = {"least": "min_window", "most": "max_window", "longest": "max_words"}
"""Options that had other names before stages had a kind."""
_IGNORED = {
    "paraphrase": (),
    "alignment": (),
    "proposals": ("score", "loss", "sentences", "proposal_weight", "grounding", "each_word"),
    "captions": ("samples",),
    "rewards": ("subjects", "beta", "phrases", "smoothing"),
}
"""Options that every stage had before stages had a kind, without effect on this kind."""
