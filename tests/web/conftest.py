import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi.testclient import TestClient

import dvsa
from dvsa.index import Index
from dvsa.web import Settings, create_app
from dvsa.web.server import server_config

EXAMPLES = Path(__file__).parents[2] / "examples"
Serve = Callable[..., TestClient]
Listen = Callable[..., int]
PATIENT: dict[str, Any] = {"failures": 10**9}
"""Tests fail more often in a minute than users: their answers do not wait unless they ask for it."""


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
