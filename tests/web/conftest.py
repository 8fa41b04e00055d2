import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import uvicorn
from fastapi.testclient import TestClient

import dvsa
from dvsa.index import Index
from dvsa.model import View
from dvsa.web import Settings, create_app
from dvsa.web.server import server_config

if TYPE_CHECKING:  # the browser is not installed where only the lowest versions are tested
    from playwright.sync_api import Browser, BrowserContext, Page

EXAMPLES = Path(__file__).parents[2] / "examples"
Serve = Callable[..., TestClient]
Listen = Callable[..., int]
Visit = Callable[..., "Page"]
ASTRONAUT = EXAMPLES / "astronaut.jpg"
PATIENT: dict[str, Any] = {"failures": 10**9}
"""Tests fail more often in a minute than users: their answers do not wait unless they ask for it."""
CHROMIUM = Path("/usr/bin/chromium")
QUIET = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
PATIENCE = 15_000
"""Milliseconds for one step on a busy machine; a free one needs less than one thousand."""


@pytest.fixture(scope="session")
def model() -> dvsa.Model:
    """The shipped model with one thread, as the service uses it."""
    return dvsa.load(threads=1)


@pytest.fixture(scope="session")
def index(model: dvsa.Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """An index of the examples."""
    with Index.create(tmp_path_factory.mktemp("web") / "index", model) as made:
        made.add([EXAMPLES])
        yield made


@pytest.fixture(scope="session")
def picture() -> bytes:
    """The bytes of a photograph of 512 by 512 pixels."""
    return (EXAMPLES / "photographer.jpg").read_bytes()


@pytest.fixture
def serve(model: dvsa.Model) -> Iterator[Serve]:
    """Creates clients of services with given limits; they call the service by a loopback address."""
    with ExitStack() as stack:

        def made(index: Index | None = None, **limits: Any) -> TestClient:
            app = create_app(model, index, Settings(**PATIENT | limits))
            client = TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False)
            return stack.enter_context(client)

        yield made


@pytest.fixture(scope="module")
def client(model: dvsa.Model, index: Index) -> Iterator[TestClient]:
    """A client of a service with an index and the default limits."""
    app = create_app(model, index, Settings(**PATIENT))
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        yield client


@pytest.fixture(scope="module")
def photo(client: TestClient, picture: bytes) -> dict[str, Any]:
    """An open photograph."""
    answer = client.post("/api/photos", files={"file": ("photographer.jpg", picture)})
    assert answer.status_code == 201
    opened: dict[str, Any] = answer.json()
    return opened


@pytest.fixture
def listen(model: dvsa.Model) -> Iterator[Listen]:
    """Starts services with given limits on free ports of the loopback; returns the port."""
    with ExitStack() as stack:

        def made(**limits: Any) -> int:
            settings = Settings(**PATIENT | limits)
            app = create_app(model, settings=settings)
            return stack.enter_context(_listening(server_config(app, settings)))

        yield made


@contextmanager
def _listening(config: uvicorn.Config) -> Iterator[int]:
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                time.sleep(0.01)
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="session")
def site(model: dvsa.Model, index: Index) -> Iterator[str]:
    """The address of the service."""
    server = uvicorn.Server(uvicorn.Config(create_app(model, index), log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Debian's Chromium; its event loop must not outlive the module, or other tests cannot start theirs."""
    if not CHROMIUM.is_file():
        pytest.skip(f"there is no browser at {CHROMIUM}: apt install chromium")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def visit(site: str, browser: "Browser") -> Iterator[Visit]:
    """Opens the page; after the test, checks that it sent no request to another host and had no errors."""
    contexts: list[BrowserContext] = []
    asked: list[str] = []
    faults: list[str] = []

    def made(path: str = "/", before: Callable[["Page"], None] = lambda page: None, **options: Any) -> "Page":
        context = browser.new_context(accept_downloads=True, **options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        context.on("request", lambda request: asked.append(request.url))
        context.on("weberror", lambda error: faults.append(str(error.error)))
        context.on("console", lambda message: faults.append(message.text) if is_fault(message.text) else None)
        page = context.new_page()
        before(page)
        page.goto(site + path)
        page.locator("#samples button").last.wait_for(state="attached")
        return page

    yield made
    for context in contexts:
        context.close()
    assert [url for url in asked if not url.startswith((f"{site}/", "blob:", "data:"))] == []
    assert asked
    assert faults == []


@pytest.fixture(scope="session")
def view(model: dvsa.Model) -> View:
    """The model's view of the photograph, without the page."""
    return model.open(ASTRONAUT)


@pytest.fixture(scope="session")
def opened(site: str) -> str:
    """The address of the open photograph."""
    answer = httpx.post(f"{site}/api/photos", files={"file": (ASTRONAUT.name, ASTRONAUT.read_bytes())})
    return f"/#/photo/{answer.json()['id']}"


@pytest.fixture
def page(visit: Visit, opened: str) -> "Page":
    """The page with the photograph open."""
    page = visit(opened)
    page.locator("#words .word").first.wait_for()
    return page


def is_fault(message: str) -> bool:
    """Whether a console message is an error of the page, not a response such as 404."""
    return "Failed to load resource" not in message
