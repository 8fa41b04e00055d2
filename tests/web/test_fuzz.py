"""Random requests, made by schemathesis from the OpenAPI description, and damaged pictures."""

import io
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from schemathesis import Case, GenerationMode
from schemathesis import checks as common
from schemathesis.specs.openapi import checks

pytestmark = pytest.mark.slow

CHECKS = [
    common.not_a_server_error,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.status_code_conformance,
]
EXAMPLES = 50
"""For each endpoint; some 20 seconds in all."""


@pytest.mark.parametrize(
    ("mode", "statuses"),
    [(GenerationMode.POSITIVE, {200, 201, 404, 415}), (GenerationMode.NEGATIVE, {404, 422})],
)
def test_responses_to_random_requests_match_the_description(
    client: TestClient, photo: dict[str, Any], mode: GenerationMode, statuses: set[int]
) -> None:
    here = {"Host": "localhost"}
    hit = client.get("/api/search", params={"q": "a cat"}).json()["hits"][0]["id"]
    real = {"photo": photo["id"], "hit": hit, "name": "cat.jpg"}
    found: set[int] = set()

    def ask(case: "Case[Any]") -> None:
        for name, value in case.path_parameters.items():
            if len(str(value)) % 2:  # half of those made up, so that something is behind many paths
                case.path_parameters[name] = real[name]
        found.add(case.call_and_validate(headers=here, checks=CHECKS).status_code)

    for result in schemathesis.openapi.from_asgi(
        "/openapi.json", client.app, headers=here
    ).get_all_operations():
        operation = result.ok()  # type: ignore[union-attr]
        if mode is GenerationMode.POSITIVE or len(operation.body) or len(operation.query):
            asking = given(case=operation.as_strategy(generation_mode=mode))(ask)
            settings(max_examples=EXAMPLES, suppress_health_check=[*HealthCheck])(asking)()
    assert found >= statuses


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP", "PPM"])
def test_a_damaged_picture_is_refused_or_opened(client: TestClient, picture: bytes, kind: str) -> None:
    stream = io.BytesIO()
    Image.open(io.BytesIO(picture)).resize((40, 30)).save(stream, kind)
    whole = stream.getvalue()
    place = st.integers(0, len(whole) - 1)

    @settings(max_examples=15)
    @given(changes=st.lists(st.tuples(place, st.integers(0, 255)), max_size=5), end=place)
    def send(changes: list[tuple[int, int]], end: int) -> None:
        content = bytearray(whole)
        for at, value in changes:
            content[at] = value
        for sent in (bytes(content), bytes(content[:end])):
            answer = client.post("/api/photos", files={"file": ("x", sent)})
            assert answer.status_code in (201, 413, 415), answer.text

    send()
