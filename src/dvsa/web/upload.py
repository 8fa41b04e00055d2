"""Uploads: one picture in a form, read into memory and never written to disk."""

import sys
from pathlib import PurePosixPath

from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from dvsa.photo_formats import FORMATS

FIELD = "file"

CHARSETS = (b"utf-8", b"utf8", b"us-ascii", b"iso-8859-1", b"latin-1")
"""Character sets of a form. The parser takes any name, and fails if there is no such set."""

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
                            "description": f"A photograph: {FORMATS}.",
                        }
                    },
                }
            }
        },
    }
}
"""The OpenAPI description of the form."""


class UploadError(ValueError):
    """The form is invalid or has no picture; the message is one line."""


class _InMemory(MultiPartParser):
    spool_max_size = sys.maxsize
    """Never write to disk, as the default does above 1 MB; `BodyLimit` limits the size."""


async def read_upload(request: Request) -> tuple[bytes, str]:
    """The content and the name of the one file in a form; raises UploadError if the form is invalid.

    The name is made safe by `display_name`.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data" or b"boundary" not in options:
        raise UploadError(f"send a form (multipart/form-data) with a photograph in its field {FIELD!r}")

    if options.get(b"charset", b"utf-8").lower() not in CHARSETS:
        raise UploadError("the form has an unknown character set: send UTF-8")
    try:
        form = await _InMemory(request.headers, request.stream(), max_files=1, max_fields=0).parse()
    except MultiPartException as error:
        raise UploadError(f"the form cannot be read ({error.message}): send one file") from None

    try:
        file = form.get(FIELD)
        if not isinstance(file, UploadFile):
            raise UploadError(f"the form has no file in its field {FIELD!r}")
        return await file.read(), display_name(file.filename or "")
    finally:
        await form.close()


def display_name(path: str) -> str:
    """The file name in a path, safe to show: printable, at most 100 characters, never empty."""
    name = PurePosixPath(path.replace("\\", "/")).name
    return "".join(letter for letter in name if letter.isprintable())[:100] or "photograph"
