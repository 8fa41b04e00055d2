"""Measures the page without a server: its download, how fast it starts, and how fast it answers.

Usage: python benchmarks/site.py [--photographs 100] [--site FOLDER]

Builds the site, serves it on the loopback, and visits it with Debian's Chromium: once with an empty browser,
without threads, and once more, with threads. On a machine that does other work, all times are longer.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

from playwright.sync_api import BrowserContext, Page, sync_playwright

ROOT = Path(__file__).parents[1]
CHROMIUM = "/usr/bin/chromium"
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
PATIENCE = 300_000

LONG_TASKS = """
window.longest = 0;
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
}).observe({ type: "longtask", buffered: true });
"""

MEMORY = "async () => (await performance.measureUserAgentSpecificMemory()).bytes"


class Handler(SimpleHTTPRequestHandler):
    """Counts the bytes of files."""

    sent = 0

    def copyfile(self, source: BinaryIO, outputfile: BinaryIO) -> None:  # type: ignore[override]
        """Send a file."""
        content = source.read()
        Handler.sent += len(content)
        outputfile.write(content)

    def log_message(self, *given: object) -> None:
        """Print nothing."""


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photographs", type=int, default=100)
    parser.add_argument("--site", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        site = given.site or Path(folder) / "site"
        if given.site is None:
            subprocess.run([sys.executable, ROOT / "runs" / "build_site.py", "--out", site], check=True)
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(site)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        measure(f"http://127.0.0.1:{server.server_address[1]}/", given.photographs)
        server.shutdown()


def measure(address: str, photographs: int) -> None:
    """Visit the site twice, and open photographs."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        context = browser.new_context()
        context.set_default_timeout(PATIENCE)
        context.add_init_script(LONG_TASKS)

        page = visit(context, address, "first visit, one thread")
        print(f"downloaded: {Handler.sent / 1e6:.1f} MB")
        page.evaluate("navigator.serviceWorker.ready.then(() => 0)")
        tell("a photograph, one thread", opened(page, 12))
        print(f"longest task of the page: {page.evaluate('window.longest'):.0f} ms")
        page.close()

        page = visit(context, address, "second visit, threads")
        tell("a photograph, threads", opened(page, photographs))
        tell("a sentence", aligned(page, 20))
        print(f"longest task of the page: {page.evaluate('window.longest'):.0f} ms")
        print(f"memory after {photographs} photographs: {page.evaluate(MEMORY) / 2**20:.0f} MiB")
        browser.close()


def visit(context: BrowserContext, address: str, name: str) -> Page:
    """Open the page; the seconds until it can be used, and until its model is loaded."""
    page, began = context.new_page(), time.perf_counter()
    page.goto(address)
    page.locator("#samples button").first.wait_for()
    shown = time.perf_counter() - began
    page.locator("html[data-ready]").wait_for(state="attached")
    print(f"{name}: shown after {shown:.2f} s, model loaded after {time.perf_counter() - began:.2f} s")
    return page


def opened(page: Page, count: int) -> list[float]:
    """Seconds from a chosen file to its caption, for photographs that differ."""
    examples = sorted((ROOT / "examples").glob("*.jpg"))
    times = []
    for n in range(count):
        # A few bytes after the end of the picture make it another one.
        content = examples[n % len(examples)].read_bytes() + n.to_bytes(4, "big")
        before, began = page.url, time.perf_counter()
        page.locator("#file").set_input_files(
            {"name": f"{n}.jpg", "mimeType": "image/jpeg", "buffer": content}
        )
        while page.url == before:
            page.wait_for_timeout(10)
        times.append(time.perf_counter() - began)
    return times[1:]


def aligned(page: Page, count: int) -> list[float]:
    """Seconds from a request to the alignment of a sentence, without the pause for typing."""
    ask = "(text) => import('./static/api.js').then((api) => api.align(location.hash.slice(8), text))"
    times = []
    for n in range(count):
        began = time.perf_counter()
        page.evaluate(ask, f"{'a man and ' * (n % 3)}a dog on the grass")
        times.append(time.perf_counter() - began)
    return times


def tell(name: str, times: list[float]) -> None:
    """Print the median and the slowest."""
    print(f"{name}: {statistics.median(times):.2f} s, at most {max(times):.2f} s")


if __name__ == "__main__":
    main()
