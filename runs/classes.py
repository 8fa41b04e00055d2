"""The names of ImageNet's 1,000 classes and of what they have in common: src/dvsa/classes.tsv.

    python runs/classes.py WORDNET [--out FILE]

WORDNET is the file data.noun of WordNet 3.0, which Debian's package wordnet-base has in /usr/share/wordnet.
The names of classes come from timm, which has WordNet's. Scientific names are left out, except where a class
has no other. WordNet's hypernyms of classes are names too, if people say them of a photograph: those that
`COMMON` lists. Each line is a list of classes, a tab, and their names, divided by `|`.
"""

import re
from collections import defaultdict
from importlib.resources import files
from pathlib import Path

import script

from dvsa.text import words

OUT = Path(__file__).resolve().parents[1] / "src" / "dvsa" / "classes.tsv"
COMMON = """
aircraft, airplane, alligator, amphibian, animal, ape, apple, appliance, arch, armor, automobile, bag, ball,
bandage, basket, bear, bed, beetle, belt, bench, beverage, bicycle, bike, bird, boat, boot, bottle, bowl,
box, bread, bridge, brush, building, bus, butterfly, cabinet, camel, camera, cap, car, carpet, cart, cat,
cattle, chair, clock, clothing, coat, coffee, computer, coral, couch, crab, crocodile, curtain, cushion,
dessert, dinosaur, dish, diver, dog, dolphin, door, drink, duck, eagle, elephant, engine, fence, fish,
flower, food, footwear, fountain, fox, frog, fruit, fungus, furniture, game, garment, gate, glass, glove,
goat, gown, guitar, gun, hamburger, hat, hawk, helmet, horse, hound, insect, jar, jug, keyboard, knife,
lamp, lantern, lizard, loaf, lobster, lock, locomotive, mask, mat, mirror, monkey, monument, motorcycle,
mountain, mug, mushroom, musical instrument, necktie, oar, oven, owl, pan, parrot, pen, penguin, pepper,
percussion instrument, phone, piano, pillar, plant, poodle, pot, potato, puzzle, rabbit, reptile, retriever,
robe, rocket, rodent, roof, rug, sailboat, salamander, sandwich, sauce, saw, scarf, seabird, seal, shark,
sheep, sheepdog, ship, shirt, shoe, shop, skirt, sled, sleigh, snake, sofa, spaniel, spider, spoon, sports
equipment, squash, squirrel, stick, store, stringed instrument, swan, sweater, swimsuit, table, telephone,
telescope, tent, terrier, tie, tool, towel, tower, toy, trailer, train, truck, turtle, uniform, utensil,
van, vegetable, vehicle, vest, wading bird, watch, watercraft, weapon, web, whale, wheel, wind instrument,
wine, wolf, worm
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
    own = [own_names(lemmas[synset]) for synset in synsets]
    lines = []
    for name, classes in sorted(common(args.wordnet, synsets).items()):
        first = min(classes)
        if len(classes) > 1:
            lines.append(f"{','.join(map(str, sorted(classes)))}\t{name}")
        elif name not in own[first]:
            own[first].append(name)
    lines = [f"{n}\t{'|'.join(called)}" for n, called in enumerate(own)] + lines
    args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{args.out}: {len(synsets)} classes, {len(lines) - len(synsets)} names of several")


def own_names(lemma: str) -> list[str]:
    """The names of one class, in the words of a vocabulary; `genus species` only if it is the first."""
    first, *others = (name.strip() for name in lemma.split(","))
    kept = [first, *(name for name in others if not re.fullmatch(r"[A-Z][a-z]+ [a-z]+( [a-z]+)?", name))]
    return list(dict.fromkeys(" ".join(words(name)) for name in kept))


def common(wordnet: Path, synsets: list[str]) -> dict[str, set[int]]:
    """For each common name, the classes below any of its meanings."""
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
        for name in wanted & {*called[offset]}:
            found[name] |= classes
    return found


if __name__ == "__main__":
    main()
