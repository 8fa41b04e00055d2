"""`dvsa encode`: regions, vectors and captions of photographs as Parquet files."""

from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from dvsa.cli.indexing import connected_cluster
from dvsa.cli.left_out import left_out_counts, name_faults
from dvsa.cli.options import AsJson, ModelBundle, PhotoNames, RayAddress
from dvsa.cli.output import print_json, progress, show

if TYPE_CHECKING:
    from dvsa.encoding import Settings
    from dvsa.encoding.bulk import Summary
    from dvsa.encoding.values import Encoder
    from dvsa.model import Model

OutFolder = Annotated[
    Path,
    typer.Option(
        "--out",
        metavar="FOLDER",
        help="A folder for the Parquet files: a new one, or one to continue.",
        show_default=False,
    ),
]
Captions = Annotated[
    bool, typer.Option("--captions/--no-captions", help="Write a caption of each photograph.")
]
RegionChoice = Annotated[
    str, typer.Option(metavar="own|head|coverage|grid|frame", help="How regions are chosen; see describe.")
]
Vectors = Annotated[
    str, typer.Option(metavar="float16|float32", help="The type of the vectors in the files.")
]
Device = Annotated[
    str,
    typer.Option(
        metavar="auto|cpu|cuda",
        help="The CPU runs the bundle's graphs; a GPU runs its networks in torch. auto takes a GPU if there "
        "is one.",
    ),
]
PrecisionOption = Annotated[
    str,
    typer.Option(
        metavar="half|single",
        help="On a GPU. With half, another region may be chosen where two are almost equally good.",
    ),
]
Batch = Annotated[
    int | None,
    typer.Option(min=1, show_default="128", help="Photographs that a GPU encodes at once."),
]
Compile = Annotated[
    bool | None,
    typer.Option(
        "--compile/--no-compile",
        show_default="for many photographs",
        help="Compile the network for the GPU first: this needs time and a C compiler, and makes it faster.",
    ),
]
Workers = Annotated[
    str | None,
    typer.Option(
        metavar="N|ray",
        show_default="one per core",
        help="Threads that read photographs, and on a CPU encode them; ray for the actors of a Ray cluster.",
    ),
]
Shard = Annotated[
    int | None, typer.Option(min=1, show_default="10000", help="Photographs in each Parquet file.")
]


class Means(NamedTuple):
    """How the work is done: the options that do not change the rows."""

    device: str
    precision: str
    batch: int | None
    compiled: bool | None
    workers: str | None
    ray: str | None


def encode(
    photos: PhotoNames,
    out: OutFolder,
    bundle: ModelBundle = None,
    captions: Captions = True,
    regions: RegionChoice = "own",
    vectors: Vectors = "float16",
    device: Device = "auto",
    precision: PrecisionOption = "half",
    batch: Batch = None,
    compiled: Compile = None,
    workers: Workers = None,
    ray: RayAddress = None,
    shard: Shard = None,
    as_json: AsJson = False,
) -> None:
    """Encode photographs in bulk, into Parquet files.

    Each photograph is a row with its regions (boxes and scores), their vectors, and a caption. The files are
    written one by one, each when it is complete. After an interruption the same command continues.

    Photographs that cannot be read are rows with an error. They, and files and folders that are left out
    although they may show or contain photographs, are named on standard error; then the exit code is 2.

    Example: `dvsa encode ~/photographs --out encoded --no-captions`
    """
    import dvsa
    from dvsa.encoding import Settings
    from dvsa.encoding.bulk import SHARD, write

    model = dvsa.load(bundle, threads=1)
    settings = Settings(regions=regions, captions=captions, vectors=vectors)  # type: ignore[arg-type]
    settings.check(model.bundle)
    means = Means(device, precision, batch, compiled, workers, ray)
    encoder, made_by = _encoder(model, settings, means)
    with progress("photographs") as update:
        done = write(
            photos,
            out,
            model,
            settings,
            encode=encoder,
            made_by=made_by,
            shard=shard or SHARD,
            progress=update,
        )

    name_faults([fault for _, fault in done.faults], done.left_out)
    _report(done, out, made_by, as_json=as_json)
    if done.faults or any(item.kind.is_fault for item in done.left_out):
        raise typer.Exit(2)


def _report(done: "Summary", out: Path, made_by: str, *, as_json: bool) -> None:
    """Print what was written."""
    rate = done.encoded / done.seconds if done.encoded else 0.0
    if as_json:
        print_json(
            {
                "folder": str(out),
                "photographs": done.photographs,
                "encoded": done.encoded,
                "files": done.shards,
                "made_by": made_by,
                "seconds": done.seconds,
                "photographs_per_second": rate,
                "errors": [{"file": path, "error": error} for path, error in done.faults],
                "left_out": [asdict(item) for item in done.left_out],
            }
        )
        return
    broken = f", {len(done.faults):,} could not be read" if done.faults else ""
    counts = f"{done.photographs:,} photographs in {done.shards:,} files{broken}"
    show(f"{out}: {counts}; {done.encoded:,} encoded now, {rate:,.1f} a second ({made_by})")
    if done.left_out:
        show(f"Left out: {left_out_counts(done.left_out)}")


def _encoder(model: "Model", settings: "Settings", means: Means) -> tuple["Encoder", str]:
    """The encoder that the options ask for, and what the files say of it."""
    import onnxruntime

    workers = None if means.workers in (None, "ray") else _count(means.workers)
    runtime = f"onnxruntime {onnxruntime.__version__}"
    if means.workers == "ray" or means.ray is not None:
        connected_cluster(means.ray or "local")
        from dvsa.encoding.cluster import encoder as on_cluster

        return on_cluster(model, settings, workers), f"{runtime} on a Ray cluster"

    device = "cpu" if means.device == "auto" and not _has_gpu() else means.device
    if device == "cpu":
        from dvsa.encoding import encoder as in_this_process

        return in_this_process(model, settings, workers), f"{runtime} on the CPU"

    from dvsa.learn.runs.device import pick_device
    from dvsa.learn.ship.torch_encoder import BATCH, TorchEncoder, TorchOptions

    options = TorchOptions(
        precision=means.precision,  # type: ignore[arg-type]
        batch=means.batch or BATCH,
        compiled=means.compiled,
        workers=workers,
    )
    where = pick_device(None if device == "auto" else device)
    on_gpu = TorchEncoder(model.bundle, settings, where, options)
    return on_gpu, on_gpu.made_by


def _count(workers: str) -> int:
    """The number of workers; raises ValueError if it is none."""
    if not workers.isdecimal() or int(workers) < 1:
        raise ValueError(f"--workers {workers}: give a number of 1 or more, or ray")
    return int(workers)


def _has_gpu() -> bool:
    """Whether torch is installed and has a GPU."""
    if find_spec("torch") is None:
        return False
    from dvsa.learn.runs.device import has_gpu

    return has_gpu()
