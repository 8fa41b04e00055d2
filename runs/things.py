"""The words that name things which photographs show: src/dvsa/things.txt.

    python runs/things.py DATA WORDNET [--bundle FOLDER] [--out FILE]

DATA is Flickr8K with Flickr30k Entities. WORDNET is the folder of WordNet 3.0 (Debian's package wordnet-base
has it in /usr/share/wordnet). The words are those of the bundle's vocabulary. Two sources decide:

- People marked the phrases of the training sentences that name something. A word that these sentences have at
  least five times names things if it ends such a phrase often enough, and if it is a noun of WordNet that
  means something concrete: an animal, an artefact, food, a person, a substance, and so on.
- A rarer word names things if WordNet's texts nearly always use it as such a noun.

`EXCLUDED` has what both allow, and yet no thing. The names of ImageNet's classes are in the list, too, unless
people rarely marked them, as `orange`.

Prints for val how many of the content words of sentences that end a marked phrase are in the list, and how
many that end none, with 95 % intervals over photographs.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import script

from dvsa.arrays import IntArray
from dvsa.bundle import Bundle
from dvsa.data import Example, load
from dvsa.metrics.bootstrap import interval
from dvsa.text import FUNCTION_WORDS, words

OUT: Final = Path(__file__).resolve().parents[1] / "src" / "dvsa" / "things.txt"
CLASSES: Final = OUT.parent / "classes.tsv"

CONCRETE: Final = frozenset({5, 6, 8, 13, 14, 15, 17, 18, 19, 20, 27})
"""WordNet's files of nouns for animals, artefacts, the body, food, groups, places, natural objects, people,
natural phenomena, plants and substances."""

SEEN: Final = 5
"""How often a word must be seen in training sentences for these to decide."""

OFTEN, CLEAR = 0.5, 0.2
"""The share of a word's occurrences that end a marked phrase: of any noun, and of an always concrete one.

The second is lower, because `city` in `a city street` ends none.
"""

ALWAYS, MAINLY = 0.95, 0.9
"""The share of concrete nouns among WordNet's senses: for the lower share above, and for rarer words."""

SENSES: Final = 0.25
"""The least share of concrete senses among those of the noun."""

_EXCLUDED: Final = """
    aid air america area areas arts asia b backdrop background backs base beauty bend bottom bottoms
    center claus closeup color colors comfort company control current de department direction
    directions display distance dive drop edge ends event everybody everyone fall fly forefront
    foreground formation formations front fun game games gap goers grand grey grounds half her here
    herself him himself hollywood host hot i individual interior john la lead left light location lock lot
    ma maker me medium member members midair middle midflight midjump midst mike mini must nt nude
    others outdoors part parts patrick peoples pick piece pieces pitch place plain point pop porta
    position range re rear region remote right row rows safe santa scene scenery section semi set
    setting shape side sides sight site somebody someone something space spot spots sub suspension
    system t tech that themselves thing things third top tops transportation unit upright upside us
    view vintage way weather who world york you zip
"""

EXCLUDED: Final = frozenset(_EXCLUDED.split())
"""Where, how much and who: words that name nothing, and some that seldom do."""


class Sense(NamedTuple):
    """A sense of a word in WordNet."""

    part: str
    """noun, verb, adj or adv."""
    file: int
    """The number of the file of its field."""
    weight: float
    """How often WordNet's texts have it, and a little more, so that rare senses count in their order."""
    is_name: bool
    """Whether it is one person, place or thing, such as York."""


class WordNet:
    """The senses of words, in any inflection."""

    PARTS: Final = {"noun": "1", "verb": "2", "adj": "3", "adv": "4"}
    ENDINGS: Final[Mapping[str, Sequence[tuple[str, str]]]] = {
        "noun": (
            ("s", ""), ("ses", "s"), ("xes", "x"), ("zes", "z"), ("ches", "ch"), ("shes", "sh"), ("ies", "y"),
            ("men", "man"),
        ),
        "verb": (
            ("s", ""), ("ies", "y"), ("es", "e"), ("es", ""), ("ed", "e"), ("ed", ""), ("ing", "e"),
            ("ing", ""),
        ),
        "adj": (("er", ""), ("est", ""), ("er", "e"), ("est", "e")),
        "adv": (),
    }  # fmt: skip

    def __init__(self, folder: Path) -> None:
        """Read the data base."""
        counts = dict[tuple[str, str, int], int]()
        for line in _lines(folder / "cntlist.rev"):
            key, number, count = line.split()
            lemma, _, rest = key.partition("%")
            counts[lemma, rest[0].replace("5", "3"), int(number)] = int(count)

        self._senses = defaultdict[tuple[str, str], list[Sense]](list)
        self._irregular = defaultdict[tuple[str, str], list[str]](list)
        for part, number in self.PARTS.items():
            synsets = {line[:8]: line for line in _lines(folder / f"data.{part}")}
            for line in _lines(folder / f"index.{part}"):
                lemma, *fields = line.split()
                for n, at in enumerate(fields[-int(fields[1]) :], 1):
                    synset = synsets[at]
                    weight = counts.get((lemma, number, n), 0) + 0.2 / n
                    self._senses[part, lemma].append(Sense(part, int(synset[9:11]), weight, " @i " in synset))
            for line in _lines(folder / f"{part}.exc"):
                inflected, *lemmas = line.split()
                self._irregular[part, inflected] += lemmas

    def senses(self, word: str) -> list[Sense]:
        """Every sense of a word, also of those that it may be an inflection of."""
        found = []
        for part, endings in self.ENDINGS.items():
            lemmas = [word, *self._irregular[part, word]]
            stems = [(word.removesuffix(old), new) for old, new in endings if word.endswith(old)]
            lemmas += [stem + new for stem, new in stems if len(stem) > 1]
            # As in jogging, the last letter may be doubled.
            lemmas += [s[:-1] for s, _ in stems if part == "verb" and len(s) > 2 and s[-1] == s[-2]]
            for lemma in dict.fromkeys(lemmas):
                found += self._senses.get((part, lemma), [])
        return found


def _lines(path: Path) -> Iterator[str]:
    """The lines of a file of WordNet, without its licence."""
    return (line for line in path.read_text("latin-1").splitlines() if not line.startswith(" "))


def share(senses: Sequence[Sense]) -> float:
    """The share of concrete nouns among senses."""
    concrete = sum(s.weight for s in senses if s.part == "noun" and s.file in CONCRETE and not s.is_name)
    return concrete / (sum(s.weight for s in senses) or 1)


def counted(examples: Sequence[Example]) -> tuple[Counter[str], Counter[str]]:
    """How often each word is in sentences with marked phrases, and how often it ends such a phrase."""
    seen, ends = Counter[str](), Counter[str]()
    for example in examples:
        for word, is_end in marked(example):
            seen[word] += 1
            ends[word] += is_end
    return seen, ends


def marked(example: Example) -> list[tuple[str, bool]]:
    """The words of a photograph's sentences, and whether each ends a phrase that people marked."""
    last = {(phrase.sentence, phrase.last) for phrase in example.phrases}
    return [
        (word, (n, t) in last)
        for n, sentence in enumerate(example.sentences if last else ())
        for t, word in enumerate(words(sentence))
    ]


def names_things(word: str, senses: Sequence[Sense], seen: int, ends: int) -> bool:
    """Whether a word names things, by the rules of this script."""
    if not word.isalpha() or word in FUNCTION_WORDS or word in EXCLUDED:
        return False
    if seen < SEEN:
        return bool(senses) and share(senses) >= MAINLY
    least = CLEAR if senses and share(senses) >= ALWAYS else OFTEN
    concrete = share([sense for sense in senses if sense.part == "noun"])
    return ends / seen >= least and (not senses or concrete >= SENSES)


def class_names() -> set[str]:
    """The last words of the names of ImageNet's classes."""
    lines = CLASSES.read_text("utf-8").splitlines()
    return {name.split()[-1] for line in lines for name in line.partition("\t")[2].split("|")}


def judged(examples: Sequence[Example], listed: set[str]) -> dict[str, str]:
    """How well the list does on other photographs, in percent."""
    # How many words end a phrase, and how many of these are listed; the same for other words.
    count_K4 = np.zeros((len(examples), 4))
    for k, example in enumerate(examples):
        for word, is_end in marked(example):
            if word not in FUNCTION_WORDS:
                count_K4[k, 0 if is_end else 2] += 1
                count_K4[k, 1 if is_end else 3] += word in listed

    def told(part: int, whole: int) -> str:
        def percent(index_N: IntArray) -> float:
            return float(100 * count_K4[index_N, part].sum() / count_K4[index_N, whole].sum())

        low, high = interval(percent, len(count_K4))
        return f"{percent(np.arange(len(count_K4))):.1f} % [{low:.1f}, {high:.1f}]"

    return {"words that end a phrase and are listed": told(1, 0), "others that are listed": told(3, 2)}


def main() -> None:
    """Make the list, write it, and say how good it is."""
    parser = script.parser(__doc__, "data", "wordnet")
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()

    dataset, wordnet = load(args.data), WordNet(args.wordnet)
    vocabulary = set(Bundle.open(args.bundle).vocabulary.words)
    seen, ends = counted(dataset.split("train"))
    listed = {word for word in vocabulary if names_things(word, wordnet.senses(word), seen[word], ends[word])}
    listed |= {word for word in class_names() & vocabulary - EXCLUDED if ends[word] >= CLEAR * seen[word]}
    args.out.write_text("".join(f"{word}\n" for word in sorted(listed)), encoding="utf-8")

    print(f"{args.out}: {len(listed)} of {len(vocabulary)} words")
    for name, figure in judged(dataset.split("val"), listed).items():
        print(f"{name}: {figure}")


if __name__ == "__main__":
    main()
