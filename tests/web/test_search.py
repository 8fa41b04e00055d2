import hashlib
import io
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

import dvsa
from dvsa.index import Index, Query
from dvsa.web import create_app

EXAMPLES = Path(__file__).parents[2] / "examples"


def answered(hits: list[Any]) -> list[dict[str, Any]]:
    """The JSON of hits that the service must return."""
    return [
        {
            "id": hit.photograph.id, "name": Path(hit.photograph.path).name, "score": hit.score,
            "fits": hit.fits, "others": len(hit.others), "taken": hit.photograph.taken,
            "width": hit.photograph.width, "height": hit.photograph.height,
            "boxes": [[*box] for box in hit.boxes],
            "words": [asdict(word) for word in hit.alignment.words],
        }
        for hit in hits
    ]  # fmt: skip


def test_by_sentence(client: TestClient, index: Index) -> None:
    found = client.get("/api/search", params={"q": "A cat, xyzzy!"}).json()
    assert found["query"] == "A cat, xyzzy!"
    assert 0 < found["seconds"] < 5
    assert found["hits"] == answered(index.search("A cat, xyzzy!"))
    assert found["hits"][0]["name"] == "cat.jpg"
    assert all(hit["fits"] for hit in found["hits"])
    assert (found["unknown"], found["answer"]) == ({"xyzzy": []}, None)
    few = client.get("/api/search", params={"q": "A cat, xyzzy!", "k": 3}).json()
    assert few["hits"] == answered(index.search("A cat, xyzzy!", 3))
    assert [hit["fits"] for hit in few["hits"]] == [True, False, False]


def test_a_question_without_an_answer_is_told(client: TestClient, index: Index) -> None:
    found = client.get("/api/search", params={"q": "a bottlecap docking"}).json()
    assert (found["hits"], found["unknown"]) == ([], {"bottlecap": ["bottle", "cap"]})
    assert found["nearest"] is True
    assert found["answer"].startswith("no photograph answers 'a bottlecap docking': the model does not know")
    assert "has too little support for docking" in found["answer"]
    assert "/" not in found["answer"].replace("nearest, ", "")  # folders are nobody's business
    found = client.get("/api/search", params={"q": "a cat", "camera": "Leica"}).json()
    assert (found["hits"], found["answer"]) == ([], "no photograph meets the conditions")
    assert found["nearest"] is False


def test_filters_and_combined_questions(client: TestClient, index: Index, photo: dict[str, Any]) -> None:
    def found(**params: Any) -> list[str]:
        answer = client.get("/api/search", params=params)
        assert answer.status_code == 200, answer.text
        return [hit["name"] for hit in answer.json()["hits"]]

    cat = client.get("/api/search", params={"q": "a cat", "k": 1}).json()["hits"][0]["id"]
    assert found(q="a man", k=9, id=[cat]) == ["cat.jpg"]
    assert "cat.jpg" not in found(q="a wall", k=9, without=["a cat"])
    assert found(q="a man", k=9, after="2090-01-01") == found(q="a man", k=9, gps="0,0,1,1") == []
    assert found(q="a man", k=9, field=["trip=norway"]) == []
    both = client.get("/api/search", params={"q": "a cat", "photo": photo["id"], "weight": 0.5}).json()
    assert both["query"] == "a cat + 0.5 regions of photographer.jpg"
    assert len(found(q="a cat", k=9, sort="newest")) == len(index)


def test_an_unknown_part_does_not_stop_the_rest(client: TestClient, photo: dict[str, Any]) -> None:
    plain = client.get("/api/search", params={"q": "a man", "k": 9, "without": ["a cat"]}).json()
    without = ["spaceship", "a cat", "a bottlecap"]
    found = client.get("/api/search", params={"q": "a man", "k": 9, "without": without}).json()
    assert [hit["name"] for hit in found["hits"]] == [hit["name"] for hit in plain["hits"]]
    assert found["unknown"] == {"spaceship": ["space", "ship"], "bottlecap": ["bottle", "cap"]}
    assert found["note"].endswith("so they do not count: 'spaceship', 'a bottlecap'")
    assert (plain["unknown"], plain["note"]) == ({}, None)
    like = client.get("/api/search", params={"q": "spaceship", "photo": photo["id"]}).json()
    assert like["hits"][0]["name"] == "photographer.jpg"
    assert like["note"].endswith("so it does not count: 'spaceship'")


def test_by_path_only_where_that_is_allowed(serve: Any, client: TestClient, tmp_path: Path) -> None:
    for name in ("album/cat.jpg", "copies/my cat.jpg", "copies/z/cat.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(EXAMPLES / "cat.jpg", tmp_path / name)
    shutil.copy(EXAMPLES / "astronaut.jpg", tmp_path / "album")
    with Index.create(tmp_path / "index", dvsa.load()) as made:
        made.add([tmp_path / "album", tmp_path / "copies"])
        allowing = serve(made, search_paths=True)

        def found(path: object) -> list[str]:
            answer = allowing.get("/api/search", params={"q": "a cat", "k": 9, "path": str(path)})
            return [hit["name"] for hit in answer.json()["hits"]]

        assert found(f"{tmp_path}/album/") == ["cat.jpg", "astronaut.jpg"]
        assert found(f"{tmp_path}/copies/") == ["my cat.jpg"], "the name of a copy that is asked for"
        assert found(f"{tmp_path}/copies/z") == ["cat.jpg"]
        assert found("/nowhere") == []
        assert allowing.get("/healthz").json()["search_paths"] is True

    # By default, what a path would find is not even told by the time or by the message.
    said = {
        client.get("/api/search", params={"q": "a cat", "path": path}).text
        for path in ("/", "/nowhere", str(EXAMPLES), "")
    }
    (line,) = said
    assert "this service does not search by path; dvsa serve --search-paths allows it" in line
    assert client.get("/api/search", params={"q": "a cat", "path": "/"}).status_code == 422


def test_by_photograph_and_by_a_part_of_it(
    client: TestClient, index: Index, model: dvsa.Model, photo: dict[str, Any]
) -> None:
    path = EXAMPLES / "photographer.jpg"
    found = client.get("/api/search", params={"photo": photo["id"]}).json()
    assert found["hits"] == answered(index.search(Query.of_photo(model, path), 12))
    assert found["query"] == "regions of photographer.jpg"
    part = client.get("/api/search", params={"photo": photo["id"], "box": "0.25,0,0.75,0.5"}).json()
    wanted = index.search(Query.of_photo(model, path, [128, 0, 384, 256]), 12)
    assert part["hits"] == answered(wanted)
    assert part["hits"] != found["hits"]
    cat = client.post("/api/samples/cat.jpg").json()
    part = client.get("/api/search", params={"photo": cat["id"], "box": "0.5,0.25,1,1"}).json()
    wanted = index.search(Query.of_photo(model, EXAMPLES / "cat.jpg", [225.5, 75, 451, 300]), 12)
    assert part["hits"] == answered(wanted)


@pytest.mark.parametrize(
    ("question", "status"),
    [
        ({}, 422), ({"q": ""}, 422), ({"q": "xyzzy"}, 422), ({"q": "a" * 10_001}, 422),
        ({"q": "a", "k": 0}, 422), ({"q": "a", "k": 101}, 422), ({"q": "a", "k": "x"}, 422),
        ({"q": "a", "box": "0,0,1,1"}, 422), ({"box": "0,0,1,1"}, 422),
        ({"q": "a", "gps": "1,2,3"}, 422), ({"q": "a", "gps": "2,0,1,0"}, 422),
        ({"q": "a", "field": "trip"}, 422), ({"q": "a", "sort": "best"}, 422), ({"q": "a", "other": 1}, 422),
        ({"q": "a", "city": "Xyzzyville"}, 422), ({"q": "a", "weight": 0}, 422), ({"photo": "none"}, 404),
        ({"q": "a", "weight": 2}, 422), ({"photo": "PHOTO", "weight": 2}, 422),
        ({"q": "xyzzy", "without": "a dog"}, 422),
        ({"q": "a cat", "without": "a" * 10_001}, 422),
        *(({"photo": "PHOTO", "box": box}, 422) for box in
          ("", "1", "0,0,1", "0,0,1,1,1", "a,b,c,d", "nan,0,1,1", "0,0,inf,1", "0,0,0,1", "0.5,0,0.2,1",
           "-1,0,1,1")),
    ],
)  # fmt: skip
def test_invalid_searches(
    client: TestClient, photo: dict[str, Any], question: dict[str, Any], status: int
) -> None:
    answer = client.get(
        "/api/search", params={name: photo["id"] if v == "PHOTO" else v for name, v in question.items()}
    )
    assert answer.status_code == status
    assert [*answer.json()] == ["detail"]


def test_a_hit_is_shown_and_opened(client: TestClient, photo: dict[str, Any]) -> None:
    hit = client.get("/api/search", params={"q": "a man filming", "k": 1}).json()["hits"][0]
    assert hit["name"] == "photographer.jpg"
    for params, side in (({}, 320), ({"side": 320}, 320), ({"side": 1024}, 512)):
        answer = client.get(f"/api/search/{hit['id']}/image", params=params)
        assert answer.headers["content-type"] == "image/jpeg"
        assert Image.open(io.BytesIO(answer.content)).size == (side, side)
    assert client.get(f"/api/search/{hit['id']}/image", params={"side": 4000}).status_code == 422
    opened = client.post(f"/api/search/{hit['id']}/open")
    assert opened.status_code == 201
    assert {**opened.json(), "id": photo["id"]} == photo


def test_only_found_photographs_are_shown(model: dvsa.Model, index: Index) -> None:
    with TestClient(create_app(model, index), base_url="http://localhost") as client:
        name = hashlib.sha256((EXAMPLES / "cat.jpg").read_bytes()).hexdigest()
        for identifier in (name, "..", "%2fetc%2fpasswd", str(EXAMPLES / "cat.jpg").replace("/", "%2f")):
            assert client.get(f"/api/search/{identifier}/image").status_code == 404
            assert client.post(f"/api/search/{identifier}/open").status_code in (404, 405)
        client.get("/api/search", params={"q": "a cat"})
        assert client.get(f"/api/search/{name}/image").status_code == 200


def test_photographs_that_are_missing_or_have_changed(model: dvsa.Model, tmp_path: Path) -> None:
    folder = tmp_path / "photographs"
    shutil.copytree(EXAMPLES, folder)
    with Index.create(tmp_path / "index", model) as index:
        index.add([folder])
        with TestClient(create_app(model, index), base_url="http://localhost") as client:
            hits = client.get("/api/search", params={"q": "a cat", "k": 12}).json()["hits"]
            (folder / hits[0]["name"]).unlink()
            shutil.copy(EXAMPLES / "README.md", folder / hits[1]["name"])

            for hit in hits[:2]:
                for answer in (
                    client.get(f"/api/search/{hit['id']}/image"),
                    client.post(f"/api/search/{hit['id']}/open"),
                ):
                    assert answer.status_code == 404
                    assert hit["name"] in answer.json()["detail"]
                    assert str(tmp_path) not in answer.text
            assert client.get(f"/api/search/{hits[2]['id']}/image").status_code == 200


def test_without_an_index(model: dvsa.Model) -> None:
    with TestClient(create_app(model), base_url="http://localhost") as client:
        assert client.get("/healthz").json()["index"] is None
        for answer in (
            client.get("/api/search", params={"q": "a"}),
            client.get("/api/search/00/image"),
            client.post("/api/search/00/open"),
        ):
            assert answer.status_code == 404
            assert "--index" in answer.json()["detail"]
