"""The worker process: it decodes pictures one after another, until its limits or the other side end it."""

import json
import os
import signal
import sys
import warnings

from dvsa.decode.limits import MAX_MEMORY, MAX_SECONDS, OUT_OF_MEMORY, receive, send
from dvsa.photo import Photo, PhotoError, TooLargeError, read


def main(shared: int) -> None:
    """Answer requests on standard input until it ends.

    Args:
        shared: descriptor of the file in memory that has the content of a file, and then the pixels.
    """
    limit()
    warnings.simplefilter("ignore")
    while (message := receive(sys.stdin.buffer.read)) is not None:
        request = json.loads(message)
        signal.setitimer(signal.ITIMER_PROF, min(request["seconds"], MAX_SECONDS))
        try:
            content = os.pread(shared, request["size"], 0)
            os.ftruncate(shared, 0)
            answer = _answer(read(content, request["name"], most_pixels=request["most_pixels"]), shared)
            del content
        except PhotoError as error:
            answer = {"error": str(error)[:4000], "large": isinstance(error, TooLargeError)}
        except MemoryError:
            os._exit(OUT_OF_MEMORY)
        signal.setitimer(signal.ITIMER_PROF, 0)
        send(sys.stdout.buffer, answer)


def _answer(photo: Photo, shared: int) -> dict[str, object]:
    """Write the pixels, four bytes each as Pillow holds them; what else there is to say."""
    pixels = photo.image.tobytes("raw", "RGBX")
    os.ftruncate(shared, len(pixels))
    os.pwrite(shared, pixels, 0)
    wide, high = photo.image.size
    return {
        "width": photo.width, "height": photo.height, "wide": wide, "high": high, "taken": photo.taken,
        **photo.shot.to_json(),
    }  # fmt: skip


def limit() -> None:
    """Set the limits of this process: its memory, its open files, no dump when it crashes."""
    import resource

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # the end of the time ends the process, also inside C

    # All that a process has mapped counts, so it never has more than this in memory.
    limits = {resource.RLIMIT_AS: MAX_MEMORY, resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: 64}
    for kind, value in limits.items():
        resource.setrlimit(kind, (value, value))
