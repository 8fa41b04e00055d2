"""The list of photographs from outside."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from dvsa.text import words

Script = Callable[[str], ModuleType]

GOOD = f"""
[packages.fruits]
client = "pip"
version = "1.0"

[photographs.apple]
half = "choose"
kind = "food"
main = "apple"
names = ["fruit"]
things = []
sentence = "An apple lies on a table."
package = "fruits"
member = "fruits/Apple.JPG"
sha256 = "{"0" * 64}"
author = "A. Person"
licence = "CC0"
"""


def test_the_list_is_complete(script: Script) -> None:
    photographs = script("wild_list").read()
    assert len(photographs) >= 60
    page = Path(__file__).resolve().parents[2] / "docs" / "wild.md"
    assert f"{len(photographs)} photographs" in " ".join(page.read_text("utf-8").split())
    assert len({wild.sha256 for wild in photographs}) == len(photographs), "a picture is there twice"
    assert len({(wild.package, wild.member) for wild in photographs}) == len(photographs)
    for wild in photographs:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", wild.name)
        assert re.fullmatch(r"[a-z-]+\.(jpe?g|png|webp)", wild.file)
        assert wild.sentence.endswith(".")
        assert not Path(wild.file).is_absolute()


def test_no_name_is_there_twice(script: Script) -> None:
    for wild in script("wild_list").read():
        called = [*wild.right, *wild.things]
        assert all(words(name) for name in called)
        assert len(set(called)) == len(called), wild.name
        assert not {*wild.subjects} & {*wild.right}, wild.name


def test_both_halves_are_alike(script: Script) -> None:
    counts = Counter((wild.kind, wild.half) for wild in script("wild_list").read())
    for kind in {kind for kind, _ in counts}:
        assert abs(counts[kind, "choose"] - counts[kind, "judge"]) <= 1, kind


def test_every_listed_package_is_used(script: Script) -> None:
    module = script("wild_list")
    used = {wild.package.name for wild in module.read()}
    listed = re.findall(r'^\[packages\."?([^"\]]+)"?\]$', module.LIST.read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(used)


def test_a_photograph_is_read(script: Script, tmp_path: Path) -> None:
    path = tmp_path / "wild.toml"
    path.write_text(GOOD)
    (wild,) = script("wild_list").read(path)
    assert (wild.file, wild.right, wild.subjects) == ("apple.jpg", ("apple", "fruit"), ())
    assert str(wild.package) == "fruits 1.0 (pip)"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("choose", "both", "photographs.apple.half is 'both'; expected one of choose, judge"),
        ('"fruits"', '"roots"', "photographs.apple.package is 'roots'"),
        ('main = "apple"', "", "lacks photographs.apple.main"),
        ('main = "apple"', 'main = ""', "photographs.apple.main is ''"),
        ('["fruit"]', "[7]", "photographs.apple.names is [7]; expected a list of texts"),
        ('["fruit"]', '[""]', "photographs.apple.names is ['']; expected a list of texts"),
        ("0" * 64, "0", "photographs.apple.sha256 is '0'"),
        ("licence", "license", "unknown field 'photographs.apple.license'"),
        ('"pip"', '"brew"', "packages.fruits.client is 'brew'"),
        ("[packages.fruits]", "[packagings.fruits]", "unknown field 'packagings'"),
        ("[photographs.apple]", "[photographs.apple", "is not TOML"),
    ],
)
def test_a_mistake_is_named(script: Script, tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "wild.toml"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        script("wild_list").read(path)
    assert "wild.toml" in str(caught.value)
    assert "\n" not in str(caught.value)
