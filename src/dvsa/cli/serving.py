"""`dvsa serve`: a web page that shows the model at work."""

import os
import socket
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from dvsa.cli.options import ModelBundle
from dvsa.cli.output import note, show

SearchedIndex = Annotated[
    Path | None,
    typer.Option("--index", metavar="INDEX", show_default=False, help="An index to search on the page."),
]
Port = Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")]
Host = Annotated[
    str, typer.Option(help="The address to listen on; 0.0.0.0 is every address of this machine.")
]
Origins = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-origin",
        metavar="ORIGIN",
        show_default=False,
        help="Another site that may use the service, such as https://photographs.example; may be repeated.",
    ),
]
SearchPaths = Annotated[
    bool,
    typer.Option(
        "--search-paths",
        help="Let searches filter by path. Whoever searches can then try out what folders are called.",
    ),
]
Open = Annotated[
    bool, typer.Option("--open/--no-open", help="Open the page in a browser, if there is a screen.")
]


def serve(
    index: SearchedIndex = None,
    bundle: ModelBundle = None,
    port: Port = 8000,
    host: Host = "127.0.0.1",
    allow_origin: Origins = None,
    search_paths: SearchPaths = False,
    open_page: Open = True,
) -> None:
    """Show the model at work on a web page.

    Drop a photograph on the page to see its regions, captions and phrases, align sentences with it, or search
    an index. Photographs stay in memory, and nothing leaves the machine. Press Ctrl-C to stop.

    Example: `dvsa serve --index photographs.index`
    """
    try:
        import uvicorn

        from dvsa.web import Settings, create_app
        from dvsa.web.server import server_config
    except ModuleNotFoundError as error:
        missing = str(error.name).partition(".")[0]
        raise ValueError(f"this command needs {missing}: pip install 'dvsa[serve]'") from None
    import dvsa
    from dvsa.index import Index

    model = dvsa.load(bundle, threads=1)
    model.bundle.require_eye()
    settings = Settings(hosts=(host,), allow_origins=tuple(allow_origin or ()), search_paths=search_paths)
    app = create_app(model, None if index is None else Index.open(index, model), settings)

    with listen(host, port) as listener:
        url = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}/"
        show(f"{url}  (Ctrl-C stops it)")
        if open_page and has_screen():
            webbrowser.open(url)
        try:
            uvicorn.Server(server_config(app, settings)).run([listener])
        except KeyboardInterrupt:  # uvicorn raises it again after it has shut down
            note("stopped")


def has_screen() -> bool:
    """Whether a browser can open a window; without a screen `webbrowser` would start one in the terminal."""
    return sys.platform in ("darwin", "win32") or bool({"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ))


def listen(host: str, port: int) -> socket.socket:
    """A TCP socket that listens on an address; raises ValueError if that is not possible.

    The socket names its protocol, TCP, because otherwise asyncio delays small responses by 40 ms.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )[0]

        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(1024)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise ValueError(
            f"cannot listen on {host}, port {port} ({error.strerror}): choose another address or port"
        ) from None
    return listener
