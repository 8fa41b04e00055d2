"""Pictures of any mode as 8-bit RGB."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def plain_mode(image: Image.Image) -> Image.Image:
    """The picture in one of three modes that can be shrunk well: F for deep greys, RGBA or RGB."""
    deep = image.mode.startswith(("I", "F"))
    mode = "F" if deep else "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == mode else image.convert(mode)


def rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        image = Image.fromarray(_eight_bits(np.asarray(image, dtype=np.float64)))
    elif image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("RGB")
    image.info.clear()  # saved copies must not contain comments or locations
    return image


def _eight_bits(grey_HW: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Scale deep greys to 0 to 255 by the first of the usual maxima 1, 255 and 65535 that no value exceeds.

    If a value is above 65535 or below 0, the range from the lowest to the highest value is stretched.
    """
    finite_N = grey_HW[np.isfinite(grey_HW)]
    low, high = (float(finite_N.min()), float(finite_N.max())) if finite_N.size else (0.0, 0.0)
    grey_HW = np.nan_to_num(grey_HW, nan=low, neginf=low, posinf=high)
    ceiling = next((top for top in (1.0, 255.0, 65535.0) if low >= 0 and high <= top), None)
    if ceiling is None:
        grey_HW, ceiling = grey_HW - low, (high - low) or 1.0
    return np.rint(grey_HW * (255 / ceiling)).astype(np.uint8)
