"""Words of every script are drawn; fontTools says which fonts have which characters."""

from functools import cache
from os import PathLike

import numpy as np
import pytest
from fontTools.ttLib import TTFont
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from dvsa.lettering import _CJK, _joins, _runs, draw, length

WORDS = {
    "Latin": "dog", "accents": "Übermäßig café", "Vietnamese": "chó chạy", "Polish": "źdźbło",
    "Cyrillic": "собака", "Greek": "σκύλος", "Chinese": "一只狗", "Japanese": "犬がいる",
    "Korean": "개가", "Hindi": "कुत्ता", "Bengali": "কুকুর", "Tamil": "நாய்", "Telugu": "కుక్క", "Kannada": "ನಾಯಿ",
    "Malayalam": "നായ", "Gujarati": "કૂતરો", "Punjabi": "ਕੁੱਤਾ", "Odia": "କୁକୁର", "Sinhala": "බල්ලා",
    "Thai": "สุนัข", "Lao": "ໝາ", "Khmer": "ឆ្កែ", "Burmese": "ခွေး", "Arabic": "كلب", "Persian": "سگ",
    "Hebrew": "כלב", "Armenian": "շուն", "Georgian": "ძაღლი", "Amharic": "ውሻ", "emoji": "🐶", "signs": "★→≥",
}  # fmt: skip


@cache
def characters(path: str) -> set[int]:
    """The characters that a font has, by its own table."""
    number = 2 if path.endswith(_CJK) else -1
    return set(TTFont(path, fontNumber=number)["cmap"].getBestCmap())


@pytest.mark.parametrize("script", WORDS)
def test_every_character_is_in_its_font(script: str) -> None:
    word = WORDS[script]
    runs = list(_runs(word, 20))
    assert "".join(run for _, run in runs) == word
    for font, run in runs:
        assert isinstance(font, ImageFont.FreeTypeFont)
        if isinstance(font.path, str | PathLike):  # else Pillow's own, whose characters are all that it draws
            assert {ord(c) for c in run if not c.isspace()} <= characters(str(font.path))
        elif script not in ("accents", "Vietnamese", "Polish", "Greek", "signs"):
            assert run.isascii()


@pytest.mark.parametrize("script", WORDS)
def test_a_word_is_drawn_as_nothing_else(script: str) -> None:
    def drawn(text: str) -> bytes:
        image = Image.new("L", (400, 40), "white")
        draw(ImageDraw.Draw(image), (5, 5), text, "black", 20)
        assert length(text, 20) < 390
        ink = np.argwhere(np.asarray(image) < 128)
        assert len(ink), "nothing is drawn"
        assert ink[:, 0].max() < 39
        assert ink[:, 0].min() > 0
        return image.tobytes()

    word = WORDS[script]
    assert drawn(word) != drawn("\uffff" * len(word)), "empty boxes"
    assert drawn(word) == drawn(word)


def test_words_of_one_script_are_drawn_in_their_direction() -> None:
    runs = [run for _, run in _runs("كلب يقفز فوق", 20)]
    assert runs == ["كلب يقفز فوق"]


def test_a_mark_stays_with_its_letter() -> None:
    for _, run in _runs("dogकि,संcat", 20):
        assert not _joins(run[0])


@settings(max_examples=200)
@given(st.text(max_size=30))
def test_any_text_can_be_drawn(text: str) -> None:
    image = Image.new("L", (60, 40), "white")
    draw(ImageDraw.Draw(image), (5, 5), text, "black", 15)
    assert length(text, 15) >= 0


def test_a_name_that_is_no_unicode_can_be_drawn() -> None:
    assert length("\udc80.jpg", 15) > length(".jpg", 15)


def test_what_only_controls_is_not_drawn() -> None:
    assert length("a\u202eb\x1bc\u2028", 15) == length("abc ", 15)
