"""A description as one picture: boxes with phrases, the caption and the aligned sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np
from PIL import Image, ImageColor, ImageDraw

from dvsa.lettering import draw, font, length
from dvsa.notebook import PALETTE
from dvsa.photo import Photo
from dvsa.records import FRAME, UNFAMILIAR, Alignment, Box, Description

OVERLAY_SIDE: Final = 960
"""Length of the longer side of the photograph in the picture, in pixels."""

MIN_WIDTH, MIN_HEIGHT = 640, 320
"""Smallest size of the stage, the area around the photograph, so that labels fit on narrow photographs."""

_MARGIN, _PAD = 24, 7
_INK, _QUIET, _PAPER, _STAGE, _FRAME_GREY = "#111827", "#5B6472", "#FFFFFF", "#1F2937", "#D1D5DB"


def named_regions(description: Description) -> dict[int, str]:
    """The regions that have a phrase or a segment, by index, with that phrase or segment; without the frame.

    Regions with phrases come first, then regions with a segment of the sentence only. The k-th of them has
    the colour `PALETTE[k % 7]`, here and in the report.
    """
    names = {phrase.region.index: phrase.caption.text for phrase in description.phrases}
    for segment in description.alignment.segments if description.alignment else ():
        names.setdefault(segment.region, segment.text)
    frames = {region.index for region in description.regions if region.box == FRAME}
    return {index: name for index, name in names.items() if index not in frames}


def overlay(photo: Photo, description: Description) -> Image.Image:
    """Draw the photograph with boxes and phrases above a panel with the caption and the alignment; RGB.

    The photograph keeps its aspect ratio. Its longer side has `OVERLAY_SIDE` pixels, and it is centred on a
    stage of at least `MIN_WIDTH` by `MIN_HEIGHT`. Each word has the colour and number of the region of its
    segment, and its score `v_region . s_word` below.
    """
    names = named_regions(description)
    colours = {index: PALETTE[k % len(PALETTE)] for k, index in enumerate(names)}
    boxes = {region.index: region.box for region in description.regions}
    stage = marked(photo, [(str(i), name, colours[i], boxes[i]) for i, name in names.items()])

    # The panel: caption, alignment and source.
    width = stage.width - 2 * _MARGIN
    caption, alignment = description.caption, description.alignment
    blocks = [
        _paragraph(caption.text, 30, _INK, width),
        _paragraph(f"log-probability {caption.logprob:z.2f}", 17, _QUIET, width),
    ]
    if not description.familiar:
        blocks.insert(1, _paragraph(UNFAMILIAR, 20, _INK, width))
    if alignment is not None:
        name = "The caption" if alignment.sentence == caption.text else "The sentence"
        title = f"{name} on the regions: score {alignment.score:z.2f}, beta {alignment.beta:g}"
        blocks += [_paragraph(title, 17, _QUIET, width), _sentence(alignment, colours, width)]
    source = f"{description.photo} · {photo.width} x {photo.height} · regions: {description.proposer}"
    blocks.append(_paragraph(source, 15, _QUIET, width))
    return _stack(stage, blocks)


def _stack(stage: Image.Image, blocks: Sequence[Image.Image]) -> Image.Image:
    """The stage above the blocks, on one sheet."""
    gap = 14
    height = stage.height + 2 * _MARGIN + sum(block.height for block in blocks) + gap * (len(blocks) - 1)
    sheet = Image.new("RGB", (stage.width, height), _PAPER)
    sheet.paste(stage, (0, 0))
    y = stage.height + _MARGIN
    for block in blocks:
        sheet.paste(block, (_MARGIN, y))
        y += block.height + gap
    return sheet


def marked(photo: Photo, marks: Sequence[tuple[str, str, str, Box]]) -> Image.Image:
    """The photograph with marks, each a number, a phrase, a colour (`#RRGGBB`) and a box; RGB."""
    # The photograph in the middle of the stage.
    scale = OVERLAY_SIDE / max(photo.width, photo.height)
    width, height = max(1, round(photo.width * scale)), max(1, round(photo.height * scale))
    stage = Image.new("RGB", (max(width, MIN_WIDTH), max(height, MIN_HEIGHT)), _STAGE)
    left, top = (stage.width - width) // 2, (stage.height - height) // 2
    stage.paste(photo.image.resize((width, height), Image.Resampling.LANCZOS), (left, top))

    # The boxes, small ones over large ones.
    pen = ImageDraw.Draw(stage)
    corners = []
    for _, _, _, (x0, y0, x1, y1) in marks:
        x, y = left + round(x0 * width), top + round(y0 * height)
        corners.append(
            (x, y, max(x + 1, left + round(x1 * width) - 1), max(y + 1, top + round(y1 * height) - 1))
        )
    for k in sorted(range(len(marks)), key=lambda k: -_area(marks[k][3])):
        x0, y0, x1, y1 = corners[k]
        pen.rectangle((x0 - 1, y0 - 1, x1 + 1, y1 + 1), outline=_INK, width=6)
        pen.rectangle((x0, y0, x1, y1), outline=marks[k][2], width=4)

    # The labels, near the top left corners of their boxes.
    taken: list[tuple[int, int, int, int]] = []
    for (tag, name, colour, _), (x, y, _, _) in zip(marks, corners, strict=True):
        label = _label(tag, name, colour)
        spot = _free_spot(stage.size, label.size, (x - 1, y - label.height + 3), taken)
        stage.paste(label, spot)
        taken.append((*spot, spot[0] + label.width, spot[1] + label.height))
    return stage


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _free_spot(
    stage: tuple[int, int],
    size: tuple[int, int],
    wanted: tuple[int, int],
    taken: Sequence[tuple[int, int, int, int]],
) -> tuple[int, int]:
    """The place for a label of this size near the wanted one where it hides little of the labels `taken`."""
    # All places on a grid of 5 pixels.
    width, height = size
    steps = 5 * np.arange(-max(stage) // 5, max(stage) // 5 + 1)
    x_N = np.unique(np.clip(wanted[0] + steps, 0, stage[0] - width))
    y_M = np.unique(np.clip(wanted[1] + steps, 0, stage[1] - height))
    x_MN, y_MN = np.meshgrid(x_N, y_M)

    # The cost of a place: its distance, and the hidden pixels of other labels.
    cost_MN = np.hypot(x_MN - wanted[0], y_MN - wanted[1])
    for x0, y0, x1, y1 in taken:
        across_MN = np.clip(np.minimum(x_MN + width, x1) - np.maximum(x_MN, x0), 0, None)
        down_MN = np.clip(np.minimum(y_MN + height, y1) - np.maximum(y_MN, y0), 0, None)
        cost_MN += across_MN * down_MN  # one hidden pixel costs as much as one pixel of distance
    best = int(cost_MN.argmin())
    return int(x_MN.flat[best]), int(y_MN.flat[best])


def _plain(text: str) -> str:
    """The text on one line."""
    return " ".join(text.split())


def _shortened(text: str, size: int, width: float) -> str:
    """The text, shortened with an ellipsis to fit the width."""
    text = text[:400]
    if length(text, size) <= width:
        return text
    while text and length(f"{text}…", size) > width:
        text = text[:-1]
    return f"{text.rstrip()}…"


def _wrap(text: str, size: int, width: float, most: int) -> list[str]:
    """The text in at most `most` lines; an ellipsis replaces what does not fit."""
    lines = [""]
    for word in _plain(text).split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and length(longer, size) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    if len(lines) > most:
        lines = [*lines[: most - 1], " ".join(lines[most - 1 :])]
    return [_shortened(line, size, width) for line in lines]


def _paragraph(text: str, size: int, colour: str, width: int) -> Image.Image:
    lines, step = _wrap(text, size, width, most=8), round(size * 1.3)
    block = Image.new("RGB", (width, step * len(lines)), _PAPER)
    for k, line in enumerate(lines):
        draw(ImageDraw.Draw(block), (0, k * step), line, colour, size)
    return block


def _label(tag: str, text: str, colour: str) -> Image.Image:
    """The tag on a dark background, then the text on its colour, in one or two lines."""
    size, step = 20, 25
    lines = _wrap(text, size, 300, most=2)
    inset = round(length(tag, size)) + 2 * _PAD
    width = inset + round(max(length(line, size) for line in lines)) + 2 * _PAD

    label = Image.new("RGB", (width, step * len(lines) + 6), colour)
    pen = ImageDraw.Draw(label)
    pen.rectangle((0, 0, inset - 1, label.height), fill=_INK)
    draw(pen, (_PAD, 2), tag, _PAPER, size)
    for k, line in enumerate(lines):
        draw(pen, (inset + _PAD, 2 + k * step), line, _ink_on(colour), size)
    pen.rectangle((0, 0, label.width - 1, label.height - 1), outline=_INK)
    return label


def _ink_on(colour: str) -> str:
    """Dark or light ink, whichever is easier to read on the colour (relative luminance of WCAG 2)."""
    channels_3 = np.array(ImageColor.getrgb(colour)[:3]) / 255
    linear_3 = np.where(channels_3 <= 0.04045, channels_3 / 12.92, ((channels_3 + 0.055) / 1.055) ** 2.4)
    return _INK if linear_3 @ [0.2126, 0.7152, 0.0722] > 0.18 else _PAPER


@dataclass(frozen=True, slots=True)
class _Cell:
    """A word in the picture."""

    run: int
    """Index of its segment, or -1; neighbouring words of one run share a pill."""
    colour: str
    tag: str
    """The region of the segment, on its first word; otherwise empty."""
    word: str
    score: str
    width: int
    supported: bool


def _cells(alignment: Alignment, colours: dict[int, str], width: int) -> list[_Cell]:
    """The words of a sentence with the colours of their segments."""
    segment_of = {
        t: s for s, segment in enumerate(alignment.segments) for t in range(segment.first, segment.last + 1)
    }
    cells = []
    for t, word in enumerate(alignment.words):
        run, tag, colour, score = segment_of.get(t, -1), "", _PAPER, ""
        if run >= 0:
            segment = alignment.segments[run]
            colour = colours.get(segment.region, _FRAME_GREY)
            score = alignment.evidence(t, segment.region)
            if t == segment.first:
                tag = str(segment.region) if segment.region in colours else "frame"

        text = _shortened(_plain(word.text), 24, width - 80)
        inset = length(tag, 17) + 2 * _PAD if tag else 0
        needed = inset + max(length(text, 24), length(score, 15)) + 2 * _PAD
        cells.append(_Cell(run, colour, tag, text, score, round(needed), word.supported))
    return cells


def _sentence(alignment: Alignment, colours: dict[int, str], width: int) -> Image.Image:
    """The words in pills with the colours of their segments, each with its score below."""
    # Break the words into lines. A run that does not fit into the current line starts a new one.
    lines: list[list[_Cell]] = [[]]
    for _, run in groupby(_cells(alignment, colours, width), key=lambda cell: cell.run):
        cells = list(run)
        if _length([*lines[-1], *cells]) > width:
            lines.append([])
        for cell in cells:
            if _length([*lines[-1], cell]) > width:
                lines.append([])
            lines[-1].append(cell)
    lines = [line for line in lines if line]

    step, depth = 66, 56
    block = Image.new("RGB", (width, step * len(lines)), _PAPER)
    for k, line in enumerate(lines):
        x = 0
        for _, run in groupby(line, key=lambda cell: cell.run):
            x = _pill(ImageDraw.Draw(block), list(run), x, k * step, depth) + 4
    return block


def _length(line: Sequence[_Cell]) -> int:
    return sum(cell.width + 4 for cell in line)


def _pill(pen: ImageDraw.ImageDraw, cells: Sequence[_Cell], x: int, y: int, depth: int) -> int:
    """Draw neighbouring words on one pill; returns its right end."""
    colour, end = cells[0].colour, x + sum(cell.width for cell in cells)
    pen.rounded_rectangle((x, y, end - 1, y + depth - 1), radius=9, fill=colour)

    for cell in cells:
        inset = 0
        if cell.tag:
            inset = round(length(cell.tag, 17)) + 2 * _PAD
            pen.rounded_rectangle((x + 4, y + 6, x + inset - 1, y + 27), radius=5, fill=_INK)
            pen.text((x + 1 + inset / 2, y + 17), cell.tag, fill=_PAPER, font=font(17), anchor="mm")

        draw(pen, (x + inset + _PAD, y + 2), cell.word, _ink_on(colour), 24)
        if not cell.supported:  # a dotted line, as a spell checker draws it
            for dot in range(0, round(length(cell.word, 24)) - 2, 6):
                left = x + inset + _PAD + dot
                pen.rectangle((left, y + 30, left + 2, y + 31), fill=_ink_on(colour))
        draw(pen, (x + inset + _PAD, y + 32), cell.score, _ink_on(colour), 15)
        x += cell.width
    return end
