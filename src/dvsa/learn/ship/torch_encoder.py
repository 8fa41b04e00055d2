"""Encoding in bulk with torch: the bundle's networks on a GPU, which threads supply with photographs.

What is computed in which precision:

    backbone, candidates    float16 on a GPU, with sums in float32; or float32 throughout
    choice of regions       float32
    region vectors          float32
    captions                float32

Float16 and not bfloat16: the weights of a bundle are float16 numbers already, and bfloat16 has an eighth of
the precision. `benchmarks/encode.py` measures how far the rows are from those of a CPU. The scores of
candidates move a little, so another candidate is chosen where two add almost the same. `precision="single"`
avoids this, at a lower speed; TensorFloat-32 is off then.
"""

import os
import shutil
from collections import deque
from collections.abc import Iterable, Iterator, Sequence, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Final, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dvsa.ahead import chunks, in_order
from dvsa.bundle import Bundle
from dvsa.data.photographs import NamedSource
from dvsa.encoding import Encoded, Facts, Settings
from dvsa.encoding.encoder import nothing, open_photograph
from dvsa.learn.nets.backbones.folding import drop_folded_norms
from dvsa.learn.nets.regions import choose
from dvsa.learn.nets.vision import Vision
from dvsa.learn.runs.bundle_networks import BundleNetworks
from dvsa.learn.ship.torch_captions import TorchCaptions, Written
from dvsa.photo import squash

READ: Final = 32
"""Photographs that a thread reads at once."""
BATCH: Final = 128
"""Photographs in a batch of the network, by default."""

COMPILED_FROM: Final = 200_000
"""From this number of photographs on, the network is compiled by default: an estimate of where that takes
less time than it saves. `benchmarks/encode.py` measures both."""

Precision = Literal["half", "single"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TorchOptions:
    """How the work is done; the results are the same within the precision."""

    precision: Precision = "half"
    """Of the backbone and the candidates on a GPU; on a CPU it is always single."""
    batch: int = BATCH
    compiled: bool | None = None
    """Whether torch compiles the network for the GPU first, which needs a C compiler. None decides by the
    number of photographs; see `COMPILED_FROM`."""
    workers: int | None = None
    """Threads that read photographs; None for one per core."""

    def __post_init__(self) -> None:
        if self.precision not in get_args(Precision):
            raise ValueError(
                f"the precision is {self.precision!r}: choose from {', '.join(get_args(Precision))}"
            )
        if self.batch < 1:
            raise ValueError(f"a batch cannot have {self.batch} photographs: give 1 or more")


@dataclass(frozen=True, eq=False, slots=True)
class Squares:
    """Some photographs (K), and the squares of those that could be read (G)."""

    facts: tuple[Facts, ...]
    pixels_GHWC: NDArray[np.uint8]


def read_squares(sources: Sequence[NamedSource], side: int) -> Squares:
    """Read photographs and squash them to squares of `side` pixels."""
    opened = [open_photograph(source) for source in sources]
    squares = [squash(photo, side) for _, photo in opened if photo is not None]
    pixels_GHWC = np.stack(squares) if squares else np.empty((0, side, side, 3), np.uint8)
    return Squares(tuple(fact for fact, _ in opened), pixels_GHWC)


class Regions(nn.Module):
    """Photographs to regions: boxes (B, I, 4), scores (B, I), features (B, I, F) and vectors v (B, I, D)."""

    def __init__(self, vision: Vision, proposer: str, nms: float, *, half: bool) -> None:
        super().__init__()
        self.vision, self.proposer, self.nms, self.in_half = vision, proposer, nms, half

    @torch.no_grad()
    def forward(self, pixels_BHWC: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        device = pixels_BHWC.device.type
        with torch.autocast(device, torch.float16, enabled=self.in_half):
            looked = self.vision.look(pixels_BHWC, propose=self.proposer in ("head", "coverage"))
        box_BI4, score_BI = choose(looked.logit_BN, looked.box_BN4, self.proposer, self.nms)
        with torch.autocast(device, torch.float16, enabled=self.in_half):
            shown_BIC = self.vision.crops(pixels_BHWC, box_BI4)
        return box_BI4, score_BI, *self.vision.encode(looked.maps, shown_BIC, box_BI4)


@dataclass(frozen=True, eq=False, slots=True)
class Launched:
    """A batch that the device may still be at work on."""

    facts: tuple[Facts, ...]
    outputs: tuple[Tensor, ...] = ()
    """On the host, once the device is done: boxes, scores, vectors, and what captions are made of."""
    done: torch.cuda.Event | None = None


class TorchEncoder:
    """An encoder that runs a bundle's networks in torch. While the device is at work, threads read ahead.

    Nothing waits for the device except for the results of the batch before, and for captions.
    """

    def __init__(
        self, bundle: Bundle, settings: Settings, device: torch.device, options: TorchOptions | None = None
    ) -> None:
        """Build the networks of a bundle on a device.

        Raises:
            ValueError: the bundle cannot give what is asked for, or its networks cannot be built.
        """
        settings.check(bundle)
        crops = bundle.manifest.crops
        if crops is not None and crops.full_resolution:
            raise ValueError(
                f"bundle {bundle.manifest.name} cuts its crops from whole photographs, which torch does not "
                "do in bulk: give --device cpu"
            )
        self.bundle, self.settings, self.device = bundle, settings, device
        self.options = options or TorchOptions()
        self.half = self.options.precision == "half" and device.type == "cuda"

        self.compiled = False

        networks = BundleNetworks(bundle)
        self.captions: TorchCaptions | None = None
        if settings.captions:
            joint = networks.joint_model(bundle.vocabulary)
            vision = joint.vision
            self.captions = TorchCaptions.of(networks, joint, device)
        else:
            vision = networks.vision()
        drop_folded_norms(vision)
        vision = vision.eval().requires_grad_(False).to(device).to(memory_format=torch.channels_last)
        self.regions = Regions(vision, settings.proposer(bundle), bundle.manifest.nms, half=self.half)

    @property
    def made_by(self) -> str:
        """The program, the device and the precision, for the files."""
        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else self.device.type
        return f"torch {torch.__version__} on {name}, {'half' if self.half else 'single'} precision"

    def __call__(self, sources: Iterable[NamedSource]) -> Iterator[Encoded]:
        """Encode photographs, a batch at a time."""
        self.compile_for(len(sources) if isinstance(sources, Sized) else 0)
        size = min(READ, self.options.batch)
        read = partial(read_squares, side=self.bundle.side)
        workers = self.options.workers or os.cpu_count() or 1
        return self.encode(in_order(read, chunks(sources, size), workers))

    def encode(self, squares: Iterable[Squares]) -> Iterator[Encoded]:
        """Encode photographs that have been read, a batch at a time."""
        waiting: deque[Launched] = deque()
        for parts in gathered(squares, self.options.batch):
            waiting.append(self._launch(parts))
            if len(waiting) > 1:
                yield self._finish(waiting.popleft())
        while waiting:
            yield self._finish(waiting.popleft())

    def compile_for(self, count: int) -> None:
        """Compile the network, if that was asked for or saves time with this number of photographs."""
        wanted = self.options.compiled
        if wanted is None:
            compilers = (os.environ.get("CC"), shutil.which("gcc"), shutil.which("clang"))
            wanted = self.device.type == "cuda" and count >= COMPILED_FROM and any(compilers)
        if wanted and not self.compiled:
            self.compiled = True
            self.regions.compile(dynamic=False)

    def look(self, pixels_BHWC: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Boxes, scores, features and vectors of the regions of photographs on the device.

        Raises:
            ValueError: the device has too little memory, or torch cannot compile the network.
        """
        try:
            with tuned():
                found: tuple[Tensor, Tensor, Tensor, Tensor] = self.regions(pixels_BHWC)
        except torch.OutOfMemoryError as error:
            count = len(pixels_BHWC)
            raise ValueError(
                f"{count} photographs take more memory than the device has: give a smaller --batch"
            ) from error
        except RuntimeError as error:
            if not self.compiled:
                raise
            reason = str(error).strip().splitlines()[0]
            raise ValueError(f"torch cannot compile the network ({reason}): give --no-compile") from error
        return found

    def _launch(self, parts: Sequence[Squares]) -> Launched:
        """Give the device a batch to work on."""
        facts = tuple(chain.from_iterable(part.facts for part in parts))
        count = sum(len(part.pixels_GHWC) for part in parts)
        if not count:
            return Launched(facts)

        # A GPU always gets whole batches, since a network is tuned and compiled for one size.
        cuda = self.device.type == "cuda"
        side, size = self.bundle.side, self.options.batch if cuda else count
        pixels_BHWC = torch.empty(size, side, side, 3, dtype=torch.uint8, pin_memory=cuda)
        np.concatenate([part.pixels_GHWC for part in parts], out=pixels_BHWC[:count].numpy())
        found = self.look(pixels_BHWC.to(self.device, non_blocking=True))
        box_BI4, score_BI, feature_BIF, v_BID = (tensor[:count] for tensor in found)
        with tuned():
            said = () if self.captions is None else self.captions.write(feature_BIF, v_BID)
        return self._to_host(facts, (box_BI4, score_BI, v_BID, *said))

    def _to_host(self, facts: tuple[Facts, ...], tensors: Sequence[Tensor]) -> Launched:
        """Have the results of a batch copied to the host, without waiting for that."""
        if self.device.type != "cuda":
            return Launched(facts, tuple(tensors))
        hosted = [torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True) for tensor in tensors]
        for host, tensor in zip(hosted, tensors, strict=True):
            host.copy_(tensor, non_blocking=True)
        return Launched(facts, tuple(hosted), torch.cuda.current_stream(self.device).record_event())

    def _finish(self, batch: Launched) -> Encoded:
        """Wait for the results of a batch."""
        if not batch.outputs:
            return nothing(batch.facts, self.bundle.manifest.embedding)
        if batch.done is not None:
            batch.done.synchronize()

        box_GI4, score_GI, v_GID = (tensor.numpy() for tensor in batch.outputs[:3])
        if not (np.isfinite(v_GID).all() and np.isfinite(score_GI).all()):
            raise ValueError(
                f"bundle {self.bundle.manifest.name} gives numbers that are too large for half precision: "
                "give --precision single"
            )
        said = () if self.captions is None else self.captions.records(Written(*batch.outputs[3:]), v_GID)
        return Encoded(batch.facts, box_GI4, score_GI, v_GID, said)


@contextmanager
def tuned() -> Iterator[None]:
    """Let cuDNN try out its algorithms for each size, and keep it from TensorFloat-32, its default."""
    cudnn = torch.backends.cudnn
    before = cudnn.benchmark, cudnn.allow_tf32
    cudnn.benchmark, cudnn.allow_tf32 = True, False
    try:
        yield
    finally:
        cudnn.benchmark, cudnn.allow_tf32 = before


def gathered(parts: Iterable[Squares], size: int) -> Iterator[list[Squares]]:
    """Parts put together to batches of at most `size` photographs that could be read."""
    held: list[Squares] = []
    count = 0
    for part in parts:
        if count + len(part.pixels_GHWC) > size:
            yield held
            held, count = [], 0
        held.append(part)
        count += len(part.pixels_GHWC)
    if held:
        yield held
