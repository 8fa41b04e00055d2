"""Uploads: one picture in a form, read into memory and never onto the disk."""

import sys
from pathlib import PurePosixPath

from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

FIELD = "file"

FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [FIELD],
                    "additionalProperties": False,
                    "properties": {
                        FIELD: {
                            "type": "string",
                            "format": "binary",
                            "description": "A photograph: BMP, GIF, JPEG, PNG, PPM, TIFF or WebP.",
                        }
                    },
                }
            }
        },
    }
}
"""How OpenAPI describes it."""


class UploadError(ValueError):
    """A form that holds no picture; the message is one line."""


class _InMemory(MultiPartParser):
    spool_max_size = sys.maxsize
    """The body is limited while it comes in; without this, a file of more than 1 MB would go to the disk."""


async def uploaded(request: Request) -> tuple[bytes, str]:
    """Content and name of the one file of a form; raises UploadError where the form is another.

    The name is that of the file alone, without folders or anything that cannot be printed.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data" or b"boundary" not in options:
        raise UploadError(f"send a form (multipart/form-data) with a photograph in its field {FIELD!r}")
    try:
        form = await _InMemory(request.headers, request.stream(), max_files=1, max_fields=0).parse()
    except MultiPartException as error:
        raise UploadError(f"the form cannot be read ({error.message}): send one file") from None
    try:
        file = form.get(FIELD)
        if not isinstance(file, UploadFile):
            raise UploadError(f"the form has no file in its field {FIELD!r}")
        return await file.read(), shown(file.filename or "")
    finally:
        await form.close()


def shown(path: str) -> str:
    """The last part of a path as it may be shown: printable, at most 100 characters, never empty."""
    name = PurePosixPath(path.replace("\\", "/")).name
    return "".join(letter for letter in name if letter.isprintable())[:100] or "photograph"
