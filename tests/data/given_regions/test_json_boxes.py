"""Boxes of detectors in JSON, in its different forms."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dvsa.data import DataError, Example, RegionsOfPhotograph, Source, load_regions

Picture = Callable[[int], bytes]

ROWS: list[list[float]] = [[0, 0, 10, 30], [5.5, 6, 20, 60]]
SIZED = {"boxes": ROWS, "width": 40, "height": 60}
WANTED = [[0, 0, 0.25, 0.5], [0.1375, 0.1, 0.5, 1]]


def save(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def read(path: Path, name: str = "a.jpg", source: Source | None = None) -> RegionsOfPhotograph:
    return load_regions(path).of(Example(name, "", (), source))


def boxes(path: Path, name: str = "a.jpg") -> list[list[float]]:
    found = read(path, name)
    assert found.box_I4 is not None
    assert found.feature_IF is None
    rows: list[list[float]] = found.box_I4.tolist()
    return rows


def test_boxes_by_photograph(tmp_path: Path) -> None:
    save(tmp_path / "boxes.json", {"in/a.jpg": SIZED, "b.jpg": SIZED | {"boxes": ROWS[:1]}})
    assert boxes(tmp_path) == boxes(tmp_path / "boxes.json") == WANTED
    assert boxes(tmp_path, "b.jpg") == WANTED[:1]
    assert read(tmp_path).score_I is None


@pytest.mark.parametrize("name", ["/data/photographs/a.jpg", "../other/a.jpg", "./a.jpg", "a"])
def test_names_may_be_paths_of_another_computer(tmp_path: Path, name: str) -> None:
    path = save(tmp_path / "boxes.json", {name: SIZED})
    assert boxes(path, "photographs/a.jpg" if name.startswith("/") else "a.jpg") == WANTED
    with pytest.raises(DataError, match=r"has no regions of b\.jpg"):
        read(path, "b.jpg")


def test_the_files_of_a_folder_are_joined(tmp_path: Path) -> None:
    save(tmp_path / "train.json", {"a.jpg": SIZED})
    save(tmp_path / "val.json", {"b.jpg": SIZED})
    assert boxes(tmp_path, "b.jpg") == WANTED
    save(tmp_path / "val.json", {"a.jpg": SIZED})
    with pytest.raises(
        DataError, match=r"val\.json: a\.jpg is also in .*train\.json: a\.jpg: keep one of them"
    ):
        load_regions(tmp_path)


@pytest.mark.parametrize("file", ["a.json", "a.jpg.json", "in/deeper/a.json"])
def test_a_file_for_each_photograph(tmp_path: Path, file: str) -> None:
    save(tmp_path / file, SIZED)
    save(tmp_path / "b.json", SIZED | {"boxes": ROWS[:1]})
    assert boxes(tmp_path) == WANTED
    assert boxes(tmp_path, "b.jpg") == WANTED[:1]


def test_pixels_without_a_size_need_the_photograph(tmp_path: Path, picture: Picture) -> None:
    save(tmp_path / "boxes" / "a.json", [[0, 0, 5, 8], [5, 4, 10, 8]])
    (tmp_path / "a.jpg").write_bytes(picture(1))
    found = read(tmp_path / "boxes", source=Source(tmp_path / "a.jpg"))
    assert found.box_I4 is not None
    assert found.box_I4.tolist() == [[0, 0, 0.5, 1], [0.5, 0.5, 1, 1]]  # of 10 x 8 pixels
    with pytest.raises(
        DataError, match=r"a\.json has boxes in pixels without a size; a\.jpg: the data set has"
    ):
        read(tmp_path / "boxes")


@pytest.mark.parametrize(
    "content",
    [
        [[*row, score] for row, score in zip(ROWS, (0.5, 1), strict=True)],
        {"boxes": ROWS, "scores": [0.5, 1]},
        {"boxes": [[*row, 0] for row in ROWS], "scores": [0.5, 1]},
    ],
)
def test_scores_are_fifth_numbers_or_a_list(tmp_path: Path, content: object) -> None:
    sized = content if isinstance(content, dict) else {"boxes": content}
    save(tmp_path / "boxes.json", {"a.jpg": {**sized, "width": 40, "height": 60}})
    assert boxes(tmp_path) == WANTED
    np.testing.assert_array_equal(read(tmp_path).score_I, [0.5, 1])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (3, "is 3; give a list of"),
        (None, "is None; give a list"),
        ("text", "is 'text'; give a list"),
        ({"width": 40}, "is {'width': 40, .*; give a list"),
        ({"boxes": {}}, "give a list of"),
        ([], "has no box: add one, such as the whole photograph"),
        ([3], r"row 0 \(from 0\) is 3; give 4 or 5 numbers"),
        ([ROWS[0], [1, 2, 3]], r"row 1 \(from 0\) is \[1, 2, 3\]; give 4 or 5 numbers"),
        ([[1, 2, 3, 4, 0.5, 6]], "give 4 or 5 numbers"),
        ([[1, 2, 3, "4"]], "give 4 or 5 numbers"),
        ([[1, 2, 3, True]], "give 4 or 5 numbers"),
        ([[1, 2, 3, None]], "give 4 or 5 numbers"),
        ([[1, 2, 3, 10**400]], "give 4 or 5 numbers"),
        ([[1, 2, 3, float("nan")]], "give finite numbers"),
        ([[1, 2, 3, float("inf")]], "give finite numbers"),
        ([[*ROWS[0], 0.5], ROWS[1]], "give a score for all boxes, or for none"),
        ([[*ROWS[0], 1.5]], r"the score of row 0 \(from 0\) is 1.5; give 0 to 1"),
        ([[*ROWS[0], float("nan")]], r"the score of row 0 \(from 0\) is nan"),
        ({"boxes": ROWS, "scores": [0.5]}, r"scores is \[0.5\]; give 2 numbers"),
        ({"boxes": ROWS, "scores": 0.5}, "scores is 0.5; give 2 numbers"),
        ({"boxes": ROWS, "width": "40", "height": 60}, r"the size is \['40', 60\]; give 2 numbers"),
        ({"boxes": ROWS, "width": -40, "height": 60}, "a photograph of -40 x 60 pixels"),
    ],
)
def test_malformed_boxes_are_named(tmp_path: Path, content: object, reason: str) -> None:
    sized = {"width": 40, "height": 60, **content} if isinstance(content, dict) else content
    if isinstance(content, list):
        sized = {"boxes": content, "width": 40, "height": 60}
    path = save(tmp_path / "boxes.json", {"bad.jpg": sized})
    with pytest.raises(DataError, match=reason) as caught:
        read(path, "bad.jpg")
    assert str(caught.value).startswith(f"{path}: bad.jpg")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"\xff", b'{"a.jpg": [[0, 0, 1,'])
def test_what_is_not_json_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.json is not JSON"):
        load_regions(tmp_path)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ('{"a.jpg": [[0, 0, 1, 1]], "b.jpg": [], "a.jpg": [[0, 0, 2, 2]]}', "a.jpg"),
        ('{"a.jpg": {"boxes": [[0, 0, 1, 1]], "boxes": [[0, 0, 2, 2]]}}', "boxes"),
        ('[{"image_id": 7, "image_id": 8, "bbox": [0, 0, 1, 1]}]', "image_id"),
        ('{"images": [{"id": 1, "file_name": "a", "id": 2}], "annotations": []}', "id"),
    ],
)
def test_a_key_that_is_there_twice_is_named(tmp_path: Path, content: str, key: str) -> None:
    (tmp_path / "boxes.json").write_text(content)
    with pytest.raises(
        DataError, match=rf"boxes\.json: the key '{key}' is twice in one object: keep one of them"
    ):
        load_regions(tmp_path)


@pytest.mark.parametrize("content", [3, None, "text", {}, {"images": []}, {"images": [], "annotations": 3}])
def test_other_json_is_refused(tmp_path: Path, content: object) -> None:
    path = save(tmp_path / "other.json", content)
    with pytest.raises(DataError, match=str(path)):
        load_regions(path)


# The forms of COCO


def entry(image: object, box: object = (0, 0, 10, 30), **more: object) -> dict[str, object]:
    return {"image_id": image, "bbox": box, **more}


IMAGES = [{"id": 7, "file_name": "val/a.jpg", "width": 40, "height": 60}, {"id": 8, "file_name": "b.jpg"}]


def test_results_are_by_number_if_nothing_lists_the_photographs(tmp_path: Path, picture: Picture) -> None:
    save(tmp_path / "results.json", [entry(42, (0, 0, 5, 8), score=0.5), entry("a.jpg")])
    regions = load_regions(tmp_path)
    assert list(regions.names) == ["42", "a.jpg"]
    assert regions.find("COCO_val2014_000000000042.jpg") == "42"
    (tmp_path / "42.jpg").write_bytes(picture(1))
    found = read(tmp_path, "000000000042.jpg", Source(tmp_path / "42.jpg"))
    assert found.box_I4 is not None
    assert found.box_I4.tolist() == [[0, 0, 0.5, 1]]
    np.testing.assert_array_equal(found.score_I, [0.5])


def test_results_take_names_and_sizes_from_a_list_beside_them(tmp_path: Path) -> None:
    save(tmp_path / "results.json", [entry(7, score=0.5), entry(7, (5.5, 6, 14.5, 54), score=1)])
    annotations = [entry(7, (1, 1, 2, 2)), entry(8, (1, 1, 2, 2))]
    save(tmp_path / "instances_val.json", {"images": IMAGES, "annotations": annotations})
    assert boxes(tmp_path) == WANTED  # not those of the annotations
    assert list(load_regions(tmp_path).names) == ["val/a.jpg"]


def test_annotations_keep_one_of_equal_boxes(tmp_path: Path) -> None:
    # As MDETR has them: an image for each sentence, and a box for each phrase.
    images = [IMAGES[0], {**IMAGES[0], "id": 9}]
    annotations = [entry(7), entry(9), entry(9, (5.5, 6, 14.5, 54)), entry(7)]
    path = save(tmp_path / "train.json", {"images": images, "annotations": annotations})
    assert boxes(path) == WANTED
    assert list(load_regions(path).names) == ["val/a.jpg"]


def test_ids_may_mean_other_photographs_in_another_file_of_annotations(tmp_path: Path) -> None:
    for k, name in enumerate(("a.jpg", "b.jpg")):
        images = [{"id": 1, "file_name": name, "width": 40, "height": 60}]
        save(tmp_path / f"{k}.json", {"images": images, "annotations": [entry(1, (k, 0, 10 - k, 30))]})
    assert boxes(tmp_path, "a.jpg") == [[0, 0, 0.25, 0.5]]
    assert boxes(tmp_path, "b.jpg") == [[0.025, 0, 0.25, 0.5]]
    save(tmp_path / "results.json", [entry(1)])
    with pytest.raises(DataError, match=r"1\.json: the id 1 is of b\.jpg, and elsewhere of"):
        load_regions(tmp_path)


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([entry(9)], r"entry 0 \(from 0\) is of image_id 9, which is not among the images"),
        ([entry(7), {"bbox": [0, 0, 1, 1]}], "an entry has no 'image_id' of type int"),
        ([entry(7), 3], "an entry has no 'image_id'"),
        ([entry([7])], "an entry has no 'image_id'"),
        ([entry(True)], "an entry has no 'image_id'"),
        ([{"image_id": 7}], "an entry has no 'bbox' of type list"),
        ([entry(7), entry(7, [1, 2, 3])], r"entry 1 \(from 0\): bbox is \[1, 2, 3\]; give 4 numbers"),
        ([entry(7), entry(7, [1, 2, 3, "4"])], r"entry 1 \(from 0\): bbox"),
        ([entry(7, score="high")], r"entry 0 \(from 0\): score is \['high'\]; give 1 numbers"),
        ([entry(7, score=0.5), entry(7)], r"val/a\.jpg: give a score for all boxes, or for none"),
        ([entry(7), entry(10)], r"image_id 7 and 10 are both val/a\.jpg: keep one of them"),
        ([entry(7, (5, 5, -2, 3))], r"val/a\.jpg: row 0 .* x0 must be below x1"),
        ([entry(7, (5, 5, 0, 3))], r"val/a\.jpg: row 0 .* x0 must be below x1"),
        ([entry(7, (30, 5, 35, 10))], r"val/a\.jpg: row 0 .* corners \[30.0, 5.0, 65.0, 15.0\], reaches far"),
        ([entry(7, (0, float("nan"), 1, 1))], r"val/a\.jpg: row 0"),
    ],
)
def test_malformed_results_are_named(tmp_path: Path, entries: list[object], reason: str) -> None:
    save(tmp_path / "images.json", {"images": [*IMAGES, {**IMAGES[0], "id": 10}]})
    save(tmp_path / "results.json", entries)
    with pytest.raises(DataError, match=reason) as caught:
        read(tmp_path)
    assert str(tmp_path / "results.json") in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "image",
    [3, {}, {"id": 7}, {"id": 7, "file_name": 3}, {"file_name": "a.jpg"}, {"id": [], "file_name": "a"}],
)
def test_malformed_lists_of_photographs_are_named(tmp_path: Path, image: object) -> None:
    path = save(tmp_path / "train.json", {"images": [image], "annotations": []})
    with pytest.raises(DataError, match=rf"{path}: an entry has no '(id|file_name)' of type"):
        load_regions(path)
