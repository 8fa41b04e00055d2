"""The names of ImageNet's 1,000 classes and of what they have in common: src/dvsa/learn/tasks/classes.tsv.

    python runs/classes.py WORDNET [--out FILE]

WORDNET is the file data.noun of WordNet 3.0, which Debian's package wordnet-base has in /usr/share/wordnet.
The names of classes come from timm, which has WordNet's. Scientific names are left out, except where a class
has no other. Names of several classes are WordNet's hypernyms of them, of which `COMMON` lists those that
people say. Each line is a list of classes, a tab, and their names, divided by `|`.
"""

import re
from collections import defaultdict
from importlib.resources import files
from pathlib import Path

import script

from dvsa.text import words

OUT = Path(__file__).resolve().parents[1] / "src" / "dvsa" / "learn" / "tasks" / "classes.tsv"
COMMON = """
aircraft, amphibian, animal, ape, appliance, bag, ball, bear, beetle, bird, boat, bottle, box, bread,
bridge, building, bus, butterfly, camera, cap, car, cat, chair, clock, clothing, coat, computer, container,
crab, dessert, device, dish, dog, drink, duck, fence, fish, food, footwear, fox, frog, fruit, fungus,
furniture, game, glass, guitar, gun, hat, helmet, hound, insect, instrument, keyboard, knife, lamp, lizard,
lobster, machine, mammal, mask, monkey, mountain, mushroom, musical instrument, owl, parrot, pen, piano,
plant, poodle, pot, rabbit, reptile, retriever, rodent, roof, sailboat, salamander, scarf, seabird, shark,
sheepdog, ship, shoe, shop, skirt, snake, spaniel, spider, sports equipment, squash, stick, sweater,
swimsuit, table, telephone, terrier, tie, tool, towel, toy, train, truck, turtle, utensil, van, vegetable,
vehicle, weapon, whale, wheel, wind instrument, wolf, worm
"""


def main() -> None:
    """Read both sources and write the file."""
    parser = script.parser(__doc__, "wordnet")
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()

    info = files("timm.data") / "_info"
    synsets = (info / "imagenet_synsets.txt").read_text().split()
    lemmas = dict(
        line.split("\t") for line in (info / "imagenet_synset_to_lemma.txt").read_text().splitlines()
    )
    lines = [f"{n}\t{'|'.join(own_names(lemmas[synset]))}" for n, synset in enumerate(synsets)]

    for name, classes in sorted(common(args.wordnet, synsets).items()):
        lines.append(f"{','.join(map(str, sorted(classes)))}\t{name}")
    args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{args.out}: {len(synsets)} classes, {len(lines) - len(synsets)} names of several")


def own_names(lemma: str) -> list[str]:
    """The names of one class, in the words of a vocabulary; `genus species` only if it is the first."""
    first, *others = (name.strip() for name in lemma.split(","))
    kept = [first, *(name for name in others if not re.fullmatch(r"[A-Z][a-z]+ [a-z]+( [a-z]+)?", name))]
    return list(dict.fromkeys(" ".join(words(name)) for name in kept))


def common(wordnet: Path, synsets: list[str]) -> dict[str, set[int]]:
    """For each common name, the classes below any meaning of it that has at least two of them."""
    above: dict[str, list[str]] = {}
    called: dict[str, list[str]] = {}
    for line in wordnet.read_text("utf-8").splitlines():
        if line.startswith("  "):  # the licence
            continue
        offset, _, _, count, *rest = line.split(" ")
        names, pointers = rest[: 2 * int(count, 16) : 2], rest[2 * int(count, 16) :]
        called[offset] = [name.replace("_", " ").lower() for name in names]
        kinds = zip(pointers[1::4], pointers[2::4], strict=False)
        above[offset] = [to for kind, to in kinds if kind in ("@", "@i")]

    below = defaultdict[str, set[int]](set)
    for n, synset in enumerate(synsets):
        stack = [synset[1:]]
        while stack:
            offset = stack.pop()
            below[offset].add(n)
            stack += above[offset]

    wanted = {" ".join(name.split()) for name in COMMON.split(",")}
    found = defaultdict[str, set[int]](set)
    for offset, classes in below.items():
        if len(classes) > 1:
            for name in wanted & {*called[offset]}:
                found[name] |= classes
    return found


if __name__ == "__main__":
    main()
