"""Captions in files: references by people and hypotheses by a system. Errors name file and photograph."""

import json
from collections.abc import Sequence
from pathlib import Path


def read_references(path: Path) -> dict[str, list[str]]:
    """Sentences by photograph, in the order of the file.

    The file is a JSON object `{"photo": ["sentence", ...]}` or has the layout of COCO's captions: a list
    `annotations` of objects with `image_id` and `caption`, and optionally a list `images` of objects with
    `id`, which sets the order. Numeric ids become strings.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file has another layout, or a photograph is there twice or without sentences.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "references.json")
    ...     _ = path.write_text('{"dog.jpg": ["a dog runs", "the dog"]}')
    ...     read_references(path)
    {'dog.jpg': ['a dog runs', 'the dog']}
    """
    content = _json(path)
    if not isinstance(content, dict):
        raise ValueError(f"{path}: must be an object of photographs, each with a list of sentences")
    references = _coco(content, path) if _is_coco(content) else content
    for photo, sentences in references.items():
        if not (isinstance(sentences, list) and sentences and all(isinstance(s, str) for s in sentences)):
            raise ValueError(f"{path}: photograph {photo!r} needs a list of sentences")
    if not references:
        raise ValueError(f"{path} has no photographs")
    return references


def read_hypotheses(path: Path, photos: Sequence[str]) -> dict[str, str]:
    r"""One sentence for each of the photographs.

    A file named `*.json` has the layout of COCO's results, `[{"image_id": "photo", "caption": "sentence"}]`.
    Any other file has one sentence on each line, in the order of `photos`.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file has another layout, or a photograph is missing, there twice or not in `photos`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "captions.txt")
    ...     _ = path.write_text("a dog\na cat\n")
    ...     read_hypotheses(path, ["1.jpg", "2.jpg"])
    {'1.jpg': 'a dog', '2.jpg': 'a cat'}
    """
    if path.suffix == ".json":
        return _coco_results(path, photos)
    lines = _text(path).removesuffix("\n").split("\n")
    if len(lines) != len(photos):
        raise ValueError(
            f"{path} has {len(lines)} lines for {len(photos)} photographs: give one for each, or COCO "
            "results in a file named .json"
        )
    return dict(zip(photos, lines, strict=True))


def _coco_results(path: Path, photos: Sequence[str]) -> dict[str, str]:
    """The captions of a file of COCO's results, one for each of the photographs."""
    content = _json(path)
    if not isinstance(content, list):
        raise ValueError(f"{path}: must be a list of objects with image_id and caption")
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
    """Whether an object has COCO's layout, and is not a photograph named `annotations` with its sentences."""
    annotations = content.get("annotations")
    return isinstance(annotations, list) and all(isinstance(entry, dict) for entry in annotations)


def _coco(content: dict[str, object], path: Path) -> dict[str, list[str]]:
    """The sentences of COCO's layout by photograph."""
    images = content.get("images", [])
    if not isinstance(images, list):
        raise ValueError(f"{path}: images is not a list")
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
    """The photograph's id in one of COCO's objects."""
    value = entry.get(key) if isinstance(entry, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"{path}: an entry has no {key} that is a number or a string: {str(entry)[:60]}")
    return str(value)


def _json(path: Path) -> object:
    """The content of a JSON file; ValueError names the file."""

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        """An object without duplicate keys, of which JSON would silently keep the last."""
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
    """The content of a UTF-8 file; ValueError names the file."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text ({error}): save it as UTF-8") from error
