"""Fixtures shared by all tests, and the markers that `make quick` leaves out."""

import inspect
import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("dvsa", deadline=None, derandomize=True)
settings.load_profile("dvsa")

MARKERS = {
    "toy_run": "training",
    "quick": "training",
    "fit_without_curves": "training",
    "browser": "browser",
    "flickr8k_dir": "data",
    "java": "java",
    "spice_jar": "java",
    "exported": "slow",
}
"""The marker of every test that uses a fixture, also through other fixtures."""

SPICE = """
import java.nio.file.*;

public class Main {
    public static void main(String[] given) throws Exception {
        Path beside = Paths.get("");
        Files.writeString(beside.resolve("arguments.txt"), String.join("\\n", given));
        Files.copy(Paths.get(given[0]), beside.resolve("asked.json"), StandardCopyOption.REPLACE_EXISTING);
        String task = Files.readString(beside.resolve("task.txt"));
        if (task.equals("hang")) Thread.sleep(60000);
        if (task.equals("corenlp")) throw new NoClassDefFoundError("edu/stanford/nlp/util/CoreMap");
        if (task.equals("fail")) { System.err.println("starting"); throw new Exception("no memory"); }
        if (!task.equals("nothing")) Files.writeString(Paths.get(given[2]), task);
    }
}
"""
"""What stands in for SPICE: it keeps what it is asked, and does what the file task.txt beside it says."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by what it uses, so that nobody has to remember to mark it."""
    for item in items:
        if isinstance(item, pytest.Function):
            for fixture in {*item.fixturenames} & {*MARKERS}:
                item.add_marker(MARKERS[fixture])
            if _trains(item):
                item.add_marker("training")


def _trains(test: pytest.Function) -> bool:
    """Whether the test, or one of its fixtures, calls `dvsa.learn`'s `fit`."""
    definitions = test._fixtureinfo.name2fixturedefs.values()
    functions = [test.function, *(fixture.func for several in definitions for fixture in several)]
    return any("fit" in inspect.unwrap(function).__code__.co_names for function in functions)


@pytest.fixture(scope="session")
def flickr8k_dir() -> Path:
    """The Flickr8K folder named by DVSA_DATA, or the one beside the repository; skips if it is missing."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data" / "flickr8k"
    folder = Path(os.environ.get("DVSA_DATA", beside))
    if not (folder / "Flickr8k.token.txt").is_file():
        pytest.skip(f"Flickr8K is not at {folder}; set DVSA_DATA to its folder to run this test")
    return folder


@pytest.fixture(scope="session")
def java() -> None:
    """Skips if Java is missing; METEOR needs it."""
    if shutil.which("java") is None:
        pytest.skip("METEOR needs Java: apt install default-jre-headless")


@pytest.fixture(scope="session")
def spice_jar(java: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The jar of the program that stands in for SPICE."""
    if shutil.which("javac") is None:
        pytest.skip("the stand-in for SPICE needs javac: apt install default-jdk-headless")
    folder = tmp_path_factory.mktemp("spice")
    (folder / "Main.java").write_text(SPICE)
    subprocess.run(["javac", "Main.java"], cwd=folder, check=True)
    with zipfile.ZipFile(folder / "spice-1.0.jar", "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF", "Main-Class: Main\n")
        jar.write(folder / "Main.class", "Main.class")
    return folder / "spice-1.0.jar"


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny CLIP with random weights, whose tokenizer knows letters and the word dog."""
    import torch
    import transformers

    folder = tmp_path_factory.mktemp("clip") / "tiny-clip"
    torch.manual_seed(0)
    letters = [chr(code) for code in range(97, 123)]
    pieces = [*letters, *(f"{letter}</w>" for letter in letters), "do", "dog</w>"]
    pieces += ["<|startoftext|>", "<|endoftext|>"]
    folder.mkdir()
    (folder / "vocab.json").write_text(json.dumps({piece: n for n, piece in enumerate(pieces)}))
    (folder / "merges.txt").write_text("#version: 0.2\nd o\ndo g</w>\n")
    transformers.CLIPTokenizer.from_pretrained(folder).save_pretrained(folder)

    size = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = {**size, "vocab_size": len(pieces), "max_position_embeddings": 20}
    text |= {
        "bos_token_id": len(pieces) - 2,
        "eos_token_id": len(pieces) - 1,
        "pad_token_id": len(pieces) - 1,
    }
    vision = {**size, "image_size": 32, "patch_size": 8}
    config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=12)
    transformers.CLIPModel(config).save_pretrained(folder)
    pictures = transformers.CLIPImageProcessorPil(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
    )
    pictures.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def toy_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy set, as `dvsa data toy` writes it."""
    from dvsa.data import toy

    return toy.write(tmp_path_factory.mktemp("toy") / "data")


@pytest.fixture(scope="session")
def toy_run(toy_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the toy recipe, trained from scratch on the CPU (about two minutes on two cores)."""
    from dvsa.data import load
    from dvsa.learn.recipes.catalogue import RECIPES
    from dvsa.learn.runs.fit import fit
    from dvsa.learn.runs.inputs import FitOptions

    out = tmp_path_factory.mktemp("toy") / "run"
    fit(RECIPES["toy"](), load(toy_data), out, FitOptions(device="cpu", quiet=True))
    return out


@pytest.fixture(scope="session")
def toy_bundle(toy_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of the toy run."""
    from dvsa.learn.runs.run import Run
    from dvsa.learn.ship.export import export

    return export(Run(toy_run), tmp_path_factory.mktemp("toy") / "bundle")
