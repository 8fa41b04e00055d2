"""The figures in the tables of docs/results.md, and their titles."""

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
PRECISION = ("R@1", "R@10", "BLEU-4", "METEOR", "CIDEr", "IoU0.5", "IoU0.7", "pointing")
