from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from dvsa.data import SplitCounts, check

Picture = Callable[[int], bytes]
Files = Callable[[Path, Mapping[str, bytes | str]], Path]


@pytest.fixture
def sound(tmp_path: Path, picture: Picture, write_files: Files) -> Path:
    rows = "".join(f"{k}.jpg,a dog number {k},{s}\n" for k, s in enumerate(("train", "train", "val", "test")))
    write_files(tmp_path, {"captions.csv": f"photo,sentence,split\n{rows}"})
    return write_files(tmp_path, {f"{k}.jpg": picture(k) for k in range(4)})


def faults(root: Path, *, decode: bool = True) -> list[tuple[str, str]]:
    return [(problem.kind, problem.name) for problem in check(root, decode=decode).problems]


def test_a_sound_set_is_counted(sound: Path, write_files: Files) -> None:
    box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>4</xmax><ymax>4</ymax></bndbox>"
    size = "<size><width>9</width><height>9</height></size>"
    for k in range(4):
        objects = "".join(f"<object><name>{name}</name>{box}</object>" for name in (1, 2))
        marked = f"[/EN#1/animals a dog] [/EN#2/other number] [/EN#3/other {k}]"
        xml = f"<annotation>{size}{objects}</annotation>"
        write_files(sound / "entities", {f"Annotations/{k}.xml": xml, f"Sentences/{k}.txt": marked})

    steps: list[tuple[int, int]] = []
    report = check(sound, progress=lambda done, total: steps.append((done, total)))

    assert report.dataset == sound.name
    assert report.counts == {
        "train": SplitCounts(2, 2, 6, 2),
        "val": SplitCounts(1, 1, 3, 1),
        "test": SplitCounts(1, 1, 3, 1),
    }
    assert report.problems == ()
    assert report.ok
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_broken_photographs_are_found_by_decoding(sound: Path, picture: Picture, write_files: Files) -> None:
    write_files(sound, {"1.jpg": picture(1)[:-200], "2.jpg": b"no picture"})
    assert faults(sound, decode=False) == []
    assert faults(sound) == [("broken photograph", "1.jpg"), ("broken photograph", "2.jpg")]
    report = check(sound)
    assert not report.ok
    assert not any(problem.name in problem.detail for problem in report.problems)


def test_one_content_in_two_splits_is_found(sound: Path, picture: Picture, write_files: Files) -> None:
    write_files(sound, {"1.jpg": picture(0)})
    assert faults(sound) == []  # both are training photographs
    write_files(sound, {"3.jpg": picture(0)})
    report = check(sound)
    assert [(p.kind, p.name) for p in report.problems] == [("doubled photograph", "0.jpg")]
    assert report.problems[0].detail.endswith("0.jpg (train), 1.jpg (train), 3.jpg (test)")
    assert not report.ok


@pytest.mark.parametrize(
    ("files", "fault", "harmless"),
    [
        ({"9.jpg": b"?"}, ("stray photograph", "9.jpg"), True),
        ({"in/3.jpg": b"?"}, ("doubled name", "3.jpg"), False),
        ({"more": "9.jpg,a cat,val\n"}, ("no photograph", "9.jpg"), False),
        ({"more": "8.jpg,?,val\n", "8.jpg": b"?"}, ("no sentences", "8.jpg"), False),
        ({"more": "3.jpg, ! ,test\n"}, ("empty sentence", "3.jpg"), False),
        ({"more": "3.jpg,a cat,train\n"}, ("split overlap", "3.jpg"), False),
    ],
)
def test_each_planted_fault_is_found(
    sound: Path, write_files: Files, files: dict[str, str | bytes], fault: tuple[str, str], harmless: bool
) -> None:
    more = files.pop("more", "")
    text = (sound / "captions.csv").read_text()
    write_files(sound, {**files, "captions.csv": f"{text}{more!s}"})
    report = check(sound)
    assert fault in [(problem.kind, problem.name) for problem in report.problems]
    assert report.ok == harmless


def test_an_interrupt_is_not_swallowed(sound: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check(sound, progress=stop)
