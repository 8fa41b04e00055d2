"""The corpus: which sentences and phrases are encoded, and how they are padded."""

from dataclasses import replace

import pytest
import torch

from dvsa.data import Dataset, Example, GroundedPhrase
from dvsa.learn.tasks.corpus import Corpus, phrase_targets
from dvsa.records import Box
from dvsa.text import Vocabulary, words

CPU = torch.device("cpu")


def with_sentences(example: Example, *sentences: str) -> Example:
    return replace(example, sentences=sentences, phrases=())


def test_the_corpus_encodes_every_sentence(corpus: Corpus, tiny: Dataset) -> None:
    assert [e.name for e in corpus.train.examples] == [e.name for e in tiny.split("train")]
    for example, ids in zip(corpus.train.examples, corpus.train_ids, strict=True):
        assert [corpus.vocabulary.decode(sentence) for sentence in ids] == [
            words(s) for s in example.sentences
        ]


def test_training_leaves_out_sentences_without_a_known_word(tiny: Dataset, vocabulary: Vocabulary) -> None:
    first, second, third, *_ = tiny.split("train")
    train = [with_sentences(first, "zebra", "a red circle"), with_sentences(second, "zebra", "gnu"), third]
    val = [with_sentences(tiny.split("val")[0], "zebra", "a ring"), with_sentences(tiny.split("val")[1])]
    corpus = Corpus(train, val, vocabulary, 64, CPU, quiet=True)
    assert [e.name for e in corpus.train.examples] == [first.name, third.name]
    assert len(corpus.train) == len(corpus.train_ids) == 2
    assert corpus.train_ids[0] == [vocabulary.encode(["a", "red", "circle"])]
    assert [e.name for e in corpus.val.examples] == [val[0].name]
    assert [*corpus.val_ids] == [[[], vocabulary.encode(["a", "ring"])]]


def test_phrase_targets_are_the_known_words_of_boxed_phrases(tiny: Dataset) -> None:
    box = (0.1, 0.2, 0.5, 0.9)
    text = "a zebra and a red ring under a moon"

    def phrase(sentence: int, first: int, last: int, *boxes: Box) -> GroundedPhrase:
        return GroundedPhrase(sentence, first, last, "", "1", ("other",), boxes)

    phrases = (
        phrase(1, 0, 1, box),
        phrase(1, 1, 1, box),
        phrase(1, 3, 5, box),
        phrase(1, 7, 8),
        phrase(0, 0, 0, box),
    )
    example = replace(tiny.split("train")[0], sentences=("zebra", text, "a ring"), phrases=phrases)
    known = Vocabulary(("a", "red", "ring", "under"), (4, 3, 2, 1), 9)
    assert phrase_targets(example, known) == [[], [((0,), box), ((1, 2, 3), box)], []]
    corpus = Corpus([example], [example], known, 64, CPU, quiet=True)
    assert [*corpus.train_ids] == [[known.encode(words(text)), known.encode(["a", "ring"])]]
    assert [*corpus.train_phrases] == [phrase_targets(example, known)[1:]]
    assert [*corpus.val_phrases] == [phrase_targets(example, known)]


@pytest.mark.parametrize("split", ["training", "validation"])
def test_a_split_without_known_words_is_refused(tiny: Dataset, vocabulary: Vocabulary, split: str) -> None:
    whole, bare = tiny.split("train")[:2], [with_sentences(tiny.split("val")[0], "zebra")]
    sides = (bare, whole) if split == "training" else (whole, bare)
    with pytest.raises(ValueError, match=f"no sentence of the {split} split has a known word"):
        Corpus(sides[0], sides[1], vocabulary, 64, CPU, quiet=True)


def test_padded_sentences_have_at_least_one_word_place(corpus: Corpus) -> None:
    ids_LT, real_LT = corpus.padded([[], []])
    assert ids_LT.shape == real_LT.shape == (2, 1)
    assert not real_LT.any()
    assert ids_LT.dtype == torch.int64
    assert corpus.padded([[5], [3, 4]])[1].tolist() == [[True, False], [True, True]]


def test_anchors_are_squares_if_the_data_has_no_boxes(tiny: Dataset, vocabulary: Vocabulary) -> None:
    bare = [replace(e, phrases=()) for e in tiny.split("train")[:2]]
    anchor_A2 = Corpus(bare, bare, vocabulary, 64, CPU, quiet=True).anchors(4)
    torch.testing.assert_close(anchor_A2, torch.tensor([0.1, 0.4, 0.7, 1.0])[:, None].expand(4, 2))
