"""The layouts of files of captions, and references by people in them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dvsa.data.layouts.columnar import SUFFIXES
from dvsa.data.layouts.columnar import open_table as open_columnar
from dvsa.data.layouts.columns import split_of
from dvsa.data.layouts.delimited import open_table as open_delimited
from dvsa.data.layouts.json_tables import open_lines, open_list
from dvsa.data.layouts.tables import Table
from dvsa.data.text_files import read_json

_TABLES = {".csv", ".tsv", ".jsonl", ".ndjson", *SUFFIXES}
"""Files that are tables, or nothing: others may also have one sentence on each line."""


@dataclass(frozen=True, slots=True)
class References:
    """The sentences of people, in the order of a file."""

    sentences: dict[str, list[str]]
    """By photograph."""
    splits: dict[str, str] = field(default_factory=dict)
    """The split of each photograph; empty if the file has no splits."""
    numbers: dict[str, str] = field(default_factory=dict)
    """Photographs by their numbers, such as COCO's, if the file has names as well."""

    def of_split(self, split: str) -> "References":
        """Only the photographs of a split; raises ValueError if there are none.

        >>> found = References({"1.jpg": ["a dog"], "2.jpg": ["a cat"]}, {"1.jpg": "train", "2.jpg": "test"})
        >>> found.of_split("test").sentences
        {'2.jpg': ['a cat']}
        """
        wanted = split_of(split) or split
        kept = {photo: own for photo, own in self.sentences.items() if self.splits.get(photo) == wanted}
        if not kept:
            known = ", ".join(sorted(set(self.splits.values()))) or "none"
            raise ValueError(f"the references have no split {split!r}; they have {known}")
        return References(kept, self.splits, self.numbers)


def read(path: Path) -> References:
    """The references of a file, in the layouts that `read_references` names; raises as it does.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "references.jsonl")
    ...     _ = path.write_text('{"image_id": 42, "caption": "a dog", "split": "dev"}')
    ...     read(path)
    References(sentences={'42': ['a dog']}, splits={'42': 'val'}, numbers={})
    """
    table = open_table(path)
    if table is not None:
        found = References({})
        for row in table.rows():
            found.sentences.setdefault(row.photo, []).extend(row.sentences)
            if row.split and found.splits.setdefault(row.photo, row.split) != row.split:
                raise ValueError(f"{row.where}: photograph {row.photo!r} is in two splits: keep one")
    else:
        found = _references_of_json(read_json(path), path)

    for photo, sentences in found.sentences.items():
        if not (isinstance(sentences, list) and sentences and all(isinstance(s, str) for s in sentences)):
            raise ValueError(f"{path}: photograph {photo!r} needs a list of sentences")
    if not found.sentences:
        raise ValueError(f"{path} has no photographs")
    return found


def _references_of_json(content: object, path: Path) -> References:
    if not isinstance(content, dict):
        raise ValueError(f"{path}: must be an object of photographs, each with a list of sentences")
    images = content.get("images")
    if are_objects(content.get("annotations")):
        return References(_coco(content, path))
    if are_objects(images) and images and "sentences" in images[0]:
        return _karpathy(images, path)
    return References(dict(content))


def _karpathy(images: Iterable[Mapping[str, object]], path: Path) -> References:
    """The sentences of Karpathy's JSON, by file name."""
    found = References({})
    for image in images:
        photo, own = _id(image, "filename", path), image.get("sentences")
        sentences = [s.get("raw") for s in own if isinstance(s, dict)] if isinstance(own, list) else []
        if photo in found.sentences or not all(isinstance(sentence, str) for sentence in sentences):
            raise ValueError(f"{path}: photograph {photo!r} is there twice, or a sentence has no text (raw)")
        found.sentences[photo] = [sentence for sentence in sentences if isinstance(sentence, str)]
        split = image.get("split")
        if isinstance(split, str) and split:
            found.splits[photo] = split_of(split) or split
        number = image.get("cocoid", image.get("imgid"))
        if isinstance(number, int | str):
            found.numbers[str(number)] = photo
    return found


def _coco(content: Mapping[str, object], path: Path) -> dict[str, list[str]]:
    """The sentences of COCO's layout by photograph."""
    images, annotations = content.get("images", []), content["annotations"]
    if not isinstance(images, list):
        raise ValueError(f"{path}: images is not a list")
    references: dict[str, list[str]] = {_id(image, "id", path): [] for image in images}
    for annotation in annotations if isinstance(annotations, list) else []:
        photo, caption = caption_of(annotation, path)
        references.setdefault(photo, []).append(caption)
    return references


def open_table(path: Path) -> Table | None:
    r"""The file as a table with photographs and sentences; None if it is another file.

    Raises:
        ValueError: its name says that it is a table, but it has no such columns.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "captions.csv")
    ...     _ = path.write_text("image_id,caption\n42,a dog\n")
    ...     str(open_table(path).columns)
    'image_id, caption'
    """
    suffix = path.suffix.lower()
    found = None
    if suffix in SUFFIXES:
        found = open_columnar(path, path.name)
    elif is_json(path):
        found = open_list(path, path.name, wrapped=False) or open_lines(path, path.name)
    elif suffix != ".json":
        found = open_delimited(path, path.name)
    if found is None and suffix in _TABLES:
        raise ValueError(
            f"{path}: its beginning must name a photograph and a sentence, in columns or keys such as "
            "image_id and caption"
        )
    return found


def is_json(path: Path) -> bool:
    """Whether a file begins like a list or an object of JSON.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "captions.txt")
    ...     _ = path.write_text('[{"image_id": 42}]')
    ...     is_json(path)
    True
    """
    with path.open("rb") as file:
        head = file.read(4096).decode("utf-8-sig", errors="replace")
    return re.match(r'\s*(\[\s*[\[{"]|\{\s*")', head) is not None


def are_objects(value: object) -> bool:
    """Whether a value is a list of objects, and not the sentences of a photograph of this name.

    >>> are_objects([{"id": 42}]), are_objects(["a dog"])
    (True, False)
    """
    return isinstance(value, list) and all(isinstance(entry, dict) for entry in value)


def caption_of(entry: object, path: Path) -> tuple[str, str]:
    """The photograph and the sentence of one of COCO's objects; raises ValueError if one is missing.

    >>> caption_of({"image_id": 42, "caption": "a dog"}, Path("results.json"))
    ('42', 'a dog')
    """
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
