"""Every public function and method of the index has an example in its docstring, and the examples run."""

import doctest
import inspect
import shutil
from pathlib import Path
from types import FunctionType, MethodType, ModuleType

import pytest

import dvsa
from dvsa.index import Filter, Index, Query, index, query, reader, values

EXAMPLES = Path(__file__).parents[2] / "examples"
MODULES = (index, query, reader, values)
TESTS = [
    test
    for module in MODULES
    for test in doctest.DocTestFinder().find(module, module.__name__)
    if test.examples
]


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the example photographs."""
    with Index.create(tmp_path_factory.mktemp("album") / "album.index", dvsa.load()) as made:
        made.add([EXAMPLES])
    return made.folder


@pytest.mark.parametrize("example", TESTS, ids=lambda test: test.name)
def test_an_example_runs(
    example: doctest.DocTest, album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(album, tmp_path / "album.index")
    (tmp_path / "examples").symlink_to(EXAMPLES)
    monkeypatch.chdir(tmp_path)
    failures: list[str] = []
    doctest.DocTestRunner().run(example, out=failures.append)
    assert not failures, "".join(failures)


@pytest.mark.parametrize("thing", [Index, Query, Filter, *MODULES], ids=lambda thing: thing.__name__)
def test_everything_public_has_an_example(thing: type | ModuleType) -> None:
    names = {name for name, value in inspect.getmembers(thing) if is_public_code(thing, name, value)}
    documented = {test.name.rpartition(".")[2] for test in TESTS}
    assert names <= documented


def is_public_code(thing: type | ModuleType, name: str, value: object) -> bool:
    """Whether a member is a public function, method or property that this project defines."""
    if name.startswith("_"):
        return False
    if isinstance(value, MethodType):
        value = value.__func__
    if isinstance(value, FunctionType):
        return isinstance(thing, type) or value.__module__ == thing.__name__
    return isinstance(value, property)
