"""Pictures in memory are the same photographs as their files."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dvsa
from dvsa.model.pictures import photo_of
from dvsa.photo import PhotoError, read

PHOTO = Path(__file__).parents[2] / "examples" / "photographer.jpg"


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image)


def test_the_model_sees_the_same_in_a_file_a_picture_and_an_array() -> None:
    model = dvsa.load()
    wanted = model.open(PHOTO)
    with Image.open(PHOTO) as image:
        views = [model.open(image), model.open(np.asarray(image))]
    for view in views:
        assert (view.photo.width, view.photo.height) == (wanted.photo.width, wanted.photo.height)
        np.testing.assert_array_equal(pixels(view.photo.image), pixels(wanted.photo.image))
        np.testing.assert_allclose(view.v_ID, wanted.v_ID, atol=1e-5)
    assert [view.photo.name for view in views] == ["photographer.jpg", "picture"]


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB", "I;16", "RGBX"]
)
def test_pictures_of_any_mode_are_read(mode: str) -> None:
    base = Image.fromarray(np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8))
    image = base.convert("L").convert("I").convert("I;16") if mode == "I;16" else _converted(base, mode)
    found = photo_of(image)
    assert (found.width, found.height, found.image.mode) == (9, 6, "RGB")


def _converted(image: Image.Image, mode: str) -> Image.Image:
    if mode == "LAB":
        return Image.merge("LAB", image.split())
    return image.convert(mode)


def test_transparency_becomes_white_as_in_files() -> None:
    array_HWC = np.random.default_rng(0).integers(0, 256, (6, 9, 4), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(array_HWC).save(stream, "PNG")
    wanted = pixels(read(stream.getvalue(), "file").image)
    np.testing.assert_array_equal(pixels(photo_of(array_HWC).image), wanted)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_of_an_opened_file_counts(orientation: int) -> None:
    stream = io.BytesIO()
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8))
    exif = Image.Exif()
    exif[274] = orientation
    image.save(stream, "PNG", exif=exif)
    with Image.open(io.BytesIO(stream.getvalue())) as opened:
        found = photo_of(opened)
    np.testing.assert_array_equal(pixels(found.image), pixels(read(stream.getvalue(), "file").image))


def test_views_of_arrays_and_grey_ones_are_read() -> None:
    array_HWC = np.random.default_rng(0).integers(0, 256, (12, 9, 3), np.uint8)
    for view in (array_HWC[::2, ::-1], array_HWC[..., ::-1], np.asfortranarray(array_HWC)):
        np.testing.assert_array_equal(pixels(photo_of(view).image), view)
    np.testing.assert_array_equal(pixels(photo_of(array_HWC[..., 0]).image)[..., 1], array_HWC[..., 0])


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (None, "an object of type NoneType is no picture: give a path"),
        ([[0]], "an object of type list is no picture"),
        (np.zeros((4, 4, 3)), "an array of float64 is no picture: give uint8"),
        (np.zeros((4, 4, 3), np.int64), "an array of int64 is no picture"),
        (np.zeros((3, 4, 5), np.uint8), r"shape \(3, 4, 5\) is no picture: give \(height, width, 3\)"),
        (np.zeros((0, 4, 3), np.uint8), r"shape \(0, 4, 3\) is no picture"),
        (np.zeros((1, 4, 4, 3), np.uint8), "is no picture"),
        (np.zeros((4,), np.uint8), "is no picture"),
    ],
)
def test_other_arrays_are_refused(array: np.ndarray, message: str) -> None:
    with pytest.raises(PhotoError, match=message):
        photo_of(array)
