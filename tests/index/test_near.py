"""Near duplicates: the rule on every pair, groups, and copies that the test makes."""

import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance
from typer.testing import CliRunner

from dvsa.cli import app
from dvsa.data import toy
from dvsa.index import Index, Photograph
from dvsa.index.near import FARTHEST, LEAST, SLOPE, Kept, as_number, groups, pairs

pytest.importorskip("imagehash", reason="near duplicates need the extra `duplicates`")

EXAMPLES = Path(__file__).parents[2] / "examples"
D = 4


def made(seed: int, count: int) -> tuple[list[Photograph], Any]:
    """Photographs with hashes and vectors that are near one another."""
    rng = np.random.default_rng(seed)
    bits = rng.random((count, 64)) < 0.15
    u_KD = rng.standard_normal((count, D)) + 3
    u_KD /= np.linalg.norm(u_KD, axis=1, keepdims=True)
    known = [
        Photograph(
            id=f"{k:064x}",
            path=f"/{rng.integers(9)}/{k}",
            file="",
            width=int(rng.integers(1, 4)),
            height=1,
            taken=["2024-01-01T00:00:00", None][k % 2],
            phash=f"{int(''.join('01'[int(b)] for b in bits[k]), 2):016x}",
        )
        for k in range(count)
    ]
    return known, u_KD.astype(np.float32)


def is_pair(one: Photograph, other: Photograph, cosine: float) -> bool:
    distance = (int(one.phash or "", 16) ^ int(other.phash or "", 16)).bit_count()
    return distance <= FARTHEST and cosine >= LEAST + SLOPE * distance


@settings(max_examples=30)
@given(st.integers(0, 999), st.integers(0, 30), st.integers(1, 7))
def test_pairs_are_those_of_the_rule(seed: int, count: int, block: int) -> None:
    known, u_KD = made(seed, count)
    wanted = [
        (a, b)
        for a, b in combinations(range(count), 2)
        if is_pair(known[a], known[b], float(u_KD[a] @ u_KD[b]))
    ]
    done: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dvsa.index.near.PHOTOS_PER_BLOCK", block)
        hash_K = np.array([as_number(p.phash or "") for p in known], np.uint64)
        assert sorted(pairs(hash_K, u_KD, done.append)) == wanted
    assert done == sorted(done)
    assert (done or [0])[-1] == count

    # Groups are the connected parts, the best first.
    found = groups(known, u_KD)
    member = {k: n for n, group in enumerate(found) for k in group}
    assert all(member[a] == member[b] for a, b in wanted)
    assert set(member) == {k for pair in wanted for k in pair}
    for group in found:
        assert len(group) > 1
        best = min((-known[k].width, known[k].taken or "9", known[k].path) for k in group)
        assert best == (-known[group[0]].width, known[group[0]].taken or "9", known[group[0]].path)

    # A search keeps the first of those that are alike.
    kept, places = Kept(), list[int]()
    for k, photograph in enumerate(known):
        alike = [m for m in places if is_pair(known[m], photograph, float(u_KD[m] @ u_KD[k]))]
        assert kept.find(photograph, u_KD[k]) == (alike[0] if alike else None)
        if not alike:
            kept.keep(photograph, u_KD[k], k)
            places.append(k)
    assert kept.find(replace(known[0], phash=None), u_KD[0]) is None if known else True


# Copies that the test makes

Edit = Callable[[Image.Image], Image.Image]


def saved(image: Image.Image) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=50)
    return Image.open(stream).convert("RGB")


EDITS: dict[str, Edit] = {
    "small": lambda image: image.resize((image.width * 3 // 5, image.height * 3 // 5)),
    "saved": saved,
    "bright": lambda image: ImageEnhance.Brightness(image).enhance(1.2),
    "pale": lambda image: ImageEnhance.Contrast(image).enhance(0.8),
    "moved": lambda image: image.crop((image.width // 30, 0, image.width, image.height * 49 // 50)),
}


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """Photographs, some with copies: the example photographs, and scenes of shapes, which are much alike."""
    folder = tmp_path_factory.mktemp("album")
    scenes = toy.write(tmp_path_factory.mktemp("toy"), train=0, val=12, test=0) / "images"
    for path in [*sorted(EXAMPLES.glob("*.jpg")), *sorted(scenes.iterdir())]:
        with Image.open(path) as opened:
            image = opened.convert("RGB")
        image.save(folder / f"{path.stem}.png")
        if path.parent == EXAMPLES:
            for name, edit in EDITS.items():
                edit(image).save(folder / f"{path.stem}_{name}.png")
    return folder


@pytest.fixture(scope="module")
def made_index(album: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with Index.create(tmp_path_factory.mktemp("made") / "index") as index:
        index.add([album])
    return index.folder


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": "300"})


@pytest.mark.slow
def test_copies_are_found_and_nothing_else(made_index: Path, album: Path) -> None:
    done = run("duplicates", made_index, "--json")
    assert done.exit_code == 0, done.output
    found = [[Path(p["path"]).stem for p in group] for group in json.loads(done.stdout)["groups"]]
    pairs_found = {frozenset(pair) for group in found for pair in combinations(group, 2)}
    right = {frozenset(p) for p in pairs_found if len({name.partition("_")[0] for name in p}) == 1}
    assert len(right) / len(pairs_found) >= 0.98
    assert {group[0].partition("_")[0] for group in found} == {"astronaut", "cat", "photographer"}
    assert all(len(group) == len(EDITS) + 1 for group in found)
    assert "3 groups with 15 near duplicates" in run("duplicates", made_index).stdout
    assert "0 groups" in run("duplicates", made_index, "--in", "/nowhere").stdout


@pytest.mark.slow
def test_results_show_the_best_of_a_group(made_index: Path) -> None:
    with Index.open(made_index) as index:
        grouped = index.search("a cat", 4)
        single = index.search("a cat", 30, grouped=False)
        names = [Path(hit.photograph.path).stem.partition("_")[0] for hit in grouped]
        assert len(names) == len({*names}) == 4
        assert len(grouped[0].others) == len(EDITS)
        assert not any(hit.others for hit in single)

        # Each group has the score of its best, and nothing is lost.
        scores = {hit.photograph.id: hit.score for hit in single}
        for hit in index.search("a cat", 30):
            assert all(scores[other.id] <= hit.score for other in hit.others)
        every = [p for hit in index.search("a cat", 30) for p in (hit.photograph, *hit.others)]
        assert sorted(p.id for p in every) == sorted(scores)
    assert "(+ 5 near duplicates)" in run("search", made_index, "a cat", "-k", 1).stdout
    assert (
        len(json.loads(run("search", made_index, "a cat", "-k", 1, "--json").stdout)["hits"][0]["others"])
        == 5
    )


def test_exact_copies_are_near_duplicates(tmp_path: Path) -> None:
    album, folder = tmp_path / "album", tmp_path / "index"
    album.mkdir()
    for name in ("cat.jpg", "cat again.jpg", "cat too.jpg"):
        shutil.copy(EXAMPLES / "cat.jpg", album / name)
    shutil.copy(EXAMPLES / "astronaut.jpg", album)
    assert run("index", album, "--out", folder).exit_code == 0
    best, *others = run("duplicates", folder).stdout.splitlines()
    assert best.startswith(str(album / "cat again.jpg"))
    assert [line.split(", ")[-1] for line in others] == [
        "same",
        "same",
        "1 group with 2 near duplicates of their best",
    ]
    ((group,),) = json.loads(run("duplicates", folder, "--json").stdout)["groups"]
    assert group["copies"] == [str(album / "cat too.jpg"), str(album / "cat.jpg")]


@pytest.mark.slow
def test_photographs_without_a_hash_are_read_again(made_index: Path, tmp_path: Path, album: Path) -> None:
    with Index.open(made_index) as index, Index.create(tmp_path / "index") as other:
        entries = [replace(e, photograph=replace(e.photograph, phash=None)) for e in index.entries()]
        gone = [
            replace(
                entries[0], photograph=replace(entries[0].photograph, id="0" * 64, path="/gone", file="/gone")
            )
        ]
        other.append(entries + gone)
    done = run("duplicates", other.folder)
    assert done.exit_code == 2
    assert done.stderr == "dvsa: /gone cannot be read (No such file or directory): index its folder again\n"
    assert "3 groups with 15 near duplicates" in done.stdout
