"""Captions in files: what people wrote, and what a system wrote. Errors name the file and the photograph."""

import json
from collections.abc import Sequence
from pathlib import Path


def read_references(path: Path) -> dict[str, list[str]]:
    """Sentences by photograph, in the order of the file.

    The file is a JSON object `{"photo": ["sentence", ...]}`, or has the layout of COCO's captions: lists
    `annotations`, of objects with `image_id` and `caption`, and `images`, of objects with `id`, whose order
    counts where it is there. Numbers that stand for photographs become strings.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is of neither form, or a photograph is there twice or without sentences.
    """
    content = _json(path)
    if not isinstance(content, dict):
        raise ValueError(f"{path}: want an object of photographs, each with a list of sentences")
    references = _coco(content, path) if _is_coco(content) else content
    for photo, sentences in references.items():
        if not (isinstance(sentences, list) and sentences and all(isinstance(s, str) for s in sentences)):
            raise ValueError(f"{path}: photograph {photo!r} needs a list of sentences")
    if not references:
        raise ValueError(f"{path} holds no photographs")
    return references


def read_hypotheses(path: Path, photos: Sequence[str]) -> dict[str, str]:
    """One sentence for each of the photographs.

    A file whose name ends in `.json` has the layout of COCO's results, `[{"image_id": "photo", "caption":
    "sentence"}]`; any other has a sentence on each line, in the order of `photos`.

    Raises:
        OSError: the file cannot be read.
        ValueError: it has another form, or a photograph is missing, there twice or none of `photos`.
    """
    if path.suffix != ".json":
        lines = _text(path).removesuffix("\n").split("\n")
        if len(lines) != len(photos):
            raise ValueError(
                f"{path} has {len(lines)} lines for {len(photos)} photographs: give one for each, or COCO "
                "results in a file named .json"
            )
        return dict(zip(photos, lines, strict=True))
    content = _json(path)
    if not isinstance(content, list):
        raise ValueError(f"{path}: want a list of objects with image_id and caption")
    hypotheses: dict[str, str] = {}
    for entry in content:
        photo, caption = _caption(entry, path)
        if photo in hypotheses:
            raise ValueError(f"{path}: photograph {photo!r} is there twice: give it one caption")
        hypotheses[photo] = caption
    missing = next((photo for photo in photos if photo not in hypotheses), None)
    if missing is not None:
        raise ValueError(f"{path}: photograph {missing!r} has no caption: give every photograph one")
    if len(hypotheses) > len(photos):
        known = set(photos)
        stray = next(photo for photo in hypotheses if photo not in known)
        raise ValueError(f"{path}: photograph {stray!r} has no references: leave it out")
    return hypotheses


def _is_coco(content: dict[str, object]) -> bool:
    """Whether an object is of COCO's layout: a photograph named `annotations` has a list of strings."""
    annotations = content.get("annotations")
    return isinstance(annotations, list) and all(isinstance(entry, dict) for entry in annotations)


def _coco(content: dict[str, object], path: Path) -> dict[str, list[str]]:
    images = content.get("images", [])
    if not isinstance(images, list):
        raise ValueError(f"{path}: images is no list")
    references: dict[str, list[str]] = {_id(image, "id", path): [] for image in images}
    annotations = content["annotations"]
    assert isinstance(annotations, list)
    for annotation in annotations:
        photo, caption = _caption(annotation, path)
        references.setdefault(photo, []).append(caption)
    return references


def _caption(entry: object, path: Path) -> tuple[str, str]:
    """The photograph and the sentence of one of COCO's objects."""
    caption = entry.get("caption") if isinstance(entry, dict) else None
    if not isinstance(caption, str):
        raise ValueError(f"{path}: an entry has no caption: {str(entry)[:60]}")
    return _id(entry, "image_id", path), caption


def _id(entry: object, key: str, path: Path) -> str:
    value = entry.get(key) if isinstance(entry, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"{path}: an entry has no {key} that is a number or a string: {str(entry)[:60]}")
    return str(value)


def _json(path: Path) -> object:
    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        """An object, but no key may stand twice: the later would take the place of the earlier."""
        record = dict(pairs)
        if len(record) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in record if keys.count(key) > 1)
            raise KeyError(twice)
        return record

    try:
        content: object = json.loads(_text(path), object_pairs_hook=once)
    except KeyError as error:
        raise ValueError(f"{path}: {error} is there twice: give it one entry") from error
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON ({error}): correct it") from error
    return content


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text ({error}): save it as UTF-8") from error
