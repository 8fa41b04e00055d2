"""Descriptions as boxes for other tools: MSCOCO's JSON, FiftyOne's, and tasks of Label Studio.

All boxes are on the upright photograph, after EXIF orientation, and all sizes are of that one. The score of a
box is the proposer's confidence, in [0, 1]. A phrase also has the log-probability of its caption; a segment
of a sentence that the user gave has its alignment score.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote

from dvsa.records import Description, Region
from dvsa.version import VERSION

Item = tuple[Path, Description]
"""A photograph's file, and what the model says about it."""

ToBoxes = Callable[[Sequence[Item]], object]
"""What gives the content of a JSON file."""

CONFIG: Final = """\
<View>
  <Image name="image" value="$image"/>
  <RectangleLabels name="kind" toName="image">
    <Label value="phrase"/>
    <Label value="segment"/>
  </RectangleLabels>
  <TextArea name="text" toName="image" perRegion="true" editable="true"/>
  <TextArea name="caption" toName="image"/>
</View>
"""
"""The labelling interface of Label Studio that shows the tasks."""


class Labelled(NamedTuple):
    """A box with its text."""

    kind: str
    """`phrase` or `segment`."""
    text: str
    region: Region
    facts: Mapping[str, float]
    """`logprob` of a phrase, `alignment` of a segment."""


def labelled(description: Description) -> Iterator[Labelled]:
    """The phrases, and the segments of a sentence other than the caption."""
    for phrase in description.phrases:
        yield Labelled("phrase", phrase.caption.text, phrase.region, {"logprob": phrase.caption.logprob})
    alignment = description.alignment
    if alignment is not None and alignment.sentence != description.caption.text:
        regions = {region.index: region for region in description.regions}
        for segment in alignment.segments:
            yield Labelled("segment", segment.text, regions[segment.region], {"alignment": segment.score})


def coco(items: Sequence[Item]) -> dict[str, object]:
    """A data set in MSCOCO's form; each different text is a category, and boxes are in pixels.

    >>> coco([])["annotations"]
    []
    """
    boxes = [(n, box) for n, (_, description) in enumerate(items, 1) for box in labelled(description)]
    categories = {text: n for n, text in enumerate(dict.fromkeys(box.text for _, box in boxes), 1)}
    annotations = []
    for n, (image, box) in enumerate(boxes, 1):
        x0, y0, x1, y1 = box.region.pixels
        annotations.append(
            {
                "id": n,
                "image_id": image,
                "category_id": categories[box.text],
                "bbox": [x0, y0, x1 - x0, y1 - y0],
                "area": (x1 - x0) * (y1 - y0),
                "iscrowd": 0,
                "score": box.region.score,
                "kind": box.kind,
                **box.facts,
            }
        )
    return {
        "info": {"description": f"dvsa {VERSION}"},
        "licenses": [],
        "images": [
            {
                "id": n,
                "file_name": path.as_posix(),
                "width": description.width,
                "height": description.height,
                "caption": description.caption.text,
            }
            for n, (path, description) in enumerate(items, 1)
        ],
        "annotations": annotations,
        "categories": [{"id": n, "name": text, "supercategory": ""} for text, n in categories.items()],
    }


def fiftyone(items: Sequence[Item]) -> dict[str, object]:
    """The labels of a `FiftyOneImageDetectionDataset`: boxes by the absolute path of their photograph.

    A box is x, y, width and height in fractions.

    >>> fiftyone([])
    {'classes': [], 'labels': {}}
    """
    labels = {str(path.absolute()): [*map(_detection, labelled(d))] for path, d in items}
    texts = {box.text for _, description in items for box in labelled(description)}
    return {"classes": sorted(texts), "labels": labels}


def _detection(box: Labelled) -> dict[str, object]:
    x0, y0, x1, y1 = box.region.box
    return {
        "label": box.text,
        "bounding_box": [x0, y0, x1 - x0, y1 - y0],
        "confidence": box.region.score,
        "attributes": {"kind": box.kind, **box.facts},
    }


def label_studio(items: Sequence[Item]) -> list[dict[str, object]]:
    """Tasks with predictions for Label Studio, whose labelling interface must be `CONFIG`.

    A photograph is named by its path below Label Studio's document root, which must be `/`. Boxes are in
    percent. The texts of boxes can be edited there.

    >>> label_studio([])
    []
    """
    return [
        {
            "data": {
                "image": f"/data/local-files/?d={quote(os.fsencode(path.absolute().as_posix()).lstrip(b'/'))}"
            },
            "predictions": [{"model_version": f"dvsa {VERSION}", "result": [*_results(description)]}],
        }
        for path, description in items
    ]


def _results(description: Description) -> Iterator[dict[str, object]]:
    """The caption, and for each box a rectangle and its text, which share an identifier."""
    yield {
        "id": "caption",
        "from_name": "caption",
        "to_name": "image",
        "type": "textarea",
        "value": {"text": [description.caption.text]},
    }
    for n, box in enumerate(labelled(description)):
        x0, y0, x1, y1 = (100 * edge for edge in box.region.box)
        place = {"x": x0, "y": y0, "width": x1 - x0, "height": y1 - y0, "rotation": 0}
        common = {
            "id": f"box{n}",
            "to_name": "image",
            "original_width": description.width,
            "original_height": description.height,
            "image_rotation": 0,
            "score": box.region.score,
            "meta": dict(box.facts),
        }
        rectangle = {**place, "rectanglelabels": [box.kind]}
        yield {**common, "from_name": "kind", "type": "rectanglelabels", "value": rectangle}
        yield {**common, "from_name": "text", "type": "textarea", "value": {**place, "text": [box.text]}}


FORMATS: Final[Mapping[str, ToBoxes]] = {
    "coco": coco,
    "fiftyone": fiftyone,
    "labelstudio": label_studio,
}
"""Forms of `dvsa describe --format`, by name."""
