"""Writes a bundle with every part that a bundle may have: python tests/web/engine/make_bundle.py OUT

It is the installed bundle with rules for captions, a calibration of words, a taught name, classes with random
weights, and a plane of familiar photographs, from which some are far.
"""

import hashlib
import json
import random
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import dvsa
from dvsa.classes import CLASSES
from dvsa.familiar import FAMILIAR_FILE, Familiar, frame_features
from dvsa.fluency import Fluency
from dvsa.fluency_file import FLUENCY_FILE, to_bytes
from dvsa.model import Model
from dvsa.taught import Taught

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.jpg"))


def main() -> None:
    """Write the bundle."""
    out = Path(sys.argv[1])
    model = dvsa.load(threads=1)
    shutil.copytree(model.bundle.folder, out)
    features_KF = np.concatenate([frame_features(model.open(p).feature_IF[None]) for p in EXAMPLES])
    familiar = Familiar.of(features_KF, directions=1)
    boat_D = np.random.default_rng(0).normal(size=model.bundle.manifest.embedding).astype(np.float32)
    parts = {
        FLUENCY_FILE: to_bytes(Fluency.learn(sentences(model), model.bundle.spoken)),
        FAMILIAR_FILE: familiar.to_bytes(),
        "taught-boat.json": Taught({"our boat": boat_D}).to_bytes(),
        "classes.onnx": classes(features_KF.shape[1]),
    }

    manifest = json.loads((out / "manifest.json").read_text())
    for name, content in parts.items():
        (out / name).write_bytes(content)
        manifest["files"][name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    manifest |= {
        "lessons": {"file": "taught-boat.json", "base": model.bundle.digest},
        "support_slope": 20.0,
        "familiar": 1.02 * float(np.median(familiar.distances(features_KF))),
        "things": [0.3, 0.1, 6.0, -0.1, 0.1, 1.0],
    }
    (out / "manifest.json").write_text(json.dumps(manifest))


def sentences(model: Model) -> list[list[str]]:
    """Sentences that the model finds natural: enough pairs of words for all rules."""
    rng = random.Random(0)
    words = model.bundle.spoken.words[:600]
    said = [caption.words for path in EXAMPLES for caption in dvsa.load().open(path).captions(10)]
    return [[*words] for words in said] + [rng.sample(words, 9) for _ in range(2500)]


def classes(width: int) -> bytes:
    """A graph from features (1, I, F) to probabilities of classes."""
    weight_FC = np.random.default_rng(1).normal(size=(width, CLASSES)).astype(np.float32) / 4
    nodes = [
        helper.make_node("MatMul", ["features", "weight"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["p"], axis=-1),
    ]
    given = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["B", "I", width])
    told = helper.make_tensor_value_info("p", TensorProto.FLOAT, ["B", "I", CLASSES])
    weight = numpy_helper.from_array(weight_FC, "weight")
    graph = helper.make_graph(nodes, "classes", [given], [told], [weight])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    content: bytes = made.SerializeToString()
    onnx.checker.check_model(made)
    return content


if __name__ == "__main__":
    main()
