"""What there is to learn to write: sentences, the MRF's segments, people's phrases."""

import pytest
import torch

from dvsa.learn.nets.joint import JointModel
from dvsa.learn.nets.vision import GEOMETRY
from dvsa.learn.tasks.corpus import Corpus
from dvsa.learn.tasks.features import region_features
from dvsa.learn.tasks.targets import CaptionTarget, of_boxes, of_segments, with_content
from dvsa.segments import segments, viterbi
from dvsa.text import FIRST_WORD, FUNCTION_WORDS, START_PHRASE, Vocabulary


@pytest.mark.parametrize("beta", [0.0, 0.3])
def test_lessons_of_regions_are_the_segments_of_each_sentence_alone(
    model: JointModel, corpus: Corpus, beta: float
) -> None:
    feature_KIF = region_features(model.vision, corpus.val, "head", 0.5)
    found = of_segments(model, feature_KIF, corpus.val_ids, corpus, beta)
    wanted = []
    with torch.no_grad():
        for k, own in enumerate(corpus.val_ids):
            v_ID = model.vision.regions(feature_KIF[k][None].float())[0]
            for ids in own:
                s_TD = model.sentence(*corpus.padded([ids]))[0]
                for first, last, region in segments(viterbi((s_TD @ v_ID.T).numpy(), beta)):
                    wanted.append(CaptionTarget(k, region, START_PHRASE, tuple(ids[first : last + 1])))
    assert found == wanted
    assert [w for lesson in found for w in lesson.words] == [
        w for own in corpus.val_ids for s in own for w in s
    ]


def test_photographs_without_known_words_give_no_lessons(model: JointModel, corpus: Corpus) -> None:
    feature_KIF = region_features(model.vision, corpus.val, "head", 0.5)
    assert of_segments(model, feature_KIF[:2], [[[], []], []], corpus, 1.0) == []
    (lesson,) = of_segments(model, feature_KIF[:1], [[[], [7]]], corpus, 1.0)
    assert lesson.words == (7,)


def test_segments_of_function_words_alone_say_nothing() -> None:
    vocabulary = Vocabulary.build([["a", "dog", "on", "in"]], 1)
    ids = {word: FIRST_WORD + n for n, word in enumerate(vocabulary.words)}
    said = [("on", "a"), ("a", "dog"), ("in",), ("dog",)]
    lessons = [CaptionTarget(0, 0, START_PHRASE, tuple(ids[word] for word in words)) for words in said]
    assert with_content(lessons, vocabulary) == [lessons[1], lessons[3]]
    assert {"on", "a", "in"} <= FUNCTION_WORDS


def test_phrases_of_boxes_go_to_the_region_that_overlaps_most(model: JointModel, corpus: Corpus) -> None:
    feature_KIF = region_features(model.vision, corpus.val, "head", 0.5)
    found = of_boxes(feature_KIF, corpus.val_ids, corpus.val_phrases)
    wanted = []
    for k, (own, named) in enumerate(zip(corpus.val_ids, corpus.val_phrases, strict=True)):
        boxes = feature_KIF[k, :, -GEOMETRY:-1].tolist()
        for sentence, mentions in zip(own, named, strict=True):
            for mention in mentions:
                overlap = [iou(mention.box, box) for box in boxes]
                if max(overlap) >= 0.5:
                    words = tuple(sentence[t] for t in mention.places)
                    wanted.append(CaptionTarget(k, overlap.index(max(overlap)), START_PHRASE, words))
    assert found == wanted
    assert 0 < len(found) < sum(len(m) for named in corpus.val_phrases for m in named)


def iou(a: tuple[float, ...], b: list[float]) -> float:
    def area(x0: float, y0: float, x1: float, y1: float) -> float:
        return max(0.0, x1 - x0) * max(0.0, y1 - y0)

    both = area(max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3]))
    return both / (area(*a) + area(*b) - both)
