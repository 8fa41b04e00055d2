"""The figures in the tables of docs/results.md, and readable names of figures, systems and settings."""

from collections.abc import Mapping

DIRECTIONS = {
    "photo_to_sentence": "photograph → sentence",
    "sentence_to_photo": "sentence → photograph",
}
RECALLS = ("R@1", "R@5", "R@10", "Med r")
BLEU = ("BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4")
NO_PENALTY = tuple(f"{name} no BP" for name in BLEU)
CAPTIONS = (*BLEU, "METEOR", "ROUGE-L", "CIDEr")
GROUNDING = ("R@1 IoU0.5", "pointing", "covered IoU0.5", "covered IoU0.7")
ABLATION = ("p2s R@1", "p2s R@10", "s2p R@1", "s2p R@10", *GROUNDING)
COMPARED = ("p2s R@1", "s2p R@1", "R@1 IoU0.5", "covered IoU0.7")
"""Of the ablation, in the body; the appendix has all."""
PRECISION = ("R@1", "R@10", "BLEU-4", "METEOR", "CIDEr", "IoU0.5", "IoU0.7", "pointing")
"""Ends of the names of the main figures; the appendix has all."""

SYSTEMS = {
    "region": "captioner of regions",
    "beside": "captioner of regions that also sees the frame",
    "full-frame": "captioner of photographs, on regions",
    "nearest": "nearest training segment",
    "people": "people",
}
"""Who writes phrases of regions."""
DATA = {"flickr8k": "Flickr8K", "flickr30k": "Flickr30K", "coco": "COCO"}
PROPOSERS = {
    "coverage": "regions that together cover most (`coverage`)",
    "head": "regions by NMS (`head`)",
}
WRITERS = {"region": "the captioner of regions", "frame": "the captioner of photographs"}
SETTINGS = {
    "photos": "{:,} photographs",
    "sentences": "{:,} sentences",
    "phrases": "{:,} phrases",
    "chains": "{:,} true regions",
    "tokeniser": "tokens: {}",
    "beam": "beam {}",
    "length_power": "length power {}",
    "rerank": "weight of reranking {}",
    "rule": "a phrase gets its region by {}",
    "version": "scored by dvsa {}",
}


def heading(name: str) -> str:
    """The name of a figure of the ablation or of a comparison, in words."""
    name = name.replace("no BP", "without brevity penalty")
    short = {"p2s ": "photo_to_sentence: ", "s2p ": "sentence_to_photo: "}
    for key, long in short.items():
        name = name.replace(key, long)
    for key, title in {**DIRECTIONS, "full_frame_model": "captioner of photographs"}.items():
        name = name.replace(f"{key}:", f"{title},")
    return name


def captioner(name: str) -> str:
    """Who writes captions of photographs in the paper's tables: `rnn.beam7` is `RNN, beam 7`."""
    kind, _, beam = name.partition(".beam")
    return f"{kind.upper()}, beam {beam}" if beam else "nearest training photograph"


def settings(values: Mapping[str, object]) -> str:
    """Counts and settings in words; a setting that does not apply is left out."""
    told = []
    for name, value in values.items():
        if name == "meteor":
            told.append(str(value))
        elif name == "proposer":
            told += [PROPOSERS[str(value)]] if value in PROPOSERS else []  # true regions have no proposer
        elif name == "captioner":
            told.append(WRITERS[str(value)])
        elif value is not None:
            told.append(SETTINGS[name].format(value))
    return "; ".join(told)
