import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageColor

from dvsa.draw import (
    MIN_HEIGHT,
    MIN_WIDTH,
    OVERLAY_SIDE,
    _free_spot,
    _ink_on,
    named_regions,
    overlay,
)
from dvsa.notebook import PALETTE
from dvsa.photo import Photo, read
from dvsa.records import FRAME, Alignment, Box, Caption, Description, Phrase, Region, Segment, Word

PERSON: Box = (0.25, 0.25, 0.75, 0.75)


def photograph(width: int = 400, height: int = 300) -> Photo:
    stream = io.BytesIO()
    Image.new("RGB", (width, height), "white").save(stream, "PNG")
    return read(stream.getvalue(), "white.png")


def caption(text: str) -> Caption:
    words = tuple(text.split())
    return Caption(text, -1.5 * len(words), words, (-1.5,) * len(words))


def align(sentence: str, spans: list[tuple[int, int, int]], regions: int) -> Alignment:
    """`spans` are (first, last, region); word t scores t + i / 10 on region i, and `zorb` is unknown."""
    texts = sentence.split()
    scores = tuple(tuple(t + i / 10 for i in range(regions)) for t in range(len(texts)))
    words = tuple(
        Word(text, text != "zorb", regions - 1, row[-1], text != "zorb")
        for text, row in zip(texts, scores, strict=True)
    )
    segments = tuple(
        Segment(
            first,
            last,
            " ".join(texts[first : last + 1]),
            region,
            sum(r[region] for r in scores[first : last + 1]),
        )
        for first, last, region in spans
    )
    return Alignment(sentence, 1.0, sum(word.score for word in words), words, segments, scores)


def describe(
    photo: Photo,
    boxes: list[Box],
    phrases: dict[int, str],
    text: str = "a man",
    alignment: Alignment | None = None,
) -> Description:
    regions = tuple(
        Region(i, box, (0, 0, photo.width, photo.height), 0.5) for i, box in enumerate([*boxes, FRAME])
    )
    captions = tuple(Phrase(regions[i], caption(phrase)) for i, phrase in phrases.items())
    return Description(
        photo.name, photo.width, photo.height, "given", caption(text), regions, captions, alignment
    )


def pixels(image: Image.Image) -> NDArray[np.int16]:
    return np.asarray(image).astype(np.int16)


def is_colour(picture_HWC: NDArray[np.int16], colour: str) -> NDArray[np.bool_]:
    return np.asarray((picture_HWC == ImageColor.getrgb(colour)).all(-1))


@pytest.mark.parametrize(
    ("size", "stage"),
    [
        ((400, 300), (960, 720)),
        ((300, 400), (720, 960)),
        ((4000, 3000), (960, 720)),
        ((1, 1), (960, 960)),
        ((2000, 4), (960, MIN_HEIGHT)),
        ((4, 2000), (MIN_WIDTH, 960)),
    ],
)
def test_the_photograph_keeps_its_aspect_ratio_on_the_stage(
    size: tuple[int, int], stage: tuple[int, int]
) -> None:
    photo = photograph(*size)
    image = overlay(photo, describe(photo, [], {}))
    assert (image.mode, image.width) == ("RGB", stage[0])
    assert image.height > stage[1] + 60
    drawn_HW = is_colour(pixels(image)[: stage[1]], "white")
    scale = OVERLAY_SIDE / max(size)
    assert drawn_HW.any(0).sum() == max(1, round(size[0] * scale))
    assert drawn_HW.any(1).sum() == max(1, round(size[1] * scale))


def test_boxes_are_drawn_on_their_edges_and_nowhere_else() -> None:
    photo = photograph()
    plain_HWC = pixels(overlay(photo, describe(photo, [PERSON], {})))
    drawn_HWC = pixels(overlay(photo, describe(photo, [PERSON], {0: "a man"})))
    changed_HW = (plain_HWC != drawn_HWC).any(-1)
    left, top, right, bottom = 240, 180, 720, 540
    for edge in (
        drawn_HWC[top : top + 2, left + 200 : right],  # the label sits over the left end
        drawn_HWC[bottom - 3 : bottom - 1, left:right],
        drawn_HWC[top + 4 : bottom, left : left + 2],
        drawn_HWC[top + 4 : bottom, right - 3 : right - 1],
    ):
        assert is_colour(edge, PALETTE[0]).mean() > 0.97
    assert not changed_HW[top + 6 : bottom - 6, left + 6 : right - 6].any(), "the region itself stays visible"
    assert not changed_HW[bottom + 2 :, :].any()
    assert changed_HW[top - 20 : top - 5, left + 2 : left + 60].mean() > 0.8, "its label stands on it"


def test_small_boxes_are_drawn_over_large_ones() -> None:
    photo = photograph()
    small: Box = (0.25, 0.5, 0.5, 0.6)
    for boxes in ([PERSON, small], [small, PERSON]):
        drawn_HWC = pixels(overlay(photo, describe(photo, boxes, {0: "one", 1: "two"})))
        shared_HWC = drawn_HWC[390:420, 240:242]  # on the left edges of both
        assert is_colour(shared_HWC, PALETTE[boxes.index(small)]).all()


def test_words_have_the_colour_of_the_region_of_their_segment() -> None:
    photo = photograph()
    alignment = align("a man on a zorb", [(0, 1, 0), (2, 2, 2), (3, 4, 1)], regions=3)
    description = describe(photo, [PERSON, (0, 0, 0.2, 0.2)], {1: "a ball"}, alignment=alignment)
    assert named_regions(description) == {1: "a ball", 0: "a man"}
    panel_HWC = pixels(overlay(photo, description))[720:]
    counts = [int(is_colour(panel_HWC, colour).sum()) for colour in PALETTE]
    assert min(counts[:2]) > 2000
    assert counts[2:] == [0] * 5
    without = pixels(overlay(photo, replace(description, alignment=None)))[720:]
    assert not any(is_colour(without, colour).any() for colour in PALETTE)


def test_the_frame_has_no_label() -> None:
    photo = photograph()
    description = describe(photo, [], {0: "a room"}, alignment=align("a room", [(0, 1, 0)], regions=1))
    assert named_regions(description) == {}
    plain = overlay(photo, replace(description, phrases=(), alignment=None))
    assert (pixels(overlay(photo, description))[:720] == pixels(plain)[:720]).all()


LONG = " ".join(["a dog chases an antidisestablishmentarian"] * 40) + " " + "x" * 5000


@pytest.mark.parametrize(
    "text", ["", " ", "a", LONG, "犬 собака café 🐕 ‮abc", "line\nbreak\ttab", "zorb zorb"]
)
def test_any_text_is_drawn(text: str) -> None:
    photo = photograph()
    words = len(text.split())
    alignment = align(text, [(0, words - 1, 0)] if words else [], regions=2)
    image = overlay(photo, describe(photo, [PERSON], {0: text}, text, alignment))
    assert image.width == 960
    assert image == overlay(photo, describe(photo, [PERSON], {0: text}, text, alignment))


def test_twenty_regions() -> None:
    photo = photograph()
    rng = np.random.default_rng(0)
    boxes: list[Box] = []
    for x, y, w, h in rng.uniform(0.01, 0.5, (20, 4)).tolist():
        boxes.append((x, y, x + w, y + h))
    phrases = {i: f"phrase {i}" for i in range(20)}
    drawn_HWC = pixels(overlay(photo, describe(photo, boxes, phrases)))[:720]
    assert all(is_colour(drawn_HWC, colour).sum() > 500 for colour in PALETTE)


rectangles = st.tuples(st.integers(0, 300), st.integers(0, 200), st.integers(5, 90), st.integers(5, 40))


@settings(max_examples=25)
@given(st.lists(rectangles, max_size=6), st.tuples(st.integers(-50, 450), st.integers(-50, 350)))
def test_labels_stay_on_the_stage_and_find_the_best_free_spot(
    placed: list[tuple[int, int, int, int]], wish: tuple[int, int]
) -> None:
    stage, size = (400, 300), (80, 30)
    taken = [(x, y, x + w, y + h) for x, y, w, h in placed]

    def cost(x: int, y: int) -> float:
        hidden = sum(
            max(0, min(x + size[0], r) - max(x, l)) * max(0, min(y + size[1], b) - max(y, t))
            for l, t, r, b in taken  # noqa: E741
        )
        return float(np.hypot(x - wish[0], y - wish[1])) + hidden

    x, y = _free_spot(stage, size, wish, taken)
    assert 0 <= x <= stage[0] - size[0]
    assert 0 <= y <= stage[1] - size[1]
    best = min(cost(u, v) for u in range(0, 321, 5) for v in range(0, 271, 5))
    slack = 10 + 5 * (size[0] + size[1]) * len(taken)  # a step of 5 pixels off in both directions
    assert cost(x, y) <= best + slack
    if not taken:
        assert (x, y) == (min(max(wish[0], 0), 320), min(max(wish[1], 0), 270))


def test_a_label_avoids_another_if_there_is_space() -> None:
    taken = [(100, 100, 180, 130)]
    x, y = _free_spot((400, 300), (80, 30), (110, 105), taken)
    assert y in (70, 130) or abs(y - 100) >= 30 or abs(x - 100) >= 80


@pytest.mark.parametrize("colour", PALETTE)
def test_text_on_every_colour_is_legible(colour: str) -> None:
    def luminance(name: str) -> float:
        linear = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
            for c in (value / 255 for value in ImageColor.getrgb(name)[:3])
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(colour), luminance(_ink_on(colour))))
    assert (light + 0.05) / (dark + 0.05) >= 4.5
