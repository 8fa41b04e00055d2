"""The network that puts regions and words into one space: the alignment model of the paper (section 3.1)."""

from torch import Tensor, nn

from dvsa.learn.nets import sentence
from dvsa.learn.nets.sentence import SentenceConfig
from dvsa.learn.nets.vision import Vision
from dvsa.learn.nets.vision_config import VisionConfig


class JointModel(nn.Module):
    """Photographs and sentences in one space: `vision` gives region vectors v, `sentence` word vectors s."""

    vision: Vision
    sentence: nn.Module

    def __init__(
        self,
        vision: VisionConfig,
        sentences: SentenceConfig,
        vocabulary: int,
        anchors_A2: Tensor | None = None,
        word_VD: Tensor | None = None,
        pretrained: bool = True,
    ) -> None:
        """Build an untrained network.

        Args:
            vision: sizes of the photograph's side.
            sentences: sizes of the sentence's side.
            vocabulary: V, the number of word ids.
            anchors_A2: shapes of the proposal head's anchors.
            word_VD: word vectors from a file, which stay fixed.
            pretrained: whether to load the backbone's ImageNet weights.
        """
        super().__init__()
        self.vision = Vision(vision, anchors_A2, pretrained)
        self.sentence = sentence.build(sentences, vocabulary, word_VD)
