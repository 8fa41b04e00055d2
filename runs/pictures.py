"""Draw what a run has learned, for the first photographs of a split and their first sentences.

    python runs/pictures.py RUN DATA OUT [--split test] [--first 4]

OUT gets, for each photograph: words.jpg (the best region of every word with its score, before the MRF),
segments.jpg (the segments of the MRF at three values of beta, the last infinite) and phrases.jpg (the caption
with its evidence, and a phrase for each region); and norms.png, the lengths of words' vectors. Photographs of
Flickr8K may not be redistributed: docs/pictures shows those of examples/ (DATA examples, --split "").
"""

import math
from pathlib import Path

import script
from matplotlib.figure import Figure
from PIL import Image

from dvsa.data import Dataset, Example, load
from dvsa.draw import overlay
from dvsa.evaluation.inspection import WordNorm, word_norms
from dvsa.learn.runs.run import Run
from dvsa.learn.ship.torch_bundle import torch_model
from dvsa.model import Model
from dvsa.photo import read


def main() -> None:
    """Draw all."""
    parser = script.parser(__doc__, "run", "data", "out")
    parser.add_argument("--split", default="test")
    parser.add_argument("--first", type=int, default=4)
    parser.add_argument("--beta", type=float, help="the middle value; default: the run's own")
    args = parser.parse_args()
    model, data = torch_model(Run(args.run)), load(args.data)
    beta = model.bundle.manifest.beta if args.beta is None else args.beta
    args.out.mkdir(parents=True, exist_ok=True)
    for example in data.split(args.split)[: args.first]:
        draw(model, example, beta, args.out / Path(example.name).stem)
    norms(words_of(model, data, args.split)).savefig(args.out / "norms.png")


def draw(model: Model, example: Example, beta: float, stem: Path) -> None:
    """The three pictures of a photograph."""
    view = model.open(read(example.read(), name=example.name))
    sentence = example.sentences[0]
    at = {b: overlay(view.photo, view.describe(sentence, beta=b, phrases=0)) for b in (0.0, beta, math.inf)}
    at[0.0].save(f"{stem}.words.jpg", quality=88)
    beside(list(at.values())).save(f"{stem}.segments.jpg", quality=88)
    overlay(view.photo, view.describe(phrases=6)).save(f"{stem}.phrases.jpg", quality=88)


def beside(pictures: list[Image.Image]) -> Image.Image:
    """Pictures in a row, at half their size."""
    row = Image.new("RGB", (sum(p.width for p in pictures), max(p.height for p in pictures)), "white")
    x = 0
    for picture in pictures:
        row.paste(picture, (x, 0))
        x += picture.width
    return row.resize((row.width // 2, row.height // 2), Image.Resampling.LANCZOS)


def words_of(model: Model, data: Dataset, split: str) -> list[WordNorm]:
    """Words with the lengths of their vectors; rare words are left out if there are enough sentences."""
    sentences = [s for e in data.split(split) for s in e.sentences]
    return word_norms(model, sentences, least=5 if len(sentences) > 100 else 1)


def norms(found: list[WordNorm], count: int = 40) -> Figure:
    """The longest and the shortest vectors, mean over a word's occurrences."""
    figure = Figure(figsize=(9, 8), layout="constrained")
    ends = (("longest", found[:count], "#1d6fb8"), ("shortest", found[::-1][:count], "#b8501d"))
    for axes, (name, some, colour) in zip(figure.subplots(1, 2), ends, strict=True):
        axes.barh([w.word for w in some][::-1], [w.norm for w in some][::-1], color=colour)
        axes.set_title(f"{name} vectors of words")
        axes.tick_params(axis="y", labelsize=7)
        axes.margins(y=0.01)
    return figure


if __name__ == "__main__":
    main()
