"""How a photograph was taken, by its EXIF data: the camera, and the place."""

import math
from dataclasses import dataclass
from typing import Any, Final

from PIL import ExifTags, Image

from dvsa.typed_json import JsonObject

LONGEST_CAMERA: Final = 100
"""Letters of the longest name of a camera that is kept."""


@dataclass(frozen=True, slots=True)
class Shot:
    """What EXIF says about how a photograph was taken; None for what it does not say."""

    camera: str | None = None
    """Maker and model, such as `Canon EOS 5D`."""
    place: tuple[float, float] | None = None
    """Latitude in [-90, 90] and longitude in [-180, 180], in degrees, north and east positive (WGS 84)."""

    def to_json(self) -> dict[str, str | float]:
        """What is known, as JSON values.

        >>> Shot("Canon EOS 5D", (60.39, 5.32)).to_json()
        {'camera': 'Canon EOS 5D', 'latitude': 60.39, 'longitude': 5.32}
        """
        known: dict[str, str | float] = {} if self.camera is None else {"camera": self.camera}
        return (
            known if self.place is None else {**known, "latitude": self.place[0], "longitude": self.place[1]}
        )

    @classmethod
    def from_json(cls, found: JsonObject) -> "Shot":
        """The same from the fields of an object; raises its error if one is no name of a camera or no place.

        >>> Shot.from_json(JsonObject({"camera": "Canon EOS 5D"}, "here", ValueError, "leave it out"))
        Shot(camera='Canon EOS 5D', place=None)
        """
        camera = found.text("camera") if "camera" in found else None
        if "latitude" not in found:
            return cls(camera)
        place = found.number("latitude", low=-90, high=90), found.number("longitude", low=-180, high=180)
        return cls(camera, place)


def shot(image: Image.Image) -> Shot:
    """The camera and the place of a picture; damaged EXIF data says nothing."""
    try:
        exif = image.getexif()
        maker, model = (exif.get(tag) for tag in (ExifTags.Base.Make, ExifTags.Base.Model))
        return Shot(_camera(maker, model), _place(exif.get_ifd(ExifTags.IFD.GPSInfo)))
    except Exception:  # damaged EXIF makes Pillow raise almost any exception; the picture is still good
        return Shot()


def _camera(maker: object, model: object) -> str | None:
    """The maker's first word is left out if the model begins with it, as in `Canon Canon EOS 5D`."""
    named, kind = (
        "".join(c for c in " ".join(str(part or "").replace("\0", " ").split()) if c.isprintable())
        for part in (maker, model)
    )
    repeated = named and kind.casefold().startswith(named.split()[0].casefold())
    return (kind if repeated else f"{named} {kind}".strip())[:LONGEST_CAMERA] or None


def _place(gps: dict[int, Any]) -> tuple[float, float] | None:
    """Latitude and longitude; None if one is missing or out of range.

    0, 0 is in the Atlantic, and what some cameras write when they do not know their place.
    """
    found = []
    for degrees, side, negative, limit in (
        (ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef, "S", 90),
        (ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef, "W", 180),
    ):
        if degrees not in gps:
            return None
        parts = [float(part) for part in gps[degrees]]
        angle = sum(part / 60**n for n, part in enumerate(parts[:3]))
        if not parts or not math.isfinite(angle) or not 0 <= angle <= limit:
            return None
        found.append(round(-angle if str(gps.get(side, "")).strip("\0 ").upper() == negative else angle, 6))
    latitude, longitude = found
    return None if latitude == longitude == 0 else (latitude, longitude)
