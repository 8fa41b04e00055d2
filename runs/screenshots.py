"""Screenshots of the page for docs/pictures: light and dark, on a wide screen and on a phone.

    python runs/screenshots.py [--out docs/pictures]

Serves the shipped model with an index of examples/ on a free port of this machine, and shows a sentence on a
sample photograph in Chromium.
"""

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import script
import uvicorn
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

import dvsa
from dvsa.cli.serving import listen
from dvsa.index import Index
from dvsa.web import create_app

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = "/usr/bin/chromium"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
SCREENS = {"wide": (1360, 940), "narrow": (375, 812)}
SENTENCE = "a photographer with a camera on a tripod stands in a field"
WORD = "photographer"


def main() -> None:
    """Take all screenshots."""
    parser = script.parser(__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    with served() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        for scheme in ("light", "dark"):
            for name, (width, height) in SCREENS.items():
                path = out / f"page-{scheme}-{name}.png"
                picture(browser, address, scheme, width, height, path)
                print(f"{path}: {path.stat().st_size // 1000} kB")
        browser.close()


@contextmanager
def served() -> Iterator[str]:
    """Start a service, and yield its address."""
    model = dvsa.load(threads=1)
    with tempfile.TemporaryDirectory() as folder, listen("127.0.0.1", 0) as listener:
        index = Index.create(Path(folder) / "index", model)
        index.add([ROOT / "examples"])
        server = uvicorn.Server(uvicorn.Config(create_app(model, index), log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def picture(browser: Browser, address: str, scheme: str, width: int, height: int, path: Path) -> None:
    """Take one screenshot, with a word of the sentence highlighted."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(address)
    page.locator("#samples button", has_text="filming").click()
    page.locator("#words .word").first.wait_for()
    with page.expect_response("**/align"):
        page.locator("#sentence").fill(SENTENCE)

    word = page.locator(f'#words [data-word="{WORD}"]')
    if width < 600:  # the sentence is below the photograph, which stays visible
        page.evaluate("document.getElementById('sentence').closest('section').scrollIntoView()")
    word.hover()
    page.wait_for_timeout(400)  # the highlight fades in
    page.screenshot(path=path)
    context.close()
    with Image.open(path) as image:
        image.convert("RGB").save(path, optimize=True)


if __name__ == "__main__":
    main()
