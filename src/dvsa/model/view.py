"""A photograph as the model sees it: its regions, captions, phrases and alignments."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dvsa import boxes, maxsim, notebook
from dvsa.aligning import align, locate
from dvsa.arrays import Floats
from dvsa.captioning import Sampler
from dvsa.familiar import frame_features
from dvsa.model.surer import surer
from dvsa.model.things import things
from dvsa.photo import Photo
from dvsa.records import Alignment, Caption, Description, Phrase, Region, Thing
from dvsa.sentence import Sentence, check_not_empty

if TYPE_CHECKING:
    from dvsa.model.model import Model


@dataclass(frozen=True, eq=False, repr=False)
class View:
    """One photograph as the model sees it; `Model.open` makes it. Its methods do not change it."""

    model: "Model"
    photo: Photo
    proposer: str
    """How the regions were chosen: one of `dvsa.regions.PROPOSERS`, or `given`."""
    box_I4: Floats
    """In fractions of width and height; the last is the frame."""
    score_I: Floats
    """The proposer's confidence in [0, 1]."""
    feature_IF: Floats
    """For the captioners."""
    v_ID: Floats
    """For the score."""

    def __repr__(self) -> str:
        """The photograph and how many regions it has.

        >>> import dvsa
        >>> dvsa.load().open("examples/cat.jpg")
        <View of 'cat.jpg': 451 x 300 pixels, 20 regions (proposer: coverage)>
        """
        return f"<View of {self.photo.name!r}: {self._facts}>"

    @property
    def _facts(self) -> str:
        size = f"{self.photo.width} x {self.photo.height} pixels"
        return f"{size}, {len(self.box_I4)} regions (proposer: {self.proposer})"

    def _repr_html_(self) -> str:
        """The photograph with the boxes of its regions, without the frame."""
        boxes = [*enumerate(box_4.tolist() for box_4 in self.box_I4[:-1])]
        colour = notebook.colours(region for region, _ in boxes)
        jpeg = self.photo.jpeg(notebook.SIDE)
        shown = notebook.picture(jpeg, self.photo.width, self.photo.height, boxes, colour)
        return notebook.block(shown, notebook.line(self.photo.name, self._facts))

    @property
    def regions(self) -> tuple[Region, ...]:
        """The regions in the order in which they were chosen, the frame last.

        >>> import dvsa
        >>> view = dvsa.load().open("examples/photographer.jpg")
        >>> view.regions[-1].pixels, view.regions[-1].score
        ((0, 0, 512, 512), 1.0)
        """
        width, height = self.photo.width, self.photo.height
        return tuple(
            Region(i, tuple(map(float, box_4)), boxes.to_pixels(box_4, width, height), float(score))  # type: ignore[arg-type]
            for i, (box_4, score) in enumerate(zip(self.box_I4, self.score_I, strict=True))
        )

    def captions(self, beam: int | None = None, *, sampler: Sampler | None = None) -> list[Caption]:
        """Sentences for the whole photograph, the best first.

        Args:
            beam: width of the beam, which is also the number of captions; the bundle's default if None.
            sampler: draws one caption in place of the search; `dvsa.sampler` makes one.

        >>> import dvsa
        >>> view = dvsa.load().open("examples/cat.jpg")
        >>> [caption.text for caption in view.captions(beam=2)]
        ['a person is sitting on a wall', 'a man is sitting on a wall']
        """
        frame_B = np.array([len(self.box_I4) - 1])
        (found,) = self.model.write(
            self.feature_IF[None], frame_B, width=beam, v_BID=self.v_ID[None], sampler=sampler
        )
        return found

    @property
    def distance(self) -> float | None:
        """How far the photograph is from those that the model knows, from 0; None if that is unknown.

        About 2.5% of new photographs of the same kind are farther than 1.

        >>> import dvsa
        >>> dvsa.load().open("examples/cat.jpg").distance is None
        True
        """
        bundle = self.model.bundle
        if bundle.familiar is None or not bundle.manifest.familiar:
            return None
        (far,) = bundle.familiar.distances(frame_features(self.feature_IF[None]))
        return float(far / bundle.manifest.familiar)

    @property
    def familiar(self) -> bool:
        """Whether the photograph is like those that the model knows, or nothing is known about that.

        >>> import dvsa
        >>> dvsa.load().open("examples/cat.jpg").familiar
        True
        """
        return (self.distance or 0.0) <= 1

    def caption(self, beam: int | None = None) -> Caption:
        """The best sentence for the whole photograph.

        Of a photograph that is unlike those that the model knows, it is a shorter one with the best support
        (see `dvsa.model.surer`).

        >>> import dvsa
        >>> dvsa.load().open("examples/cat.jpg").caption().text
        'a cat is sitting on a wall'
        """
        found = self.captions(beam)
        return found[0] if self.familiar else surer(self, found)

    def best_regions(self, count: int = 5) -> list[int]:
        """Indices of the `count` best regions; one with an IoU above 0.5 with a better one is skipped.

        >>> import dvsa
        >>> dvsa.load().open("examples/photographer.jpg").best_regions(3)
        [1, 15, 6]
        """
        best_N = boxes.nms(self.box_I4[:-1], self.score_I[:-1], threshold=0.5, keep=count)
        return [int(i) for i in best_N]

    def phrases(self, count: int = 5, beam: int | None = None) -> tuple[Phrase, ...]:
        """Phrases for the `count` best regions (see `best_regions`), the best first.

        >>> import dvsa
        >>> view = dvsa.load().open("examples/photographer.jpg")
        >>> [(phrase.region.index, phrase.caption.text) for phrase in view.phrases(3)]
        [(1, 'a bike'), (15, 'a man'), (6, 'a camera')]
        """
        best = self.best_regions(count)
        if not best:
            return ()

        feature_BIF = np.repeat(self.feature_IF[None], len(best), axis=0)
        written = self.model.write(feature_BIF, np.array(best), subject="region", width=beam)
        regions = self.regions
        return tuple(Phrase(regions[i], captions[0]) for i, captions in zip(best, written, strict=True))

    def things(self, captions: Sequence[Caption] | None = None) -> tuple[Thing, ...]:
        """At most ten things that the photograph shows, the most probable first.

        They are ImageNet's classes, if the bundle knows them, and nouns of the captions that a region
        supports. None has a probability below 1/2, and no two mean the same.

        Args:
            captions: where nouns are taken from; by default the best caption and the phrases.

        >>> import dvsa
        >>> [thing.name for thing in dvsa.load().open("examples/photographer.jpg").things()]
        ['man', 'shirt', 'cellphone', 'camera']
        """
        if captions is None:
            captions = [self.caption(), *(phrase.caption for phrase in self.phrases())]
        return things(self, captions)

    def align(self, sentence: str | Sentence, beta: float | None = None) -> Alignment:
        """Find the region of each word, and join neighbouring words on one region to segments by the MRF.

        Args:
            sentence: a text, or a sentence that the same model has read.
            beta: preference for longer segments: 0 gives each word its best region, infinity puts all words
                on one region; the bundle's default if None.

        Raises:
            ValueError: the sentence has no words or more than 500; beta is negative or not a number.

        >>> import dvsa
        >>> alignment = dvsa.load().open("examples/photographer.jpg").align("a man with a camera")
        >>> round(alignment.score, 1), [(s.text, s.region) for s in alignment.segments]
        (13.0, [('a man with', 0), ('a', 6), ('camera', 14)])
        """
        beta = self.model.bundle.manifest.beta if beta is None else float(beta)
        sentence = self.model.read(sentence) if isinstance(sentence, str) else sentence
        return align(sentence, self.v_ID, beta=beta, support=self.model.bundle.manifest.evidence)

    def locate(self, sentence: str | Sentence, first: int = 0, last: int | None = None) -> Region:
        """Find the region of a phrase: the words `first` to `last` of a sentence, or the whole sentence.

        If the bundle has a sharpness, the answer is the region with the highest expected IoU with the right
        one; otherwise it is the region with the largest sum of v_i . s_t. The words outside the phrase are
        its context.

        Raises:
            ValueError: the sentence has no words `first` to `last`, or the model knows none of them.

        >>> import dvsa
        >>> view = dvsa.load().open("examples/photographer.jpg")
        >>> view.locate("a man with a camera", first=3).pixels
        (230, 132, 332, 258)
        """
        if isinstance(sentence, str):
            (sentence,) = self.model.read_many([sentence])
        words = sentence.words
        check_not_empty(sentence.text, words)
        phrase = slice(first, len(words) if last is None else last + 1)
        if not 0 <= first < phrase.stop <= len(words):
            raise ValueError(
                f"{sentence.text!r} has no words {first} to {last}: it has {len(words)}, from 0 on"
            )

        known_T = sentence.known_T[phrase]
        if not known_T.any():
            raise ValueError(f"no word of {' '.join(words[phrase])!r} is known to the model: use other words")
        s_ND = sentence.s_TD[phrase][known_T]
        return self.regions[locate(s_ND, self.v_ID, self.box_I4, self.model.bundle.manifest.sharpness)]

    def score(self, sentence: str | Sentence) -> float:
        """The score S_kl of this photograph and a sentence; 0 for a sentence without known words.

        >>> import dvsa
        >>> view = dvsa.load().open("examples/photographer.jpg")
        >>> [round(view.score(sentence), 1) for sentence in ("a man with a camera", "two dogs in snow", "")]
        [13.0, 0.3, 0.0]
        """
        if isinstance(sentence, str):
            (sentence,) = self.model.read_many([sentence])
        real_LT = np.ones((1, len(sentence.s_ND)), np.bool_)
        return float(maxsim.scores(self.v_ID[None], sentence.s_ND[None], real_LT)[0, 0])

    def describe(
        self, sentence: str | None = None, *, beta: float | None = None, phrases: int = 5
    ) -> Description:
        """Caption, phrases, and the alignment of `sentence`, or of the caption if there is no sentence.

        >>> import dvsa
        >>> description = dvsa.load().open("examples/photographer.jpg").describe(phrases=3)
        >>> description.photo, description.proposer, len(description.phrases)
        ('photographer.jpg', 'coverage', 3)
        """
        caption = self.caption()
        if sentence is None and caption.words:
            sentence = caption.text
        spoken = self.phrases(phrases)
        return Description(
            photo=self.photo.name,
            width=self.photo.width,
            height=self.photo.height,
            proposer=self.proposer,
            caption=caption,
            regions=self.regions,
            phrases=spoken,
            things=self.things([caption, *(phrase.caption for phrase in spoken)]),
            distance=self.distance,
            familiar=self.familiar,
            alignment=None if sentence is None else self.align(sentence, beta),
        )
