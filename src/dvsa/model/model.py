"""A trained model: it opens photographs, reads sentences and writes captions."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dvsa import maxsim, text
from dvsa.arrays import BoolArray, Floats, IntArray
from dvsa.bundle import Bundle
from dvsa.captioning import CaptionGraphs, Sampler, search, to_caption
from dvsa.model.crops import shown
from dvsa.model.given_boxes import given_boxes
from dvsa.model.names import Names
from dvsa.model.pictures import photo_of
from dvsa.model.view import View
from dvsa.photo import Photo, read, squash
from dvsa.records import Caption, Subject
from dvsa.regions import PROPOSERS, choose, with_frame
from dvsa.sentence import Sentence, check_length, with_nearest

OWN = "own"
"""The bundle's own proposer, as an argument of `Model.open`."""


@dataclass(frozen=True)
class Model:
    """A trained model. It keeps nothing about photographs, so threads may share it."""

    bundle: Bundle

    @classmethod
    def from_pretrained(
        cls, name: str | Path, *, revision: str | None = None, threads: int = 0, digest: str | None = None
    ) -> "Model":
        """The model of a bundle, as `dvsa.load` gives it, under the name that other libraries use.

        >>> Model.from_pretrained(Bundle.open().folder).bundle.manifest.name
        'flickr8k'
        """
        return cls(Bundle.open(name, revision=revision, threads=threads, digest=digest))

    def save_pretrained(self, folder: str | Path) -> Path:
        """Write the model's bundle and its card to a new folder; see `Bundle.save_pretrained`.

        >>> len([*Model(Bundle.open()).save_pretrained("mine").iterdir()])
        13
        """
        return self.bundle.save_pretrained(folder)

    def open(
        self,
        photo: str | Path | bytes | Photo | Image.Image | NDArray[np.uint8],
        *,
        regions: str | Path | NDArray[np.floating] = OWN,
    ) -> View:
        """Open a photograph: decode it, choose its regions and compute their vectors.

        Args:
            photo: a file, its bytes, a decoded photograph, a picture of Pillow, or uint8 (H, W, 3) in RGB.
            regions: `own` for the bundle's own proposer; `head`, `coverage`, `grid` or `frame` for another
                one, see `dvsa.regions.choose`; a JSON file of boxes in pixels of the original; or boxes
                (N, 4) in fractions of it. The frame is added as the last region.

        Raises:
            PhotoError: the photograph cannot be read, or the array is no picture.
            ValueError: `regions` is neither a proposer, nor an existing file, nor valid boxes.

        >>> import dvsa
        >>> given = dvsa.load().open("examples/photographer.jpg", regions=np.array([[0, 0, 0.5, 1]]))
        >>> len(given.regions)
        2
        """
        self.bundle.require_eye()
        if isinstance(photo, str | Path | bytes):
            photo = read(Path(photo) if isinstance(photo, str) else photo)
        elif not isinstance(photo, Photo):
            photo = photo_of(photo)

        fine, coarse, score_BN, box_BN4 = self.look(squash(photo, self.bundle.side)[None])
        proposer, box_I4, score_I = self._regions(photo, regions, score_BN[0], box_BN4[0])
        feature_BIF, v_BID = self.encode(fine, coarse, box_I4[None], [photo])
        return View(self, photo, proposer, box_I4, score_I, feature_BIF[0], v_BID[0])

    def _regions(
        self, photo: Photo, regions: str | Path | NDArray[np.floating], score_N: Floats, box_N4: Floats
    ) -> tuple[str, Floats, Floats]:
        """Proposer, boxes and scores of the regions that `open` was asked for."""
        if isinstance(regions, str) and regions in (OWN, *PROPOSERS):
            proposer = self.bundle.manifest.proposer if regions == OWN else regions
            return proposer, *self.propose(score_N, box_N4, proposer)
        return "given", *with_frame(given_boxes(regions, photo, (OWN, *PROPOSERS)))

    def look(self, pixels_BHWC: NDArray[np.uint8]) -> tuple[Floats, Floats, Floats, Floats]:
        """Fine and coarse feature maps, and scores (B, N) and boxes (B, N, 4) of candidates.

        Raises:
            ValueError: the bundle takes features of regions, not photographs.

        >>> import dvsa
        >>> fine, coarse, score_BN, box_BN4 = dvsa.load().look(np.zeros((1, 224, 224, 3), np.uint8))
        >>> score_BN.shape, box_BN4.shape
        ((1, 13824), (1, 13824, 4))
        """
        self.bundle.require_eye()
        fine, coarse, score_BN, box_BN4 = self.bundle.graphs.run("look", {"pixels": pixels_BHWC})
        return fine, coarse, score_BN, box_BN4  # type: ignore[return-value]

    def propose(self, score_N: Floats, box_N4: Floats, proposer: str | None = None) -> tuple[Floats, Floats]:
        """Choose the regions of one photograph, the frame last: boxes (I, 4) and scores (I,).

        Args:
            score_N: scores of the candidates.
            box_N4: the candidates.
            proposer: one of `dvsa.regions.PROPOSERS`; the bundle's own if None.

        >>> import dvsa
        >>> model = dvsa.load()
        >>> fine, coarse, score_BN, box_BN4 = model.look(np.zeros((1, 224, 224, 3), np.uint8))
        >>> box_I4, score_I = model.propose(score_BN[0], box_BN4[0])
        >>> box_I4.shape, float(score_I[-1])
        ((20, 4), 1.0)
        """
        manifest = self.bundle.manifest
        return choose(proposer or manifest.proposer, score_N, box_N4, threshold=manifest.nms)

    def encode(
        self, fine: Floats, coarse: Floats, box_BI4: Floats, photos: Sequence[Photo] = ()
    ) -> tuple[Floats, Floats]:
        """Features (B, I, F) for the captioners, and region vectors v (B, I, D) for the score.

        Args:
            fine: maps of B photographs from `look`.
            coarse: likewise.
            box_BI4: the regions to describe.
            photos: the photographs, for a bundle that describes regions by crops.

        Raises:
            ValueError: the bundle needs the photographs.

        >>> import dvsa
        >>> model = dvsa.load()
        >>> fine, coarse, _, _ = model.look(np.zeros((1, 224, 224, 3), np.uint8))
        >>> feature_BIF, v_BID = model.encode(fine, coarse, np.array([[[0, 0, 1, 1]]], np.float32))
        >>> v_BID.shape
        (1, 1, 256)
        """
        given = {"fine": fine, "coarse": coarse, "boxes": box_BI4}
        crops = self.bundle.manifest.crops
        if crops is not None:
            given["shown"] = shown(self.bundle, crops, photos, box_BI4)
        inputs = {name: given[name] for name in self.bundle.graphs.inputs("encode")}
        feature_BIF, v_BID = self.bundle.graphs.run("encode", inputs)
        return feature_BIF, v_BID  # type: ignore[return-value]

    def encode_features(self, given_BIF: Floats, box_BI4: Floats) -> tuple[Floats, Floats]:
        """The same for features of regions from files, for a bundle that takes them in place of photographs.

        Args:
            given_BIF: features of the regions of B photographs, the frame last.
            box_BI4: their boxes.

        Raises:
            ValueError: the bundle takes photographs, or features of another width.

        >>> import dvsa
        >>> boxes = np.array([[[0, 0, 1, 1]]], np.float32)
        >>> dvsa.load().encode_features(np.zeros((1, 1, 2048), np.float32), boxes)
        Traceback (most recent call last):
        ValueError: bundle flickr8k takes photographs, not features of regions: use another bundle
        """
        width, name = self.bundle.manifest.given_features, self.bundle.manifest.name
        if not width:
            raise ValueError(f"bundle {name} takes photographs, not features of regions: use another bundle")
        if given_BIF.shape[-1] != width:
            raise ValueError(f"bundle {name} takes features of width {width}, not {given_BIF.shape[-1]}")
        feature_BIF, v_BID = self.bundle.graphs.run("encode", {"shown": given_BIF, "boxes": box_BI4})
        return feature_BIF, v_BID  # type: ignore[return-value]

    def read(self, sentence: str) -> Sentence:
        """Tokenise and encode a sentence; case and punctuation are ignored.

        Raises:
            ValueError: it has no words, or more than 500.

        >>> import dvsa
        >>> dvsa.load().read("A dog runs.").words
        ('a', 'dog', 'runs')
        """
        check_length(sentence, text.words(sentence))
        return with_nearest(self.read_many([sentence])[0], self.bundle.vocabulary)

    def read_many(self, sentences: Sequence[str]) -> list[Sentence]:
        """Tokenise and encode sentences in one batch, without checking their lengths.

        >>> import dvsa
        >>> [len(sentence.words) for sentence in dvsa.load().read_many(["a dog runs", ""])]
        [3, 0]
        """
        taught, vocabulary = self.bundle.taught, self.bundle.vocabulary
        words_L = [taught.joined(text.words(sentence)) for sentence in sentences]
        read = zip(sentences, words_L, *self.word_vectors(words_L), strict=True)
        return [
            taught.known(Sentence.of(sentence, words, vocabulary, s_TD[real_T]))
            for sentence, words, s_TD, real_T in read
        ]

    def word_vectors(self, sentences: Sequence[Sequence[str]]) -> tuple[Floats, BoolArray]:
        """Vectors s (L, T, D) of the known words of tokenised sentences, and a mask (L, T), true at words.

        >>> import dvsa
        >>> s_LTD, real_LT = dvsa.load().word_vectors([["a", "dog"], ["zyzzyva", "runs"]])
        >>> s_LTD.shape, real_LT.tolist()
        ((2, 2, 256), [[True, True], [True, False]])
        """
        ids_LT, real_LT = text.pad([self.bundle.vocabulary.encode(s) for s in sentences])
        if not ids_LT.size:
            return np.zeros((*ids_LT.shape, self.bundle.manifest.embedding), np.float32), real_LT
        (s_LTD,) = self.bundle.graphs.run("sentence", {"ids": ids_LT, "real": real_LT})
        return s_LTD, real_LT  # type: ignore[return-value]

    @cached_property
    def names(self) -> Names:
        """The names of ImageNet's classes, as far as the vocabulary has their words."""
        return Names.read(self.bundle.vocabulary, self.word_vectors)

    def captioner(self, subject: Subject) -> CaptionGraphs:
        """The captioner of photographs (`frame`) or of regions (`region`).

        Raises:
            ValueError: the bundle has no captioner for `subject`.

        >>> import dvsa
        >>> dvsa.load().captioner("region").voice
        Voice(graphs='phrase', start=2)
        """
        manifest = self.bundle.manifest
        voice = manifest.voices.get(subject)
        if voice is None:
            what = {"frame": "photographs", "region": "regions"}[subject]
            raise ValueError(f"bundle {manifest.name} has no captioner of {what}: use another bundle")
        return CaptionGraphs(self.bundle.graphs, voice, self.bundle.fluency)

    def write(
        self,
        feature_BIF: Floats,
        focus_B: IntArray,
        *,
        subject: Subject = "frame",
        width: int | None = None,
        length_power: float | None = None,
        v_BID: Floats | None = None,
        sampler: Sampler | None = None,
    ) -> list[list[Caption]]:
        """Captions of B photographs, or of one region of each, the best first.

        Args:
            feature_BIF: features of the regions of the photographs.
            focus_B: the region to describe; the last one is the frame.
            subject: which captioner writes.
            width: width of the beam, 1 for greedy search; the bundle's default if None.
            length_power: captions are compared by log-probability / length ** `length_power`; the bundle's
                default if None.
            v_BID: vectors of all regions. If given, and if the bundle reranks, captions are compared by a
                weighted sum of this value and their alignment score with the whole photograph.
            sampler: draws one caption for each photograph, in place of the search.

        Raises:
            ValueError: the bundle has no captioner for `subject`.

        >>> import dvsa
        >>> view = dvsa.load().open("examples/photographer.jpg")
        >>> ((best, *_),) = view.model.write(view.feature_IF[None], np.array([0]), subject="region")
        >>> best.text
        'a man'
        """
        manifest = self.bundle.manifest
        captioner = self.captioner(subject)
        state = captioner.start(feature_BIF, focus_B)
        if sampler is not None:
            return [[to_caption(drawn, self.bundle.spoken)] for drawn in sampler(captioner, state)]

        width = manifest.beam if width is None else width
        power = manifest.length_power if length_power is None else length_power
        found = search(captioner, state, width=width, length_power=power)
        written = [[to_caption(h, self.bundle.spoken) for h in hypotheses] for hypotheses in found]
        if v_BID is None or not manifest.rerank:
            return written
        return [self._reranked(captions, v_ID, power) for captions, v_ID in zip(written, v_BID, strict=True)]

    def _reranked(self, captions: Sequence[Caption], v_ID: Floats, power: float) -> list[Caption]:
        """Sort by log-probability / length ** power + `rerank` S_kl (paper, eq. 8), the highest first."""
        s_NTD, real_NT = self.word_vectors([caption.words for caption in captions])
        likely_N = np.array([c.logprob / len(c.logprobs) ** power for c in captions])
        value_N = likely_N + self.bundle.manifest.rerank * maxsim.scores(v_ID[None], s_NTD, real_NT)[0]
        return [captions[n] for n in np.argsort(-value_N, kind="stable")]
