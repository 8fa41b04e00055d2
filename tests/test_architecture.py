"""The import rule of docs/architecture.md, and the size of things, read from the syntax trees."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import dvsa

ROOT = Path(dvsa.__file__).parent

ROOMS = [
    "version",
    "files",
    "arrays",
    "notebook",
    "records",
    "typed_json",
    "ahead",
    "boxes",
    "annotations",
    "regions",
    "text",
    "spelling",
    "things",
    "classes",
    "seeing",
    "sentence",
    "taught",
    "photo_checks",
    "photo_exif",
    "photo_formats",
    "photo_shot",
    "photo_modes",
    "photo_raw",
    "photo_repair",
    "photo",
    "places",
    "decode",
    "half_file",
    "background",
    "familiar",
    "maxsim",
    "segments",
    "aligning",
    "beam",
    "fluency",
    "fluency_file",
    "data",
    "metrics",
    "manifest",
    "verified",
    "card",
    "hub",
    "external_data",
    "graphs",
    "bundle",
    "captioning",
    "model",
    "teaching",
    "lettering",
    "draw",
    "report",
    "listing",
    "metadata",
    "alt_text",
    "samples",
    "index",
    "encoding",
    "evaluation",
    "doctor",
    "learn",
    "web",
    "__init__",
    "cli",
    "__main__",
]
"""A room is a module or a folder; it imports only rooms that stand before it."""

WINGS = ["nets", "loop", "tasks", "recipes", "runs", "ship"]
"""The folders of `learn`; a module there imports only its own folder and those before it."""

BANNED = {
    "learn": {"evaluation", "draw", "report"},
    "web": {"evaluation", "doctor", "learn"},
    "__init__": {"web"},
}
"""What a room must not import although it stands before it."""

HEAVY = {
    "torch",
    "torchvision",
    "triton",
    "timm",
    "onnx",
    "onnxscript",
    "safetensors",
    "transformers",
    "matplotlib",
}
"""What the core install lacks: for `learn` alone."""

SERVING = {"fastapi", "starlette", "uvicorn", "h11", "prometheus_client", "python_multipart"}
"""What the core install lacks: for `web`, and for the one command that starts it."""

IMPORTERS = {"import_module", "importlib.import_module", "__import__"}
"""Functions that import the module with the name that they are given."""

MODULES = sorted(ROOT.rglob("*.py"))
REPOSITORY = Path(__file__).resolve().parents[1]
SCRIPTS = sorted(
    path for folder in ("runs", "benchmarks", "docs") for path in (REPOSITORY / folder).glob("*.py")
)


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def wing_of(path: Path) -> str | None:
    """The folder of `learn` that a module is in; None for others."""
    parts = path.relative_to(ROOT).parts
    return parts[1] if parts[0] == "learn" and len(parts) > 2 else None


def test_the_rooms_are_those_that_exist() -> None:
    assert sorted(ROOMS) == sorted({room_of(path) for path in MODULES})


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_stands_above_it(path: Path) -> None:
    room = room_of(path)
    allowed = {*ROOMS[: ROOMS.index(room)], room} - BANNED.get(room, set())
    assert set(rooms_imported(path)) <= allowed


def test_the_wings_of_learn_are_those_that_exist() -> None:
    folders = {path.name for path in (ROOT / "learn").iterdir() if (path / "__init__.py").is_file()}
    assert sorted(WINGS) == sorted(folders)
    assert [path.name for path in (ROOT / "learn").glob("*.py")] == ["__init__.py"]


LEARN = [path for path in MODULES if room_of(path) == "learn" and wing_of(path) is not None]


@pytest.mark.parametrize("path", LEARN, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_of_learn_imports_only_its_wing_and_those_before(path: Path) -> None:
    assert set(wings_imported(path)) <= {*WINGS[: WINGS.index(wing_of(path) or "") + 1]}

    # `import dvsa...` would make every part of the package reachable by its full name.
    plain = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Import)]
    assert not [a.name for node in plain for a in node.names if a.name.partition(".")[0] == "dvsa"]
    assert "dvsa.learn" not in set(imports(path))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_only_training_needs_is_imported_by_learn_alone(path: Path) -> None:
    found = {name.partition(".")[0] for name in imports(path)} & HEAVY
    assert not found or room_of(path) == "learn"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_only_the_page_needs_is_imported_by_web_alone(path: Path) -> None:
    found = {name.partition(".")[0] for name in imports(path)} & SERVING
    assert not found or room_of(path) == "web" or path.relative_to(ROOT).as_posix() == "cli/serving.py"


@pytest.mark.parametrize("path", [*MODULES, *SCRIPTS], ids=lambda path: "/".join(path.parts[-3:]))
def test_modules_and_functions_are_short(path: Path) -> None:
    source = path.read_text("utf-8")
    assert source.count("\n") <= 300
    nodes = ast.walk(ast.parse(source))
    functions = [n for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = {f.name: (f.end_lineno or 0) - f.lineno + 1 for f in functions}
    assert {name: length for name, length in lengths.items() if length > 60} == {}


def test_the_rule_can_be_broken(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(
        "import dvsa.cli\n"
        "from dvsa import draw, load\n"
        "from dvsa.model import Model\n"
        "def f():\n    import torch.nn\n    from dvsa.learn.runs.run import fit\n"
    )
    assert set(rooms_imported(path)) == {"cli", "draw", "__init__", "model", "learn"}
    assert "torch.nn" in set(imports(path))

    path.write_text("from . import boxes\n")
    with pytest.raises(AssertionError, match="relative"):
        list(imports(path))


@pytest.mark.parametrize(
    "line",
    [
        "import dvsa.learn.tasks.corpus as corpus",
        "from dvsa.learn import tasks",
        "if TYPE_CHECKING:\n    from dvsa.learn.tasks import corpus",
        "async def f():\n    from dvsa.learn.tasks.corpus import Corpus",
        "import_module('dvsa.learn.tasks.corpus')",
        "importlib.import_module('dvsa.learn.tasks.corpus')",
        "__import__('dvsa.learn.tasks.corpus')",
    ],
)
def test_the_rule_sees_every_form_of_import(tmp_path: Path, line: str) -> None:
    path = tmp_path / "module.py"
    path.write_text(f"{line}\n")
    assert set(rooms_imported(path)) == {"learn"}
    assert set(wings_imported(path)) == {"tasks"}


def test_the_core_needs_no_torch_and_the_command_line_starts_light() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import dvsa, dvsa.cli\n"
        "heavy = {'onnxruntime', 'numpy', 'PIL'} & {*sys.modules}\n"
        "assert not heavy, heavy\n"
        "for name in dvsa.__all__: getattr(dvsa, name)\n"
        "import dvsa.model, dvsa.draw, dvsa.report, dvsa.data, dvsa.metrics, dvsa.evaluation, dvsa.doctor\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def rooms_imported(path: Path) -> Iterator[str]:
    """The rooms of the package that a module imports, anywhere in it."""
    for name in imports(path):
        top, _, rest = name.partition(".")
        if top == "dvsa":
            room = rest.partition(".")[0]
            yield room if room in ROOMS else "__init__"


def wings_imported(path: Path) -> Iterator[str]:
    """The folders of `learn` that a module imports, anywhere in it."""
    yield from (name.split(".")[2] for name in imports(path) if name.startswith("dvsa.learn."))


def imports(path: Path) -> Iterator[str]:
    """Full names of all that a module imports, anywhere in it: `from a import b` gives `a.b`.

    Calls of `import_module` and `__import__` with a literal name count as well.
    """
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import in line {node.lineno}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in IMPORTERS:
            yield from (
                a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)
            )
