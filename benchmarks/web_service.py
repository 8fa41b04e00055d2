"""Starts the web service that `benchmarks/web.py` measures, in its own process.

python benchmarks/web_service.py WORKERS THREADS INDEX
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


@contextmanager
def service(workers: int, threads: int, niceness: int = 0) -> Iterator[str]:
    """The address of a running service with an index of the example photographs.

    With a `niceness`, the clients get the processor first, as if they had machines of their own.
    """
    with tempfile.TemporaryDirectory(prefix="dvsa-web-") as folder:
        index = f"{folder}/index"
        command = [sys.executable, "-m", "dvsa", "index", str(EXAMPLES), "--out", index]
        subprocess.run(command, check=True, capture_output=True)

        command = ["nice", "-n", str(niceness), sys.executable, __file__, str(workers), str(threads), index]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            httpx.get(f"{url}/healthz", timeout=30).raise_for_status()
            yield url
        finally:
            process.terminate()
            process.wait(30)


def serve(workers: int, threads: int, index: Path) -> None:
    """Run the service on a free port, and print its address."""
    import uvicorn

    import dvsa
    from dvsa.cli.serving import listen
    from dvsa.index import Index
    from dvsa.web import Settings, create_app
    from dvsa.web.server import server_config

    model = dvsa.load(threads=threads)
    with Index.open(index, model) as opened, listen("127.0.0.1", 0) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        settings = Settings(workers=workers)
        app = create_app(model, opened, settings)
        uvicorn.Server(server_config(app, settings)).run([listener])


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
