"""From a run to a bundle on disk: ONNX graphs, and everything needed to use and judge them."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from dvsa import doctor, files
from dvsa.background import BACKGROUND_FILE
from dvsa.bundle import REPLAY_FILE, SPOKEN_FILE, Bundle
from dvsa.card import CARD, card
from dvsa.data import Dataset, exposure
from dvsa.familiar import FAMILIAR_FILE
from dvsa.fluency_file import FLUENCY_FILE
from dvsa.graphs import OnnxGraphs
from dvsa.learn.nets.captioner import Captioner, limited
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.nets.vision import Vision
from dvsa.learn.runs import onnx_file
from dvsa.learn.runs.onnx_file import as_stored
from dvsa.learn.runs.run import VOCABULARY, Run
from dvsa.learn.ship.licence import licence
from dvsa.learn.ship.parts import Classes, Crop, Encode, Look, Start, Step, voice
from dvsa.learn.ship.seen import seen
from dvsa.learn.tasks.replay import Replay
from dvsa.manifest import MANIFEST, BundleManifest, Crops, FileRecord, Voice
from dvsa.metrics.figures import Report
from dvsa.model import Model
from dvsa.records import Subject
from dvsa.typed_json import parse

MAPS = ("fine", "coarse")
"""Inputs of the graph `encode` without an axis of regions."""
MAX_REPORT_BYTES = 16 * 2**20


def export(
    run: Run,
    out: Path,
    *,
    name: str | None = None,
    replay: Replay | None = None,
    data: Dataset | None = None,
    quiet: bool = False,
) -> Path:
    """Write the bundle of a finished run to the folder `out`, which must be new or empty.

    Weights are stored in half precision and computed with in single precision. The folder appears only when
    everything is written.

    Args:
        run: the run.
        out: the folder.
        name: of the bundle; that of the folder if None.
        replay: what a continued training replays (see `dvsa.learn.ship.carried`); None for nothing.
        data: what the run has learned from; the bundle records what it looks like (see
            `dvsa.learn.ship.seen`). None if it is not at hand.
        quiet: whether to hide the progress bars.

    Raises:
        ValueError: the folder is not empty, or the data has too few photographs.
    """
    with files.new_folder(out) as folder:
        # Graphs, words, licence, and digests of what the model has been trained on.
        voices = _write_graphs(run, folder)
        run.vocabulary.save(folder / VOCABULARY)
        for file in (exposure.PHOTOS_FILE, exposure.TEXT_FILE, SPOKEN_FILE, FLUENCY_FILE):
            if (run.folder / file).is_file():
                shutil.copyfile(run.folder / file, folder / file)
        (folder / "LICENCE.txt").write_text(licence(run, carries=replay is not None))
        if replay is not None:
            (folder / REPLAY_FILE).write_bytes(replay.content())

        # The manifest, with what the model says of the data and of the doctor's picture.
        content = manifest(run, voices, name or out.name, _files(folder))
        if data is not None:
            found = seen(_model(run, folder, content), data, quiet=quiet)
            (folder / BACKGROUND_FILE).write_bytes(found.background.to_bytes())
            (folder / FAMILIAR_FILE).write_bytes(found.known.familiar.to_bytes())
            content = replace(content, files=_files(folder), familiar=found.known.limit)
        if not content.given_features:
            content = replace(content, probe=doctor.probe(_model(run, folder, content)))
        (folder / MANIFEST).write_text(json.dumps(content.to_json(), indent=1))
        (folder / CARD).write_text(card(content, reports(run)), "utf-8")
    return out


def _model(run: Run, folder: Path, content: BundleManifest) -> Model:
    """The model of an unfinished bundle."""
    return Model(Bundle(folder, content, run.vocabulary, OnnxGraphs(folder, content.files)))


def reports(run: Run) -> dict[str, Report]:
    """What `dvsa evaluate --run` has written beside a run, by task and split.

    Raises:
        ValueError: a report is damaged; the message names it.
    """
    found = {}
    for path in sorted((run.folder / "evaluation").glob("*.json")):
        try:
            content = parse(files.read_bounded(path, MAX_REPORT_BYTES))
            found[path.stem] = Report.from_json(content)
        except ValueError as error:
            raise ValueError(f"{path} is no report ({error}): delete it, or evaluate again") from error
    return found


def _write_graphs(run: Run, folder: Path) -> dict[Subject, Voice]:
    """Write all networks of a run; how its captioners are used."""
    model = as_stored(run.joint_model())
    _write_joint_model(model, folder)
    if any(getattr(stage, "naming", 0) for stage in run.recipe.stages):
        _write_classes(model.vision, folder)

    voices: dict[Subject, Voice] = {}
    written: set[str] = set()
    for subject, (stage, captioner) in run.captioners().items():
        voices[subject] = voice(stage, subject)
        if stage not in written:
            written.add(stage)
            said = limited(captioner, run.said)
            _write_captioner(as_stored(said), model.vision.features, folder, stage)
    return voices


def _write_joint_model(model: JointModel, folder: Path) -> None:
    vision = model.vision
    boxes = torch.tensor([[[0.1, 0.2, 0.6, 0.9], [0.0, 0.0, 0.5, 0.5], [0.0, 0.0, 1.0, 1.0]]]).repeat(2, 1, 1)
    if vision.cfg.given_features:
        given = {"shown": torch.rand(2, 3, vision.cfg.given_features)}
    else:
        given = _write_eye(vision, boxes, folder)
    given["boxes"] = boxes

    encode = Encode(vision)
    onnx_file.write(
        encode,
        tuple(given[name] for name in encode.inputs),
        folder / "encode.onnx",
        encode.inputs,
        ["features", "v"],
        {name: {0: "B", 1: "I"} for name in (*encode.inputs, "features", "v") if name not in MAPS},
    )

    ids, real = torch.tensor([[3, 4, 5], [4, 3, 0]]), torch.tensor([[True, True, True], [True, True, False]])
    length = {name: {0: "L", 1: "T"} for name in ("ids", "real", "s")}
    onnx_file.write(model.sentence, (ids, real), folder / "sentence.onnx", ["ids", "real"], ["s"], length)


def _write_classes(vision: Vision, folder: Path) -> None:
    """Write the classifier whose names the model has learned, if its backbone has one."""
    classifier = vision.backbone.imagenet_classifier()
    if classifier is not None:
        known, features = as_stored(Classes(*classifier)), torch.rand(2, 3, vision.features)
        axes = {name: {0: "B", 1: "I"} for name in ("features", "p")}
        onnx_file.write(known, (features,), folder / "classes.onnx", ["features"], ["p"], axes)


def _write_eye(vision: Vision, boxes: Tensor, folder: Path) -> dict[str, Tensor]:
    """Write the graphs that see photographs; what they give for an example, as inputs of `encode`."""
    pixels = torch.randint(0, 256, (2, vision.size, vision.size, 3), dtype=torch.uint8)
    outputs = ["fine", "coarse", "scores", "boxes"]
    onnx_file.write(Look(vision), (pixels,), folder / "look.onnx", ["pixels"], outputs)

    with torch.no_grad():
        fine, coarse, _, _ = vision.look(pixels)
        shown = vision.crops(pixels, boxes)
    seen = {"fine": fine, "coarse": coarse}
    if shown is not None:
        seen["shown"] = shown
        crops = torch.randint(0, 256, (2, vision.crop_size, vision.crop_size, 3), dtype=torch.uint8)
        onnx_file.write(Crop(vision), (crops,), folder / "crop.onnx", ["crops"], ["shown"])
    return seen


def _write_captioner(captioner: Captioner, features: int, folder: Path, name: str) -> None:
    feature_BIF, focus_B = torch.rand(2, 3, features), torch.tensor([0, 2])
    state = captioner.start(feature_BIF, focus_B)
    before = [f"state{n}" for n in range(len(state))]
    after = [f"after{n}" for n in range(len(state))]

    # Parts of the state with the regions (3 of them here) as the second axis keep that axis free.
    regions = {0: "B", 1: "I"}
    free = [regions if t.ndim == 3 or t.shape[1:] == (3,) else {0: "B"} for t in state]
    free_before, free_after = dict(zip(before, free, strict=True)), dict(zip(after, free, strict=True))

    onnx_file.write(
        Start(captioner),
        (feature_BIF, focus_B),
        folder / f"{name}.start.onnx",
        ["features", "focus"],
        before,
        free_before | {"features": regions},
    )
    onnx_file.write(
        Step(captioner),
        (torch.tensor([1, 3]), *state),
        folder / f"{name}.step.onnx",
        ["token", *before],
        ["logp", *after],
        free_before | free_after,
    )


def _files(folder: Path) -> dict[str, FileRecord]:
    """The size and digest of every file."""
    return {
        p.name: FileRecord(p.stat().st_size, hashlib.sha256(p.read_bytes()).hexdigest())
        for p in sorted(folder.iterdir())
    }


def manifest(
    run: Run, voices: Mapping[Subject, Voice], name: str, listed: Mapping[str, FileRecord]
) -> BundleManifest:
    """The manifest of a run's bundle, without the probe."""
    recipe, vision = run.recipe, run.joint_model().vision
    crops = None
    if recipe.vision.by_crops and not recipe.vision.given_features:
        crops = Crops(vision.crop_size, recipe.vision.crop_context, recipe.vision.full_resolution)
    return BundleManifest(
        name=name,
        licence="research and education only; see LICENCE.txt",
        files=listed,
        size=vision.size,
        embedding=recipe.vision.embedding,
        crops=crops,
        given_features=recipe.vision.given_features,
        # How regions, captions and alignments are computed by default.
        proposer=recipe.proposer,
        nms=recipe.nms,
        sharpness=recipe.sharpness,
        score=recipe.score,
        beta=recipe.beta,
        beam=recipe.beam,
        length_power=recipe.length_power,
        rerank=recipe.rerank,
        support=recipe.support,
        support_slope=recipe.support_slope,
        things=recipe.things,
        voices=voices,
        # Where it comes from.
        training={"config": run.config, "validation": run.facts},
    )
