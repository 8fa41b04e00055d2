"""Boxes for other tools, read back by those tools or by their documented rules."""

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

import dvsa
from dvsa.annotations import CONFIG, FORMATS, Item, coco, fiftyone, label_studio
from dvsa.boxes import to_pixels
from dvsa.cli import app
from dvsa.records import FRAME, Alignment, Caption, Description, Phrase, Region, Segment

CAPTION = Caption("a dog", -1.0, ("a", "dog"), (-0.5, -0.5))
EDGE = st.floats(0, 1, width=32)


@st.composite
def described(draw: st.DrawFn) -> Description:
    """A photograph of any size, with phrases on any boxes, and perhaps a segment on the frame."""
    width, height = draw(st.integers(1, 20_000)), draw(st.integers(1, 20_000))
    regions = []
    for n in range(draw(st.integers(0, 4))):
        xs, ys = (sorted(draw(st.tuples(EDGE, EDGE).filter(lambda e: e[0] != e[1]))) for _ in range(2))
        box = (xs[0], ys[0], xs[1], ys[1])
        regions.append(Region(n, box, to_pixels(box, width, height), draw(EDGE)))
    frame = Region(len(regions), FRAME, (0, 0, width, height), 1.0)
    phrases = tuple(Phrase(r, replace(CAPTION, text=draw(st.text(max_size=5)))) for r in regions)
    sentence = draw(st.sampled_from(["a dog", "two cats"]))
    segment = Segment(0, 1, sentence, frame.index, 2.0)
    alignment = draw(st.sampled_from([None, Alignment(sentence, 0.0, 2.0, (), (segment,), ())]))
    return Description("p", width, height, "given", CAPTION, (*regions, frame), phrases, alignment)


ITEMS = st.lists(described(), max_size=3).map(
    lambda several: [(Path(f"album/p {n}.jpg"), description) for n, description in enumerate(several)]
)


def wanted(description: Description) -> list[tuple[str, Region]]:
    """The texts and the regions that every format must have."""
    boxes = [(phrase.caption.text, phrase.region) for phrase in description.phrases]
    alignment = description.alignment
    if alignment is not None and alignment.sentence == "two cats":
        boxes.append(("two cats", description.regions[-1]))
    return boxes


@given(ITEMS)
def test_pycocotools_reads_the_boxes(items: Sequence[Item]) -> None:
    pytest.importorskip("pycocotools")
    from pycocotools.coco import COCO

    data = COCO()
    data.dataset = json.loads(json.dumps(coco(items)))
    data.createIndex()
    for image, (path, description) in zip(data.loadImgs(data.getImgIds()), items, strict=True):
        assert (image["file_name"], image["width"]) == (path.as_posix(), description.width)
        found = data.loadAnns(data.getAnnIds(imgIds=image["id"]))
        for annotation, (text, region) in zip(found, wanted(description), strict=True):
            assert data.loadCats(annotation["category_id"])[0]["name"] == text
            x, y, w, h = annotation["bbox"]
            assert (x, y, x + w, y + h) == region.pixels
            assert (annotation["area"], annotation["score"]) == (w * h, region.score)
            assert annotation["area"] > 0


def test_pycocotools_takes_the_boxes_as_results(tmp_path: Path) -> None:
    """An evaluation of the boxes against themselves is perfect."""
    pytest.importorskip("pycocotools")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    regions = tuple(Region(n, FRAME, (0, 0, 40 + n, 30), 0.5) for n in range(2))
    phrases = tuple(Phrase(region, CAPTION) for region in regions)
    item = Path("p.jpg"), Description("p", 64, 48, "given", CAPTION, regions, phrases, None)
    (tmp_path / "coco.json").write_text(json.dumps(coco([item])))
    truth = COCO(str(tmp_path / "coco.json"))
    judged = COCOeval(truth, truth.loadRes(truth.dataset["annotations"]), "bbox")
    judged.evaluate()
    judged.accumulate()
    judged.summarize()
    assert judged.stats[0] == pytest.approx(1.0)


@given(ITEMS)
def test_fiftyone_has_fractions_by_absolute_path(items: Sequence[Item]) -> None:
    content = json.loads(json.dumps(fiftyone(items)))
    assert set(content) == {"classes", "labels"}
    assert content["labels"].keys() == {str(path.absolute()) for path, _ in items}
    for path, description in items:
        found = content["labels"][str(path.absolute())]
        for detection, (text, region) in zip(found, wanted(description), strict=True):
            assert detection["label"] == text
            assert text in content["classes"]
            x, y, w, h = detection["bounding_box"]
            assert np.allclose([x, y, x + w, y + h], region.box)
            assert detection["confidence"] == region.score
            assert not set(detection["attributes"]) & {"label", "bounding_box", "confidence", "id", "tags"}


@given(ITEMS)
def test_label_studio_has_percent_under_the_names_of_its_interface(items: Sequence[Item]) -> None:
    controls = {
        e.get("name"): e.tag.lower() for e in ElementTree.fromstring(CONFIG) if e.get("toName") == "image"
    }
    tasks = json.loads(json.dumps(label_studio(items)))
    for task, (path, description) in zip(tasks, items, strict=True):
        place = urlsplit(task["data"]["image"])
        assert (place.path, unquote(place.query)) == (
            "/data/local-files/",
            f"d={path.absolute().as_posix()[1:]}",
        )
        caption, *results = task["predictions"][0]["result"]
        assert caption["value"] == {"text": [description.caption.text]}
        assert all(controls[r["from_name"]] == r["type"] for r in (caption, *results))
        pairs = zip(results[::2], results[1::2], wanted(description), strict=True)
        for rectangle, words, (text, region) in pairs:
            assert rectangle["id"] == words["id"]
            assert words["value"]["text"] == [text]
            assert (rectangle["original_width"], rectangle["original_height"]) == (
                description.width,
                description.height,
            )
            value = rectangle["value"]
            box = [value["x"], value["y"], value["x"] + value["width"], value["y"] + value["height"]]
            assert np.allclose(box, 100 * np.array(region.box))


@pytest.mark.parametrize("turn", [1, 3, 6, 8])
def test_boxes_are_on_the_upright_photograph(turn: int, tmp_path: Path) -> None:
    """One scene, stored in four ways: the boxes are the same, and inside the photograph."""
    upright = Image.open(Path(__file__).parents[1] / "examples" / "cat.jpg").convert("RGB")
    stored = upright.rotate({1: 0, 3: 180, 6: 90, 8: 270}[turn], expand=True)
    exif = Image.Exif()
    exif[0x0112] = turn
    stream = io.BytesIO()
    stored.save(stream, "PNG", exif=exif)
    (tmp_path / "cat.png").write_bytes(stream.getvalue())

    description = dvsa.load().open(tmp_path / "cat.png").describe()
    plain = dvsa.load().open(Path(__file__).parents[1] / "examples" / "cat.jpg").describe()
    assert (description.width, description.height) == upright.size
    for form in (coco, fiftyone, label_studio):
        item, other = (Path("cat.png"), description), (Path("cat.png"), plain)
        assert form([item]) == form([other])


def test_the_command_writes_every_format(tmp_path: Path) -> None:
    photo = str(Path(__file__).parents[1] / "examples" / "cat.jpg")
    for name, form in FORMATS.items():
        asked = ["describe", photo, "--sentence", "two cats", "--trusted", "--out", str(tmp_path)]
        done = CliRunner().invoke(app, [*asked, "--format", name, "--json"])
        assert done.exit_code == 0, done.output
        place = tmp_path / f"dvsa-{name}.json"
        assert json.loads(done.stdout)["boxes"] == str(place)
        description = dvsa.load().open(photo).describe("two cats")
        assert json.loads(place.read_text()) == json.loads(json.dumps(form([(Path(photo), description)])))

    done = CliRunner().invoke(app, ["describe", photo, "--format", "voc", "--out", str(tmp_path)])
    assert done.exit_code == 2
    assert (
        "--format voc is unknown: choose from csv, jsonl, html, md, coco, fiftyone, labelstudio"
        in done.stderr
    )
