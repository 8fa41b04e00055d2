"""From a run to a bundle: the networks as ONNX graphs, with everything needed to use and to judge them."""

import copy
import hashlib
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from dvsa import doctor
from dvsa.bundle import Bundle
from dvsa.data import exposure
from dvsa.graphs import OnnxGraphs
from dvsa.learn.loop.state import Net
from dvsa.learn.nets.backbone import fold_batch_norms
from dvsa.learn.nets.captioner import Captioner
from dvsa.learn.nets.vision import Vision
from dvsa.learn.runs.run import Run
from dvsa.manifest import MANIFEST, BundleManifest, FileRecord, Voice
from dvsa.model import Model
from dvsa.records import Subject
from dvsa.text import START, START_PHRASE

LICENCE = """\
The weights in this folder may be used for research and education only.
They were trained on photographs that belong to their authors on Flickr, with the sentences of the data set
that the manifest names, starting from EfficientNet-Lite2 weights trained on ImageNet (Apache License 2.0)
where the recipe uses them. The code of the package has its own licence.
"""


class Look(nn.Module):
    """Pixels to maps and candidates, with scores in [0, 1]."""

    def __init__(self, vision: Vision) -> None:
        super().__init__()
        self.vision = vision

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        fine, coarse, logit_BN, box_BN4 = self.vision.look(pixels)
        return fine, coarse, logit_BN.sigmoid(), box_BN4


class Encode(nn.Module):
    """Maps and boxes to features and vectors of regions."""

    def __init__(self, vision: Vision) -> None:
        super().__init__()
        self.vision = vision

    def forward(self, fine: Tensor, coarse: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        return self.vision.encode(fine, coarse, boxes)


class Start(nn.Module):
    """A captioner's first state."""

    def __init__(self, captioner: Captioner) -> None:
        super().__init__()
        self.captioner = captioner

    def forward(self, features: Tensor, focus: Tensor) -> tuple[Tensor, ...]:
        return self.captioner.start(features, focus)


class Step(nn.Module):
    """One word further, with log-probabilities."""

    def __init__(self, captioner: Captioner) -> None:
        super().__init__()
        self.captioner = captioner

    def forward(self, token: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        logit_BV, after = self.captioner.step(token, state)
        return logit_BV.log_softmax(-1), *after


def export(run: Run, out: Path, *, name: str | None = None) -> Path:
    """Write the bundle of a finished run to the folder `out`, which must not exist or be empty.

    Weights are stored in half precision and computed with in single precision.
    """
    if out.exists() and any(out.iterdir()):
        raise ValueError(f"{out} is not empty: give another folder, or delete it first")
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        voices = _write_graphs(run, partial)
        run.vocabulary.save(partial / "vocabulary.tsv")
        for file in (exposure.PHOTOS_FILE, exposure.TEXT_FILE):
            if (run.folder / file).is_file():
                shutil.copyfile(run.folder / file, partial / file)
        (partial / "LICENCE.txt").write_text(LICENCE)
        content = manifest(run, voices, name or out.name, _files(partial))
        bundle = Bundle(partial, content, run.vocabulary, OnnxGraphs(partial, content.files))
        content = replace(content, probe=doctor.probe(Model(bundle)))
        (partial / MANIFEST).write_text(json.dumps(content.to_json(), indent=1))
        if out.exists():
            out.rmdir()
        partial.chmod(0o755)
        os.replace(partial, out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return out


def _write_graphs(run: Run, folder: Path) -> dict[Subject, Voice]:
    model = _halved(run.joint_model())
    vision, size = model.vision, model.vision.size
    pixels = torch.randint(0, 256, (2, size, size, 3), dtype=torch.uint8)
    with torch.no_grad():
        fine, coarse, _, _ = vision.look(pixels)
    boxes = torch.tensor([[[0.1, 0.2, 0.6, 0.9], [0.0, 0.0, 0.5, 0.5], [0.0, 0.0, 1.0, 1.0]]]).repeat(2, 1, 1)
    ids, real = torch.tensor([[3, 4, 5], [4, 3, 0]]), torch.tensor([[True, True, True], [True, True, False]])
    to_onnx(Look(vision), (pixels,), folder / "look.onnx", ["pixels"], ["fine", "coarse", "scores", "boxes"])
    to_onnx(
        Encode(vision), (fine, coarse, boxes), folder / "encode.onnx", ["fine", "coarse", "boxes"],
        ["features", "v"], {"boxes": {0: "B", 1: "I"}, "features": {0: "B", 1: "I"}, "v": {0: "B", 1: "I"}},
    )  # fmt: skip
    length = {0: "L", 1: "T"}
    to_onnx(
        model.sentence, (ids, real), folder / "sentence.onnx", ["ids", "real"], ["s"],
        {"ids": length, "real": length, "s": length},
    )  # fmt: skip
    voices: dict[Subject, Voice] = {}
    written: set[str] = set()
    for subject, (stage, captioner) in run.captioners().items():
        voices[subject] = voice(stage, subject)
        if stage not in written:
            written.add(stage)
            _write_captioner(_halved(captioner), vision.features, folder, stage)
    return voices


def _write_captioner(captioner: Captioner, features: int, folder: Path, name: str) -> None:
    feature_BIF, focus_B = torch.rand(2, 3, features), torch.tensor([0, 2])
    state = captioner.start(feature_BIF, focus_B)
    states = [f"state{n}" for n in range(len(state))]
    region = {0: "B", 1: "I"}
    # a part of the state whose second axis is the regions keeps that axis free
    free = {
        s: region if t.ndim == 3 or t.shape[1:] == (3,) else {0: "B"}
        for s, t in zip(states, state, strict=True)
    }
    to_onnx(
        Start(captioner), (feature_BIF, focus_B), folder / f"{name}.start.onnx", ["features", "focus"],
        states, free | {"features": region},
    )  # fmt: skip
    after = [f"after{n}" for n in range(len(state))]
    to_onnx(
        Step(captioner), (torch.tensor([1, 3]), *state), folder / f"{name}.step.onnx", ["token", *states],
        ["logp", *after], free | {a: free[s] for a, s in zip(after, states, strict=True)},
    )  # fmt: skip


def to_onnx(
    net: nn.Module,
    example: tuple[Tensor, ...],
    path: Path,
    inputs: Sequence[str],
    outputs: Sequence[str],
    free: dict[str, dict[int, str]] | None = None,
) -> None:
    """Write a network as an ONNX graph; the batch is always free, other axes where `free` says so."""
    axes = {name: {0: "B"} for name in (*inputs, *outputs)} | (free or {})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns of constants that are meant to be constant
        torch.onnx.export(
            net.eval(), example, str(path), input_names=list(inputs), output_names=list(outputs),
            dynamic_axes=axes, opset_version=17, dynamo=False, do_constant_folding=False,
        )  # fmt: skip
    store_half(path)


def store_half(path: Path, least: int = 256) -> None:
    """Store the large weights of a graph in half precision, each behind a cast back to single.

    ONNX Runtime does the casts once, when it loads the graph, so nothing is slower for it.
    """
    model = onnx.load(str(path))
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT and np.prod(tensor.dims) >= least:
            half = numpy_helper.from_array(
                numpy_helper.to_array(tensor).astype(np.float16), tensor.name + ".half"
            )
            casts.append(onnx.helper.make_node("Cast", [half.name], [tensor.name], to=onnx.TensorProto.FLOAT))
            tensor.CopyFrom(half)
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def _halved(net: Net) -> Net:
    """A copy whose weights have already lost what half precision cannot hold, ready to be compared with."""
    copied = copy.deepcopy(net).eval()
    fold_batch_norms(copied)
    return copied.half().float()


def _files(folder: Path) -> dict[str, FileRecord]:
    """Bytes and digest of every file."""
    return {
        p.name: FileRecord(p.stat().st_size, hashlib.sha256(p.read_bytes()).hexdigest())
        for p in sorted(folder.iterdir())
    }


def voice(stage: str, subject: Subject) -> Voice:
    """How the captioner of a stage is used to speak of a `frame` or a `region`."""
    return Voice(stage, START if subject == "frame" else START_PHRASE)


def manifest(
    run: Run, voices: Mapping[Subject, Voice], name: str, files: Mapping[str, FileRecord]
) -> BundleManifest:
    """What a bundle's manifest says of a run, but for the probe."""
    recipe = run.recipe
    return BundleManifest(
        name=name,
        licence="research and education only; see LICENCE.txt",
        files=files,
        size=run.joint_model().vision.size,
        embedding=recipe.vision.embedding,
        proposer=recipe.proposer,
        nms=recipe.nms,
        sharpness=recipe.sharpness,
        score=recipe.score,
        beta=recipe.beta,
        beam=recipe.beam,
        length_power=recipe.length_power,
        rerank=recipe.rerank,
        support=recipe.support,
        voices=voices,
        training={"config": run.config, "validation": run.facts},
    )
