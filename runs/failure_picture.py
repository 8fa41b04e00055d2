"""Draw failures of the shipped model for docs/results.md, on photographs of examples/, which may be shipped.

    python runs/failure_picture.py [--docs docs]

Writes docs/pictures/failure.jpg, and adds the captions and the wrong phrases to docs/results.json.
"""

import json
from pathlib import Path

import script
from pictures import beside
from PIL import Image

import dvsa
from dvsa.draw import named_regions, overlay
from dvsa.model import Model

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
WRONG = {
    "photographer.jpg": {"a bike": "the tripod", "cellphone": "the camera"},
    "astronaut.jpg": {"a boy": "the astronaut, who is a woman", "a black and white football": "her helmet"},
}
"""The wrong names of regions in each photograph, with what is really there."""
PHRASES = 3
"""Phrases in each picture."""


def main() -> None:
    """Draw the picture, and add its words to the results."""
    parser = script.parser(__doc__)
    parser.add_argument("--docs", type=Path, default=Path("docs"))
    args = parser.parse_args()

    model = dvsa.load()
    drawn = {name: draw(model, name) for name in WRONG}
    row = beside([picture for picture, _ in drawn.values()])
    row.save(args.docs / "pictures" / "failure.jpg", quality=85, optimize=True)

    path = args.docs / "results.json"
    results = json.loads(path.read_text())
    results["drawn"] = {
        name: {"caption": caption, "wrong": WRONG[name]} for name, (_, caption) in drawn.items()
    }
    script.keep(path, results)


def draw(model: Model, name: str) -> tuple[Image.Image, str]:
    """The picture of a photograph, and its caption.

    Raises:
        ValueError: a name of `WRONG` is not in the picture.
    """
    view = model.open(EXAMPLES / name)
    description = view.describe(phrases=PHRASES)
    missing = set(WRONG[name]) - set(named_regions(description).values())
    if missing:
        raise ValueError(f"the model does not see {sorted(missing)} in {name}: change WRONG")
    return overlay(view.photo, description), description.caption.text


if __name__ == "__main__":
    main()
