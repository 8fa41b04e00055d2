"""The model as one uses it: open a photograph once, then ask about it as often as one likes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dvsa import beam, boxes, maxsim, text
from dvsa.aligning import align, locate
from dvsa.bundle import Bundle
from dvsa.captioning import CaptionGraphs, Sampler, search
from dvsa.photo import Photo, read, squash
from dvsa.records import Alignment, Caption, Description, Phrase, Region, Subject
from dvsa.regions import PROPOSERS, choose, with_frame
from dvsa.sentence import Sentence, check_length

Floats = NDArray[np.float32]

OWN = "own"
"""The bundle's own proposer, as an argument of `Model.open`."""


def load(bundle: str | Path | None = None, *, threads: int = 0) -> "Model":
    """The shipped model, or the one in the folder `bundle`; raises BundleError where that is damaged."""
    return Model(Bundle.open(None if bundle is None else Path(bundle), threads=threads))


@dataclass(frozen=True)
class Model:
    """A trained model. It holds no state of any photograph, so threads may share it."""

    bundle: Bundle

    def open(
        self, photo: str | Path | bytes | Photo, *, regions: str | Path | NDArray[np.floating] = OWN
    ) -> "View":
        """Look at a photograph.

        Args:
            photo: a file, the bytes of one, or a decoded photograph.
            regions: `own` for the bundle's own proposer; `head`, `coverage`, `grid` or `frame` for another
                one, see `dvsa.regions.choose`; a JSON file of boxes in pixels of the original; or boxes
                (N, 4) in fractions of it. The frame is added as the last region.

        Raises:
            PhotoError: the photograph cannot be read.
            ValueError: `regions` is no proposer, no file and no valid boxes.
        """
        if not isinstance(photo, Photo):
            photo = read(Path(photo) if isinstance(photo, str) else photo)
        fine, coarse, score_BN, box_BN4 = self.look(squash(photo, self.bundle.manifest.size)[None])
        proposer, box_I4, score_I = self._regions(photo, regions, score_BN[0], box_BN4[0])
        feature_BIF, v_BID = self.encode(fine, coarse, box_I4[None])
        return View(self, photo, proposer, box_I4, score_I, feature_BIF[0], v_BID[0])

    def _regions(
        self, photo: Photo, regions: str | Path | NDArray[np.floating], score_N: Floats, box_N4: Floats
    ) -> tuple[str, Floats, Floats]:
        if isinstance(regions, str) and regions in (OWN, *PROPOSERS):
            proposer = self.bundle.manifest.proposer if regions == OWN else regions
            return proposer, *self.propose(score_N, box_N4, proposer)

        if isinstance(regions, str | Path):
            if not Path(regions).is_file():
                known = ", ".join((OWN, *PROPOSERS))
                raise ValueError(f"{str(regions)!r} is no file of boxes and no proposer: use one of {known}")
            given_I4 = boxes.read_boxes(Path(regions), photo.width, photo.height)
        else:
            given_I4 = np.asarray(regions, dtype=np.float64).reshape(-1, 4)
            if not (np.isfinite(given_I4).all() and (given_I4[:, :2] < given_I4[:, 2:]).all()):
                raise ValueError("boxes must be (N, 4): x0 < x1 and y0 < y1, in fractions of the photograph")
        return "given", *with_frame(given_I4)

    def look(self, pixels_BHWC: NDArray[np.uint8]) -> tuple[Floats, Floats, Floats, Floats]:
        """Fine and coarse feature maps, and scores (B, N) and boxes (B, N, 4) of candidates."""
        fine, coarse, score_BN, box_BN4 = self.bundle.graphs.run("look", {"pixels": pixels_BHWC})
        return fine, coarse, score_BN, box_BN4  # type: ignore[return-value]

    def propose(self, score_N: Floats, box_N4: Floats, proposer: str | None = None) -> tuple[Floats, Floats]:
        """Regions of one photograph, the frame last: boxes (I, 4) and scores (I,).

        The bundle's own proposer chooses them from the candidates if `proposer` is None.
        """
        manifest = self.bundle.manifest
        return choose(proposer or manifest.proposer, score_N, box_N4, threshold=manifest.nms)

    def encode(self, fine: Floats, coarse: Floats, box_BI4: Floats) -> tuple[Floats, Floats]:
        """Features (B, I, F) for the captioners, and region vectors v (B, I, D) for the score."""
        feature_BIF, v_BID = self.bundle.graphs.run(
            "encode", {"fine": fine, "coarse": coarse, "boxes": box_BI4}
        )
        return feature_BIF, v_BID  # type: ignore[return-value]

    def read(self, sentence: str) -> Sentence:
        """Tokenise and encode a sentence; case and punctuation are ignored.

        Raises:
            ValueError: it has no words, or more than `MAX_WORDS`.
        """
        check_length(sentence, text.words(sentence))
        return self.read_many([sentence])[0]

    def read_many(self, sentences: Sequence[str]) -> list[Sentence]:
        """Tokenise and encode sentences in one batch, without a check of their lengths."""
        words_L = [text.words(sentence) for sentence in sentences]
        s_LTD, real_LT = self.word_vectors(words_L)
        return [
            Sentence(
                sentence,
                tuple(words),
                np.array([word in self.bundle.vocabulary for word in words], dtype=np.bool_),
                s_TD[real_T],
            )
            for sentence, words, s_TD, real_T in zip(sentences, words_L, s_LTD, real_LT, strict=True)
        ]

    def word_vectors(self, sentences: Sequence[Sequence[str]]) -> tuple[Floats, NDArray[np.bool_]]:
        """Vectors s (L, T, D) of the known words of tokenised sentences, and where there is one (L, T)."""
        ids_LT, real_LT = text.pad([self.bundle.vocabulary.encode(s) for s in sentences])
        if not ids_LT.size:
            return np.zeros((*ids_LT.shape, self.bundle.manifest.embedding), np.float32), real_LT
        (s_LTD,) = self.bundle.graphs.run("sentence", {"ids": ids_LT, "real": real_LT})
        return s_LTD, real_LT  # type: ignore[return-value]

    def captioner(self, subject: Subject) -> CaptionGraphs:
        """The captioner of photographs (`frame`) or of regions (`region`); ValueError if there is none."""
        manifest = self.bundle.manifest
        voice = manifest.voices.get(subject)
        if voice is None:
            raise ValueError(f"bundle {manifest.name} has no captioner for a {subject}: use another one")
        return CaptionGraphs(self.bundle.graphs, voice)

    def write(
        self,
        feature_BIF: Floats,
        focus_B: NDArray[np.int64],
        *,
        subject: Subject = "frame",
        width: int | None = None,
        length_power: float | None = None,
        v_BID: Floats | None = None,
        sampler: Sampler | None = None,
    ) -> list[list[Caption]]:
        """Captions of B photographs, or of one region each, the best first.

        Args:
            feature_BIF: features of their regions.
            focus_B: the region to speak of; the last is the frame.
            subject: which captioner speaks.
            width: of the beam; 1 is greedy; the bundle's own choice where it is None.
            length_power: a log-probability is divided by its length to this power before captions are
                compared; the bundle's own choice where it is None.
            v_BID: vectors of all regions; where they are given, what the search found is reranked as the
                bundle says: by how well the whole photograph bears it out, beside how likely it is.
            sampler: draw one caption each by this instead of searching.

        Raises:
            ValueError: the bundle has no captioner for `subject`.
        """
        manifest = self.bundle.manifest
        captioner = self.captioner(subject)
        state = captioner.start(feature_BIF, focus_B)
        if sampler is not None:
            return [[self._caption(drawn)] for drawn in sampler(captioner, state)]

        power = manifest.length_power if length_power is None else length_power
        width = manifest.beam if width is None else width
        found = search(captioner, state, width=width, length_power=power)
        written = [[self._caption(h) for h in hypotheses] for hypotheses in found]
        if v_BID is None or not self.bundle.manifest.rerank:
            return written
        return [self._reranked(captions, v_ID, power) for captions, v_ID in zip(written, v_BID, strict=True)]

    def _reranked(self, captions: Sequence[Caption], v_ID: Floats, power: float) -> list[Caption]:
        """By log-probability over length ** power plus `rerank` S_kl (paper, eq. 8), highest first."""
        s_NTD, real_NT = self.word_vectors([caption.words for caption in captions])
        likely_N = np.array([c.logprob / len(c.logprobs) ** power for c in captions])
        value_N = likely_N + self.bundle.manifest.rerank * maxsim.scores(v_ID[None], s_NTD, real_NT)[0]
        return [captions[n] for n in np.argsort(-value_N, kind="stable")]

    def _caption(self, hypothesis: beam.Hypothesis) -> Caption:
        said = tuple(self.bundle.vocabulary.decode(hypothesis.tokens))
        return Caption(
            " ".join(said), float(hypothesis.logp), said, tuple(float(p) for p in hypothesis.logps)
        )


@dataclass(frozen=True, eq=False)
class View:
    """One photograph as the model sees it. Frozen: no question about it can disturb another."""

    model: Model
    photo: Photo
    proposer: str
    box_I4: Floats
    """In fractions of width and height; the last is the frame."""
    score_I: Floats
    feature_IF: Floats
    v_ID: Floats

    @property
    def regions(self) -> tuple[Region, ...]:
        """The regions in the order that they were chosen in, the whole frame last."""
        width, height = self.photo.width, self.photo.height
        return tuple(
            Region(i, tuple(map(float, box_4)), boxes.to_pixels(box_4, width, height), float(score))  # type: ignore[arg-type]
            for i, (box_4, score) in enumerate(zip(self.box_I4, self.score_I, strict=True))
        )

    def captions(self, beam: int | None = None, *, sampler: Sampler | None = None) -> list[Caption]:
        """Sentences for the whole photograph, the best first: as many as the beam is wide."""
        frame_B = np.array([len(self.box_I4) - 1])
        return self.model.write(
            self.feature_IF[None], frame_B, width=beam, v_BID=self.v_ID[None], sampler=sampler
        )[0]

    def caption(self, beam: int | None = None) -> Caption:
        """The best sentence for the whole photograph."""
        return self.captions(beam)[0]

    def phrases(self, count: int = 5, beam: int | None = None) -> tuple[Phrase, ...]:
        """Phrases for the `count` best regions; those that overlap a better one by an IoU of 0.5 give way."""
        best = boxes.nms(self.box_I4[:-1], self.score_I[:-1], threshold=0.5, keep=count)
        if not len(best):
            return ()
        feature_BIF = np.repeat(self.feature_IF[None], len(best), axis=0)
        written = self.model.write(feature_BIF, best.astype(np.int64), subject="region", width=beam)
        regions = self.regions
        return tuple(Phrase(regions[i], captions[0]) for i, captions in zip(best, written, strict=True))

    def align(self, sentence: str | Sentence, beta: float | None = None) -> Alignment:
        """Find the region of each word, and join neighbouring words on one region to segments by the MRF.

        Args:
            sentence: a text, or a sentence that this model has read.
            beta: preference for longer segments: 0 gives each word its best region, infinity puts all words
                on one region; the bundle's default if None.

        Raises:
            ValueError: the sentence has no words or more than 500; beta is negative or not a number.
        """
        beta = self.model.bundle.manifest.beta if beta is None else float(beta)
        sentence = self.model.read(sentence) if isinstance(sentence, str) else sentence
        return align(sentence, self.v_ID, beta=beta, support=self.model.bundle.manifest.support)

    def locate(self, sentence: str | Sentence, first: int = 0, last: int | None = None) -> Region:
        """Find the region of a phrase: the words `first` to `last` of a sentence, or the whole sentence.

        The answer is the region with the highest expected IoU with the right one if the bundle has a
        sharpness, and the region with the largest sum of v_i . s_t otherwise. The words outside the phrase
        are its context.

        Raises:
            ValueError: the sentence has no words `first` to `last`, or the model knows none of them.
        """
        sentence = self.model.read(sentence) if isinstance(sentence, str) else sentence
        words = sentence.words
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
        """The score S_kl of this photograph and a sentence; 0 for a sentence without known words."""
        if isinstance(sentence, str):
            (sentence,) = self.model.read_many([sentence])
        real_LT = np.ones((1, len(sentence.s_ND)), np.bool_)
        return float(maxsim.scores(self.v_ID[None], sentence.s_ND[None], real_LT)[0, 0])

    def describe(
        self, sentence: str | None = None, *, beta: float | None = None, phrases: int = 5
    ) -> Description:
        """Everything at once: caption, phrases, and the alignment of `sentence`, or of the caption itself."""
        caption = self.caption()
        wanted = sentence if sentence is not None else caption.text
        return Description(
            photo=self.photo.name, width=self.photo.width, height=self.photo.height, proposer=self.proposer,
            caption=caption, regions=self.regions, phrases=self.phrases(phrases),
            alignment=None if sentence is None and not text.words(wanted) else self.align(wanted, beta),
        )  # fmt: skip
