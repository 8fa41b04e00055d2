"""Flickr30k Entities: phrases of sentences with boxes (Plummer et al., ICCV 2015).

`Sentences/<id>.txt` marks the phrases of a photograph's sentences, as in
`[/EN#98/animals A black dog] runs in [/EN#101/scene the street] .`; `Annotations/<id>.xml` gives the boxes of
each number. The sentences have another order than in the data set's own list, and some are spelt differently
(`gray` for `grey`), so they are matched by their letters.
"""

import lzma
import re
import tarfile
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path, PurePosixPath
from typing import Self
from xml.etree import ElementTree

from dvsa.data.dataset import DataError, GroundedPhrase
from dvsa.data.names import without_suffix
from dvsa.records import Box
from dvsa.text import words

MAX_FILE_SIZE = 1 << 20
"""The largest annotation file that is read, in bytes; the real ones have less than 20 thousand."""

MIN_SIMILARITY = 0.8
"""Two sentences of a photograph count as the same from this ratio of shared letters."""

_MARK = re.compile(r"\[/EN#(?P<chain>\d+)(?P<kinds>(?:/[^\s/\]]+)+)\s+(?P<text>[^\]]*)\]")


@dataclass(frozen=True, slots=True)
class Mention:
    """A marked phrase: a range of its sentence's letters."""

    start: int
    stop: int
    chain: str
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Marked:
    """A marked sentence."""

    text: str
    """Without the marks."""
    letters: str
    """Its `words`, joined by nothing."""
    mentions: tuple[Mention, ...]

    @classmethod
    def parse(cls, line: str) -> Self:
        """Split a line of `Sentences/<id>.txt` into its text and its mentions.

        >>> marked = Marked.parse("[/EN#98/animals A black dog] runs")
        >>> marked.text, marked.mentions
        ('A black dog runs', (Mention(start=0, stop=9, chain='98', kinds=('animals',)),))
        """
        text, letters, mentions, end = "", "", [], 0
        for mark in _MARK.finditer(line):
            before = line[end : mark.start()]
            text += before + mark["text"]
            letters += "".join(words(before))

            start = len(letters)
            letters += "".join(words(mark["text"]))
            mentions.append(Mention(start, len(letters), mark["chain"], tuple(mark["kinds"][1:].split("/"))))
            end = mark.end()

        rest = line[end:]
        return cls((text + rest).strip(), letters + "".join(words(rest)), tuple(mentions))


@dataclass(frozen=True, slots=True)
class Annotation:
    """All that Entities says about one photograph."""

    sentences: tuple[Marked, ...]
    boxes: dict[str, tuple[Box, ...]]
    """By chain; chains without boxes are left out."""

    def ground(self, sentences: Sequence[str]) -> tuple[tuple[GroundedPhrase, ...], tuple[str, ...]]:
        """Find the words of the marked phrases in an example's sentences.

        Returns:
            The phrases in the order of sentences and words, and the marked sentences that match no sentence.
        """
        words_of = [words(sentence) for sentence in sentences]
        partners = _partners([s.letters for s in self.sentences], ["".join(w) for w in words_of])
        phrases = [
            phrase
            for marked, partner in zip(self.sentences, partners, strict=True)
            if partner is not None
            for phrase in _phrases(marked, partner, words_of[partner], self.boxes)
        ]
        unmatched = [s.text for s, partner in zip(self.sentences, partners, strict=True) if partner is None]
        return tuple(sorted(phrases, key=lambda p: (p.sentence, p.first, p.last))), tuple(unmatched)


class Entities:
    """The annotation files, in a folder or in a tar archive (compressed or not)."""

    def __init__(self, source: Path) -> None:
        """Open a folder with `Annotations/` and `Sentences/`, or read a tar archive of the two.

        Raises:
            DataError: it is neither.
        """
        self._source = source
        self._archived = _read_archive(source) if source.is_file() else None
        for folder in (source / "Annotations", source / "Sentences"):
            if self._archived is None and not folder.is_dir():
                raise DataError(
                    f"{folder} is missing: unpack annotations.zip of Flickr30k Entities to {source}"
                )

    def annotation(self, photo: str) -> Annotation | None:
        """The annotation of a photograph by its file name; None if it has none.

        The annotation is found by the path, by its end with fewer folders, down to the name, each without or
        with its suffix (Flickr30K), or by the part of the name before `_` (Flickr8K).

        Raises:
            DataError: an annotation file is malformed.
        """
        for key in _keys(photo):
            xml, text = self._read(f"Annotations/{key}.xml"), self._read(f"Sentences/{key}.txt")
            if xml is not None and text is not None:
                where = f"{self._source}: Annotations/{key}.xml"
                lines = text.decode("utf-8", errors="replace").split("\n")
                return Annotation(tuple(Marked.parse(s) for s in lines if s.strip()), _boxes(xml, where))
        return None

    def _read(self, name: str) -> bytes | None:
        """The content of an annotation file; None if it is missing."""
        if self._archived is not None:
            return self._archived.get(name)
        path = self._source / name
        if not path.is_file():
            return None
        if path.stat().st_size > MAX_FILE_SIZE:
            raise DataError(f"{path} is larger than {MAX_FILE_SIZE} bytes: it is not an annotation file")
        return path.read_bytes()


def _keys(photo: str) -> list[str]:
    """What the annotation of a photograph may be called, the most specific name first."""
    parts = PurePosixPath(photo).parts
    ends = ["/".join(parts[n:]) for n in range(len(parts))] or [photo]
    keys = [key for end in ends for key in (without_suffix(end), end)]
    return list(dict.fromkeys([*keys, PurePosixPath(photo).stem, PurePosixPath(photo).stem.split("_")[0]]))


def _read_archive(path: Path) -> dict[str, bytes]:
    """The files of a tar archive, by folder and name."""
    files = {}
    try:
        # Read as a stream: seeking back in a compressed archive would decompress it again for each member.
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.size <= MAX_FILE_SIZE else None
                if content is not None:
                    files["/".join(PurePosixPath(member.name).parts[-2:])] = content.read()
    except (tarfile.TarError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise DataError(f"{path} is not a tar archive of Annotations and Sentences ({error})") from error

    if not any(name.startswith("Annotations/") for name in files):
        raise DataError(f"{path} has no Annotations/<id>.xml: it is not an archive of Flickr30k Entities")
    return files


def _boxes(xml: bytes, where: str) -> dict[str, tuple[Box, ...]]:
    """Read the boxes of an annotation file, scaled by the photograph's size in it.

    Its pixels count from 1 and both ends are inclusive: over the photographs of Flickr8K the smallest
    coordinate is 1, the largest is the width or height itself. So a box spans `xmin - 1` to `xmax`.
    """
    if b"<!DOCTYPE" in xml or b"<!ENTITY" in xml:
        raise DataError(f"{where} declares a document type, which annotation files never do: fetch it again")

    boxes = defaultdict(list)
    try:
        root = ElementTree.fromstring(xml)
        width, height = _number(root, "size/width"), _number(root, "size/height")
        for thing in root.iter("object"):
            for frame in thing.iter("bndbox"):
                x0, x1 = ((_number(frame, tag) - less) / width for tag, less in (("xmin", 1), ("xmax", 0)))
                y0, y1 = ((_number(frame, tag) - less) / height for tag, less in (("ymin", 1), ("ymax", 0)))
                box = max(x0, 0.0), max(y0, 0.0), min(x1, 1.0), min(y1, 1.0)
                if box[0] < box[2] and box[1] < box[3]:
                    for name in thing.iter("name"):
                        boxes[name.text or ""].append(box)
    except (ElementTree.ParseError, ValueError, ZeroDivisionError) as error:
        raise DataError(f"{where} is malformed ({error}): fetch it again") from error

    return {chain: tuple(found) for chain, found in boxes.items()}


def _number(element: ElementTree.Element, tag: str) -> float:
    """The number in a child element; raises ValueError if there is none."""
    text = element.findtext(tag)
    if text is None:
        raise ValueError(f"no {tag}")
    return float(text)


def _partners(marked: Sequence[str], plain: Sequence[str]) -> list[int | None]:
    """For the letters of each marked sentence, the index of the matching plain one; each is used once."""
    partners: list[int | None] = [None] * len(marked)
    free = set(range(len(plain)))

    # First sentences with the same letters, then the most similar pairs of the others.
    for m, letters in enumerate(marked):
        same = [p for p in sorted(free) if plain[p] == letters]
        if same:
            partners[m] = same[0]
            free.remove(same[0])
    similar = [
        (_similarity(marked[m], plain[p]), m, p)
        for m, partner in enumerate(partners)
        if partner is None
        for p in free
    ]
    for ratio, m, p in sorted(similar, reverse=True):
        if ratio >= MIN_SIMILARITY and partners[m] is None and p in free:
            partners[m] = p
            free.remove(p)
    return partners


def _similarity(a: str, b: str) -> float:
    """The share of letters that two strings have in common, in order."""
    return SequenceMatcher(None, a, b, autojunk=False).ratio()


def _matching_letters(a: str, b: str) -> dict[int, int]:
    """For each letter of `a` that is kept in `b`, its index in `a` and in `b`."""
    if a == b:
        return {k: k for k in range(len(a))}
    blocks = SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
    return {block.a + k: block.b + k for block in blocks for k in range(block.size)}


def _phrases(
    marked: Marked, sentence: int, sentence_words: Sequence[str], boxes: dict[str, tuple[Box, ...]]
) -> list[GroundedPhrase]:
    """Find the words of each mention in the matched sentence, letter by letter.

    A phrase is left out if most of its letters are not in the sentence.
    """
    letters = "".join(sentence_words)
    word_of = [t for t, word in enumerate(sentence_words) for _ in word]
    to_plain = _matching_letters(marked.letters, letters)

    phrases = []
    for mention in marked.mentions:
        found_letters = [to_plain[k] for k in range(mention.start, mention.stop) if k in to_plain]
        if not found_letters or 2 * len(found_letters) < mention.stop - mention.start:
            continue
        first, last = word_of[found_letters[0]], word_of[found_letters[-1]]
        text = " ".join(sentence_words[first : last + 1])
        own_boxes = boxes.get(mention.chain, ())
        phrases.append(GroundedPhrase(sentence, first, last, text, mention.chain, mention.kinds, own_boxes))
    return phrases
