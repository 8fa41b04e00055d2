import io
import json
import math
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

import dvsa
from dvsa import segments
from dvsa.records import Caption

SENTENCE = "a man in a black coat looks through a camera in a grassy field"


def plain(value: object) -> Any:
    """A value after a round trip through JSON."""
    return json.loads(json.dumps(value))


def evidence(view: dvsa.View, caption: Caption) -> dict[str, Any]:
    """The JSON of a caption that the service must return."""
    alignment, manifest = view.align(caption.text, 0), view.model.bundle.manifest
    words = alignment.words
    natural = caption.logprob / len(caption.logprobs) ** manifest.length_power
    assert [word.text for word in words] == [*caption.words]
    return {
        "text": caption.text,
        "logprob": caption.logprob,
        "value": pytest.approx(natural + manifest.rerank * alignment.score, abs=1e-5),
        "words": [{**plain(asdict(word)), "logprob": caption.logprobs[t]} for t, word in enumerate(words)],
    }


@pytest.fixture(scope="module")
def view(model: dvsa.Model, picture: bytes) -> dvsa.View:
    return model.open(picture)


# A photograph


def test_an_upload_returns_what_the_python_api_returns(photo: dict[str, Any], view: dvsa.View) -> None:
    assert (photo["name"], photo["width"], photo["height"]) == ("photographer.jpg", 512, 512)
    assert photo["proposer"] == view.proposer
    assert photo["beta"] == view.model.bundle.manifest.beta
    assert photo["regions"] == [plain(asdict(region)) for region in view.regions]
    assert photo["caption"] == evidence(view, view.caption())
    wanted = plain(asdict(view.align(view.caption().text)))
    assert {name: photo["alignment"][name] for name in wanted} == wanted


def test_each_region_except_the_frame_has_a_phrase(photo: dict[str, Any], view: dvsa.View) -> None:
    assert [phrase["region"] for phrase in photo["phrases"]] == list(range(19))
    wanted = {phrase.region.index: phrase.caption for phrase in view.phrases(19)}
    assert len(wanted) > 10
    for i, caption in wanted.items():
        assert photo["phrases"][i]["caption"]["text"] == caption.text
        assert photo["phrases"][i]["caption"]["logprob"] == pytest.approx(caption.logprob, abs=1e-4)


def test_things_are_those_of_the_python_api(photo: dict[str, Any], view: dvsa.View) -> None:
    assert photo["things"]
    assert photo["things"] == [asdict(thing) for thing in view.things()]


def test_the_response_and_the_picture_can_be_requested_again(
    client: TestClient, photo: dict[str, Any], picture: bytes
) -> None:
    assert client.get(f"/api/photos/{photo['id']}").json() == photo
    answer = client.get(f"/api/photos/{photo['id']}/image")
    assert answer.headers["content-type"] == "image/jpeg"
    shown, sent = Image.open(io.BytesIO(answer.content)), Image.open(io.BytesIO(picture))
    assert (shown.format, shown.size) == ("JPEG", sent.size)
    difference = np.asarray(shown.convert("L"), np.float64) - np.asarray(sent.convert("L"), np.float64)
    assert np.abs(difference).mean() < 5


def test_the_picture_is_upright_and_small_without_metadata(client: TestClient) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "SECRET PLACE"
    stream = io.BytesIO()
    Image.new("RGB", (1500, 600), "red").save(stream, "JPEG", exif=exif, comment=b"SECRET PLACE")
    assert b"SECRET" in stream.getvalue()
    opened = client.post("/api/photos", files={"file": ("../a\\..\\b<i>.png", stream.getvalue())}).json()
    assert (opened["width"], opened["height"]) == (600, 1500)
    assert opened["name"] == "b<i>.png"
    content = client.get(f"/api/photos/{opened['id']}/image").content
    assert Image.open(io.BytesIO(content)).size == (410, 1024)
    kept = client.app.state.service.photo(opened["id"])  # type: ignore[attr-defined]
    assert kept.view.photo.image.size == (224, 224)
    assert b"SECRET" not in content


def test_ids_of_photographs_cannot_be_guessed(
    client: TestClient, photo: dict[str, Any], picture: bytes
) -> None:
    again = client.post("/api/photos", files={"file": ("photographer.jpg", picture)}).json()
    assert len(again["id"]) == 22
    assert again["id"] != photo["id"]
    assert {**again, "id": photo["id"]} == photo


@pytest.mark.parametrize("path", ["", "/image", "/align", "/caption"])
@pytest.mark.parametrize("name", ["0123456789012345678901", "..", "%2e%2e%2fapp.py", "a" * 5000])
def test_an_unknown_photograph(client: TestClient, name: str, path: str) -> None:
    url = f"/api/photos/{name}{path}"
    questions: dict[str, object] = {"/align": {"sentence": "a"}, "/caption": {}}
    answer = client.post(url, json=questions[path]) if path in questions else client.get(url)
    assert answer.status_code == 404
    assert [*answer.json()] == ["detail"]


# Alignment


@pytest.mark.parametrize("beta", [None, 0, 0.5, 3.25, "inf"])
def test_an_alignment_returns_what_the_python_api_returns(
    client: TestClient, photo: dict[str, Any], view: dvsa.View, beta: float | str | None
) -> None:
    found = client.post(f"/api/photos/{photo['id']}/align", json={"sentence": SENTENCE, "beta": beta}).json()
    assert found.pop("unknown") == {}
    wanted = view.align(SENTENCE, None if beta is None else float(beta))
    assert found.pop("marginals") == segments.marginals(np.array(wanted.scores), wanted.beta).tolist()
    assert found == plain({**asdict(wanted), "beta": "inf" if math.isinf(wanted.beta) else wanted.beta})


def test_unknown_words_get_the_marginals_of_their_neighbours(
    client: TestClient, photo: dict[str, Any], model: dvsa.Model
) -> None:
    sentence = "Xyzzy, a man frobnicates plugh camera"
    found = client.post(f"/api/photos/{photo['id']}/align", json={"sentence": sentence, "beta": 1}).json()
    known = [word["known"] for word in found["words"]]
    assert known == [False, True, True, False, False, True]
    rows = found["marginals"]
    assert rows[0] == rows[1]
    assert rows[2] == rows[3] == rows[4]
    assert rows[5] != rows[4]
    np.testing.assert_allclose(np.sum(rows, axis=1), 1)
    dot_NI = np.array([row for row, real in zip(found["scores"], known, strict=True) if real])
    np.testing.assert_array_equal(segments.marginals(dot_NI, 1.0), [rows[1], rows[2], rows[5]])
    none = client.post(f"/api/photos/{photo['id']}/align", json={"sentence": "xyzzy plugh"}).json()
    assert none["segments"] == []
    assert [*found["unknown"]] == ["xyzzy", "frobnicates", "plugh"]
    assert set(found["unknown"]["plugh"]) <= {*model.bundle.vocabulary.words}
    assert none["marginals"] == [[0.05] * 20] * 2


def test_invalid_alignment_requests(client: TestClient, photo: dict[str, Any]) -> None:
    bad = {
        b'{"sentence": "?!"}': "no words",
        json.dumps({"sentence": "a " * 501}).encode(): "501 words",
        json.dumps({"sentence": "a" * 10_001}).encode(): "sentence",
        b'{"sentence": "\\ud800"}': "sentence",
        b'{"sentence": 1}': "sentence",
        b'{"sentence": "a", "beta": -1}': "beta",
        b'{"sentence": "a", "beta": 1e999}': "beta",
        b'{"sentence": "a", "beta": NaN}': "beta",
        b'{"sentence": "a", "beta": "nan"}': "beta",
        b'{"sentence": "a", "beta": true}': "beta",
        b'{"sentence": "a", "bta": 1}': "bta",
        b"{}": "sentence",
        b"[]": "dictionary",
        b"{": "JSON",
        b"": "required",
        b"\xff": "",
    }

    for body, reason in bad.items():
        answer = client.post(
            f"/api/photos/{photo['id']}/align", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code in (400, 422), (body, answer.text)
        assert [*answer.json()] == ["detail"]
        assert reason in answer.json()["detail"], body
        assert "\n" not in answer.json()["detail"]


# Captions


def test_captions_by_beam_and_greedy_search(
    client: TestClient, photo: dict[str, Any], view: dvsa.View
) -> None:
    url = f"/api/photos/{photo['id']}/caption"
    for width, n in ((1, 1), (4, 3), (7, 10)):
        found = client.post(url, json={"method": "beam", "beam": width, "n": n}).json()["captions"]
        assert found == [evidence(view, caption) for caption in view.captions(width)[:n]]
    found = client.post(url, json={"method": "greedy", "n": 5}).json()["captions"]
    assert found == [evidence(view, view.caption(1))]


def test_samples_depend_on_seed_and_temperature(
    client: TestClient, photo: dict[str, Any], view: dvsa.View
) -> None:
    def drawn(**question: float) -> list[dict[str, Any]]:
        answer = client.post(f"/api/photos/{photo['id']}/caption", json={"method": "sample", **question})
        captions: list[dict[str, Any]] = answer.json()["captions"]
        return captions

    (one,) = drawn(n=1, seed=7, temperature=0.7)
    assert one == evidence(view, view.captions(sampler=dvsa.sampler(0.7, seed=7))[0])
    many = drawn(n=10, seed=7)
    assert many == drawn(n=10, seed=7) != drawn(n=10, seed=8)
    values = [caption["value"] for caption in many]
    assert values == sorted(values, reverse=True)
    logprobs = [caption["logprob"] for caption in many]
    tame = [caption["logprob"] for caption in drawn(n=10, seed=7, temperature=0.1)]
    assert np.mean(tame) > np.mean(logprobs)


@pytest.mark.parametrize(
    "question",
    [{"method": "best"}, {"beam": 0}, {"beam": 11}, {"beam": 2.5}, {"n": 0}, {"n": 11}, {"seed": -1},
     {"seed": 2**32}, {"temperature": 0.05}, {"temperature": 3}],
)  # fmt: skip
def test_invalid_caption_requests(
    client: TestClient, photo: dict[str, Any], question: dict[str, Any]
) -> None:
    answer = client.post(f"/api/photos/{photo['id']}/caption", json=question)
    assert answer.status_code == 422
    assert next(iter(question)) in answer.json()["detail"]


# Samples, page, state


def test_example_photographs_can_be_opened(client: TestClient) -> None:
    samples = client.get("/api/samples").json()
    assert len(samples) == 4
    assert [sample["name"] for sample in samples if sample["note"]] == ["cat.jpg"]
    for sample in samples:
        content = client.get(f"/static/samples/{sample['name']}").content
        assert len(content) <= 120_000
        opened = client.post(f"/api/samples/{sample['name']}")
        assert opened.status_code == 201
        assert opened.json()["name"] == sample["name"]
        assert sample["name"] in client.get("/static/samples/CREDITS").text
    for name in ("CREDITS", "samples.json", "..%2f..%2fapp.py", "none.jpg"):
        assert client.post(f"/api/samples/{name}").status_code == 404


def test_the_first_example_is_described_well_and_one_says_that_the_model_fails(client: TestClient) -> None:
    samples = client.get("/api/samples").json()
    first = client.post(f"/api/samples/{samples[0]['name']}").json()
    assert "dog" in {thing["name"] for thing in first["things"]}
    assert "dog" in first["caption"]["text"].split()
    assert "fails" in samples[-1]["title"].lower()


@pytest.mark.parametrize(
    "path", ["../app.py", "%2e%2e/app.py", "..%2fapp.py", "%00", "/etc/passwd", "samples"]
)
def test_only_files_of_the_page_are_served(client: TestClient, path: str) -> None:
    assert client.get(f"/static/{path}").status_code == 404


def test_health_and_metrics(client: TestClient, photo: dict[str, Any], model: dvsa.Model) -> None:
    health = client.get("/healthz").json()
    assert health.pop("photographs") >= 1
    assert health.pop("workers") == health.pop("decoders") - 1 >= 1
    bundle = model.bundle
    assert health == {
        "status": "ok", "places_taken": 0, "model": bundle.manifest.name, "digest": bundle.digest, "index": 3,
        "search_paths": False,
    }  # fmt: skip

    client.get("/no/such/path")

    lines = client.get("/metrics").text.splitlines()
    figures = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert float(figures['dvsa_requests_total{endpoint="/api/photos",status="201"}']) >= 1
    assert float(figures['dvsa_requests_total{endpoint="other",status="404"}']) >= 1
    assert float(figures['dvsa_request_seconds_count{endpoint="/api/photos"}']) >= 1
    assert float(figures["dvsa_photographs"]) >= 1
    assert float(figures["dvsa_places_taken"]) == 0
    assert float(figures["process_resident_memory_bytes"]) > 2**26
    assert not [name for name in figures if photo["id"] in name]


def test_the_openapi_description_is_complete(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    for path, methods in described["paths"].items():
        for method, endpoint in methods.items():
            assert endpoint["description"], (path, method)
            assert {"403", "504"} < {*endpoint["responses"]}
            for status, response in endpoint["responses"].items():
                if int(status) >= 400:
                    (content,) = response["content"].values()
                    kind = "HealthJson" if (path, status) == ("/healthz", "503") else "ErrorJson"
                    assert content["schema"] == {"$ref": f"#/components/schemas/{kind}"}
    for name, schema in described["components"]["schemas"].items():
        assert schema.get("description"), name
    assert client.get("/docs").status_code == client.get("/redoc").status_code == 404
