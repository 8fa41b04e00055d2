"""Photographs a second of encoding in bulk, and how far the rows of torch are from those of the CPU.

    python benchmarks/encode.py PHOTOS... [--device cuda] [--photographs 8192] [--out encode.json]

PHOTOS are repeated to reach the count. First the graphs of the bundle encode a few of them on the CPU, and
these rows are the reference. Then torch does it in several ways: in half or single precision, compiled or
not. "From memory" begins with squares in memory and ends with rows in memory, the copies to and from the
device included. "With reading" begins with the files. Regions are the same if their boxes differ by less than
0.01. The vectors of the fixed boxes of `grid` are compared too, because they do not depend on that choice.

Prints Markdown tables; `--out` writes all figures as JSON. No Parquet is written, so pyarrow is not needed.
"""

import os
import statistics
import time
import warnings
from collections.abc import Iterable, Sequence
from itertools import cycle, islice
from pathlib import Path

import torch
from common import facts, keep, parser
from encode_rows import Rows, compared

from dvsa.ahead import chunks, in_order
from dvsa.bundle import Bundle
from dvsa.data.gather import find
from dvsa.data.photographs import NamedSource
from dvsa.encoding import Encoded, Settings, encoder
from dvsa.learn.runs.device import pick_device
from dvsa.learn.ship.torch_encoder import READ, Squares, TorchEncoder, TorchOptions, read_squares
from dvsa.model import Model

Row = dict[str, object]
Ways = dict[Settings, TorchEncoder]
REGIONS, GRID, CAPTIONS = Settings(captions=False), Settings(captions=False, regions="grid"), Settings()
WAYS = {"half": ("half", False), "half, compiled": ("half", True), "single": ("single", False)}
SPEEDS = ("from_memory", "with_reading", "with_captions", "first_batch_s", "waits_per_batch", "gigabytes")
APART = (
    "photographs_same",
    "regions_same",
    "best_iou",
    "box",
    "score",
    "vector",
    "grid_vector",
    "captions_same",
)


def main() -> None:
    """Measure, print tables and write JSON."""
    options = parser(__doc__)
    options.add_argument("photos", nargs="+")
    options.add_argument("--bundle", type=Path)
    options.add_argument("--device", help="cuda or cpu; a GPU by default, if there is one")
    options.add_argument("--photographs", type=int, default=8192)
    options.add_argument("--reference", type=int, default=200, help="photographs that the CPU encodes")
    options.add_argument("--batch", type=int, default=128)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    options.add_argument("--profile", action="store_true", help="print the slowest kernels of each way")
    options.add_argument("--out", type=Path)
    args = options.parse_args()

    began, device = time.monotonic(), pick_device(args.device)
    bundle, found = Bundle.open(args.bundle, threads=1), find(args.photos)
    work = Work(bundle, device, found, args.photographs, args.reference, args.runs)
    reference, row = on_the_cpu(bundle, work.few)
    rows = [{"way": "graphs on the CPU", **row}, {"way": "reading alone", "from_memory": work.reading()}]
    print(f"reference: {rows}", flush=True)

    for way in args.ways:
        precision, compiled = WAYS[way]
        made = TorchOptions(precision=precision, batch=args.batch, compiled=compiled)  # type: ignore[arg-type]
        try:
            ways = {each: TorchEncoder(bundle, each, device, made) for each in reference}
            row = work.measured(ways, profiled=args.profile) | work.differences(ways, reference)
        except ValueError as error:  # a device without a compiler, or with too little memory
            row = {"error": str(error)}
        rows.append({"way": f"torch, {way}", **row})
        print(f"{way}: {row}", flush=True)

    print(f"\n{table(rows, SPEEDS)}\n\n{table(rows, APART)}")
    if args.out:
        about = {"photographs": args.photographs, "batch": args.batch, "cores": os.cpu_count()}
        made_by = facts(began, torch=torch.__version__, load=os.getloadavg()[0], runs=args.runs, **about)
        keep(args.out, {"bundle": bundle.digest[:12], "rows": rows, "facts": made_by})


def on_the_cpu(bundle: Bundle, sources: Sequence[NamedSource]) -> tuple[dict[Settings, Rows], Row]:
    """The rows of the bundle's graphs, and photographs a second with reading, without and with captions."""
    rows, rates = {}, {}
    for settings in (REGIONS, GRID, CAPTIONS):
        encode = encoder(Model(bundle), settings)
        drain(encode(sources[:4]))  # loads the graphs
        began = time.perf_counter()
        rows[settings] = Rows.of(encode(sources))
        rates[settings] = len(sources) / (time.perf_counter() - began)
    return rows, {"with_reading": rates[REGIONS], "with_captions": rates[CAPTIONS]}


class Work:
    """What every way of torch is measured on."""

    def __init__(
        self,
        bundle: Bundle,
        device: torch.device,
        found: Sequence[NamedSource],
        count: int,
        reference: int,
        runs: int,
    ) -> None:
        self.bundle, self.device, self.runs = bundle, device, runs
        self.few, self.sources = found[:reference], list(islice(cycle(found), count))
        held = [read_squares(chunk, bundle.side) for chunk in chunks(found, READ)]
        self.squares: list[Squares] = []
        for part in cycle(held):
            if sum(len(square.facts) for square in self.squares) >= count:
                break
            self.squares.append(part)

    def reading(self) -> float:
        """Photographs that all cores read in a second."""
        read = in_order(
            lambda chunk: read_squares(chunk, self.bundle.side),
            chunks(self.sources, READ),
            os.cpu_count() or 1,
        )
        began = time.perf_counter()
        count = sum(len(part.facts) for part in read)
        return count / (time.perf_counter() - began)

    def measured(self, ways: Ways, *, profiled: bool) -> Row:
        """The speed of one way; the median of the runs from memory, and one run of the others."""
        regions = ways[REGIONS]
        regions.compile_for(0)
        batches = self.squares[: 4 * regions.options.batch // READ + 1]

        # The first batch tunes, and compiles if that is asked for.
        began = time.perf_counter()
        drain(regions.encode(batches[:1]))
        first = time.perf_counter() - began
        drain(regions.encode(batches))

        cuda = self.device.type == "cuda"
        if cuda:
            torch.cuda.reset_peak_memory_stats(self.device)
        rates = [rate(regions.encode(self.squares)) for _ in range(self.runs)]
        row: Row = {
            "made_by": regions.made_by,
            "first_batch_s": first,
            "from_memory": statistics.median(rates),
            "from_memory_runs": rates,
            "gigabytes": torch.cuda.max_memory_allocated(self.device) / 1e9 if cuda else None,
            "with_reading": rate(regions(self.sources)),
            "waits_per_batch": waits(regions, batches[0]),
        }
        print(row, flush=True)
        if profiled:
            profile(regions, batches)

        told = ways[CAPTIONS]
        told.compile_for(0)
        drain(told.encode(batches))
        return {**row, "with_captions": rate(told.encode(self.squares[: max(len(self.squares) // 4, 1)]))}

    def differences(self, ways: Ways, reference: dict[Settings, Rows]) -> Row:
        """How far the rows of one way are from the reference."""
        apart = {each: compared(Rows.of(ways[each](self.few)), rows) for each, rows in reference.items()}
        return {**apart[CAPTIONS], "grid_vector": apart[GRID]["vector"]}


def drain(results: Iterable[Encoded]) -> int:
    """Take all results; the number of photographs."""
    return sum(len(part.facts) for part in results)


def rate(results: Iterable[Encoded]) -> float:
    """Photographs a second."""
    began = time.perf_counter()
    count = drain(results)
    return count / (time.perf_counter() - began)


def waits(made: TorchEncoder, squares: Squares) -> int | None:
    """How often the host waits for the GPU within a batch; None on a CPU."""
    if made.device.type != "cuda":
        return None
    pixels = torch.from_numpy(squares.pixels_GHWC).to(made.device)
    pixels = torch.cat([pixels] * (made.options.batch // len(pixels) + 1))[: made.options.batch]
    torch.cuda.synchronize()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            made.look(pixels)
        finally:
            torch.cuda.set_sync_debug_mode("default")
    return sum("synchroniz" in str(each.message) for each in told)


def profile(made: TorchEncoder, squares: Sequence[Squares]) -> None:
    """Print the slowest kernels of a few batches."""
    kinds = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=kinds) as seen:
        drain(made.encode(squares))
    order = "self_cuda_time_total" if made.device.type == "cuda" else "self_cpu_time_total"
    print(seen.key_averages().table(sort_by=order, row_limit=25, max_name_column_width=70), flush=True)


def table(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """A Markdown table of some figures, those that are there."""
    lines = [["", *(column.replace("_", " ") for column in columns)], ["---"] * (len(columns) + 1)]
    lines += [[str(row["way"]), *(shown(row.get(column)) for column in columns)] for row in rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def shown(figure: object) -> str:
    """A figure with four digits; empty if there is none."""
    if not isinstance(figure, int | float):
        return ""
    return f"{figure:,.0f}" if abs(figure) >= 1000 else f"{figure:.4g}"


if __name__ == "__main__":
    main()
