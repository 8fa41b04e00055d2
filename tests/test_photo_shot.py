"""The camera and the place of a photograph, from its EXIF data."""

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image, TiffImagePlugin

from dvsa.decode import Decoder
from dvsa.index import Index
from dvsa.photo import read
from dvsa.photo_shot import Shot, shot
from dvsa.typed_json import JsonObject

Ratio = TiffImagePlugin.IFDRational


def jpeg(maker: str | None = None, model: str | None = None, gps: dict[int, Any] | None = None) -> bytes:
    image, exif, stream = Image.new("RGB", (32, 24)), Image.Exif(), io.BytesIO()
    for tag, text in ((ExifTags.Base.Make, maker), (ExifTags.Base.Model, model)):
        if text is not None:
            exif[tag] = text
    if gps is not None:
        exif[ExifTags.IFD.GPSInfo] = gps
    image.save(stream, "JPEG", exif=exif)
    return stream.getvalue()


def gps(latitude: float, longitude: float) -> dict[int, Any]:
    """A place as cameras write it, in degrees, minutes and seconds."""

    def parts(angle: float) -> tuple[Ratio, ...]:
        millis = round(abs(angle) * 3_600_000)
        return Ratio(millis // 3_600_000), Ratio(millis // 60_000 % 60), Ratio(millis % 60_000, 1000)

    return {1: "NS"[latitude < 0], 2: parts(latitude), 3: "EW"[longitude < 0], 4: parts(longitude)}


@pytest.mark.parametrize(
    ("maker", "model", "camera"),
    [
        ("Canon", "Canon EOS 5D", "Canon EOS 5D"),
        ("NIKON CORPORATION", "NIKON D70", "NIKON D70"),
        ("Apple", "iPhone 12\0\0", "Apple iPhone 12"),
        ("", "X", "X"),
        ("SONY", None, "SONY"),
        (None, None, None),
        (" ", "\n", None),
    ],
)
def test_the_camera(maker: str | None, model: str | None, camera: str | None) -> None:
    assert read(jpeg(maker, model)).shot == Shot(camera)


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_the_place_of_every_quarter_of_the_earth(latitude: float, longitude: float) -> None:
    place = read(jpeg(gps=gps(latitude, longitude))).shot.place
    if place is None:
        assert abs(latitude) < 1e-6
        assert abs(longitude) < 1e-6
    else:
        assert place == pytest.approx((latitude, longitude), abs=1e-5)


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {2: (Ratio(1),) * 3},
        gps(1, 2) | {2: (Ratio(100), Ratio(0), Ratio(0))},
        gps(1, 2) | {4: (Ratio(1, 0), Ratio(0), Ratio(0))},
        gps(0, 0),
        gps(1, 2) | {2: ()},
    ],
)
def test_a_place_that_is_none(broken: dict[int, Any]) -> None:
    assert read(jpeg("Canon", "EOS", broken)).shot == Shot("Canon EOS")


def test_damaged_exif_says_nothing() -> None:
    class Damaged(Image.Image):
        def getexif(self) -> Image.Exif:
            raise SyntaxError("damaged")

    assert shot(Damaged()) == Shot()


@pytest.mark.parametrize(
    "known", [Shot(), Shot("X100"), Shot(None, (1.5, -2.0)), Shot("X100", (-90.0, 180.0))]
)
def test_a_shot_as_json(known: Shot) -> None:
    assert Shot.from_json(JsonObject(known.to_json(), "here", ValueError, "leave it out")) == known


def test_an_index_keeps_camera_and_place(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg("Canon", "Canon EOS 5D", gps(60.39, -5.32)))
    with Decoder() as decoder:
        assert decoder.read(path).shot == Shot("Canon EOS 5D", (60.39, -5.32))
    with Index.create(tmp_path / "index") as index:
        index.add([path])
    (entry,) = Index.open(tmp_path / "index").entries()
    known = entry.photograph
    assert (known.camera, known.latitude, known.longitude) == ("Canon EOS 5D", 60.39, -5.32)
