"""What explains the model on the page: samples, the tour, “why this box?”, the comparison and the game."""

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

import dvsa
from dvsa.model import View
from dvsa.web.photo_routes import SAMPLES

Visit = Callable[..., Page]


@pytest.fixture(scope="session")
def dog(model: dvsa.Model) -> View:
    """The first sample."""
    return model.open(SAMPLES / "dog.jpg")


@pytest.fixture
def page(visit: Visit) -> Page:
    """The page with the first sample."""
    page = visit()
    page.locator("#samples button").first.click()
    expect(page.locator("#words .word").first).to_be_visible()
    return page


def say(page: Page, sentence: str) -> None:
    with page.expect_response("**/align"):
        page.locator("#sentence").fill(sentence)
    expect(page.locator("#words .text")).to_have_text(sentence.split())


# Samples


def test_the_first_sample_is_the_dog_and_the_last_one_says_that_the_model_fails(
    page: Page, dog: View
) -> None:
    expect(page.locator("#caption .caption-text")).to_have_text(dog.caption().text)
    expect(page.locator("#sample-note")).to_be_hidden()
    page.locator(".brand").click()
    last = page.locator("#samples button").last
    expect(last).to_contain_text("Where it fails")
    last.click()
    expect(page.locator("#sample-note")).to_contain_text("shows where the model fails")
    page.go_back()
    page.locator("#samples button").first.click()
    expect(page.locator("#sample-note")).to_be_hidden()


def test_a_photograph_unlike_all_that_the_model_knows_says_so(visit: Visit) -> None:
    def strange(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, json={**response.json(), "familiar": False})

    page = visit(before=lambda page: page.route("**/api/samples/*", strange))
    page.locator("#samples button").first.click()
    expect(page.locator("#sample-note")).to_contain_text("may be wrong about all of it")


# The tour


def test_the_tour_goes_from_regions_to_the_caption_by_keyboard(visit: Visit) -> None:
    page = visit()
    page.get_by_role("button", name="Take the one-minute tour").press("Enter")
    titles = page.locator("#tour-title")
    expect(titles).to_have_text("1 of 5: Regions")
    expect(page.locator("#picture")).to_have_attribute("alt", re.compile("^dog.jpg"))
    expect(page.locator("#all-regions")).to_be_checked()
    expect(page.locator("#tour-next")).to_be_focused()
    read = [page.locator("#tour-text").inner_text()]

    page.keyboard.press("Enter")
    expect(titles).to_have_text("2 of 5: Words")
    expect(page.locator("#all-regions")).not_to_be_checked()
    expect(page.locator("#beta")).to_have_value("0")
    expect(page.locator("#sentence-section.toured")).to_be_visible()
    for title in ("3 of 5: Segments", "4 of 5: Caption", "5 of 5: Your turn"):
        read.append(page.locator("#tour-text").inner_text())
        page.keyboard.press("Enter")
        expect(titles).to_have_text(title)
    page.locator("#tour-back").click()
    expect(titles).to_have_text("4 of 5: Caption")
    page.keyboard.press("Enter")
    read.append(page.locator("#tour-text").inner_text())
    page.keyboard.press("Enter")
    expect(page.locator("#tour")).to_be_hidden()
    expect(page.locator("#sentence")).to_be_focused()
    expect(page.locator(".toured")).to_have_count(0)

    # A minute of reading is about 200 words.
    assert 100 < len(" ".join(read).split()) < 240


@pytest.mark.parametrize("size", [(1280, 900), (768, 900), (360, 740)])
def test_the_tour_never_covers_what_it_shows(visit: Visit, size: tuple[int, int]) -> None:
    page = visit(viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce")
    page.get_by_role("button", name="Take the one-minute tour").click()
    for k, target in enumerate(["#frame", "#sentence", "#beta", "#caption .caption-text"]):
        expect(page.locator("#tour-title")).to_contain_text(f"{k + 1} of 5")
        page.wait_for_timeout(200)  # the page scrolls
        panel, shown = (page.locator(name).bounding_box() for name in ("#tour", target))
        assert panel is not None
        assert shown is not None
        assert shown["y"] + min(shown["height"], 60) <= panel["y"], target
        assert shown["y"] >= -1, target
        page.locator("#tour-next").click()


def test_the_tour_ends_by_escape_and_when_the_page_shows_something_else(page: Page) -> None:
    page.locator("#photo-view .take-tour").click()
    page.keyboard.press("Escape")
    expect(page.locator("#tour")).to_be_hidden()
    expect(page.locator("#all-regions")).not_to_be_checked()
    page.locator("#photo-view .take-tour").click()
    page.evaluate("location.hash = '#/'")
    expect(page.locator("#start")).to_be_visible()
    expect(page.locator("#tour")).to_be_hidden()


# Why this box?


def test_a_word_of_the_sentence_explains_its_box(page: Page, dog: View) -> None:
    say(page, "a dog with its tongue out")
    page.locator("#beta").fill("0")
    page.locator("#words .word").nth(4).click()
    why = page.locator("#why")
    expect(why).to_contain_text("Why this box for “tongue”?")
    aligned = dog.align("a dog with its tongue out")
    row = aligned.scores[4]
    order = sorted(range(len(row)), key=lambda i: -row[i])[:3]
    found = why.locator("li").evaluate_all("all => all.map(item => +item.dataset.region)")
    assert found == order
    expect(why.locator("li.chosen")).to_have_attribute("data-region", str(order[0]))
    frame = len(row) - 1
    place = "the whole photograph" if order[0] == frame else f"region {order[0]}"
    expect(why).to_contain_text(f"most like {place}")

    expect(page.locator("#why-numbers")).to_be_hidden()
    why.locator("summary").click()
    expect(page.locator("#why-numbers")).to_contain_text(f"{row[order[0]]:.2f}")

    # The explanation follows the slider, and ends with the sentence.
    page.locator("#beta").fill("100")
    everything = page.locator("#words .word").first.get_attribute("data-region")
    expect(why.locator(f'li.chosen[data-region="{everything}"], #why-text')).not_to_have_count(0)
    if everything != str(order[0]):
        expect(why).to_contain_text("The slider joins it with its neighbours")
    page.locator("#sentence").fill("")
    expect(why).to_be_hidden()


def test_a_word_of_any_caption_explains_its_box(page: Page) -> None:
    page.locator("#caption .word").nth(1).press("Enter")
    word = page.locator("#caption .word").nth(1).inner_text()
    expect(page.locator("#caption #why")).to_contain_text(f"Why this box for “{word}”?")
    page.keyboard.press("Escape")
    page.locator("#methods-section").scroll_into_view_if_needed()
    line = page.locator("#method-sample li").first
    line.locator(".word").nth(1).click()
    word = line.locator(".word").nth(1).inner_text()
    expect(line.locator("#why")).to_contain_text(f"Why this box for “{word}”?")
    page.get_by_role("button", name="Close the explanation").click()
    expect(page.locator("#why")).to_be_hidden()
    expect(line.locator(".word").nth(1)).to_be_focused()
    page.get_by_role("button", name="Sample again").click()
    expect(page.locator("#method-sample li").first).to_be_visible()
    page.locator("#caption .word").nth(1).click()
    expect(page.locator("#why")).to_be_visible()


def test_a_word_that_the_model_does_not_know_is_explained(page: Page) -> None:
    say(page, "a dog plugh")
    page.locator("#words .word").nth(2).click()
    expect(page.locator("#why")).to_contain_text("The model does not know “plugh”")
    expect(page.locator("#why li")).to_have_count(0)
    expect(page.locator("#sentence-verdict")).to_contain_text("In place of plugh, try")


# Two photographs


def test_one_sentence_on_two_photographs(page: Page, dog: View, model: dvsa.Model) -> None:
    say(page, "a man with a camera")
    page.locator("#to-compare").click()
    expect(page.locator(".side img")).to_have_count(2)
    expect(page.locator("#compare-sentence")).to_have_value("a man with a camera")
    page.locator("#compare-b").select_option("sample:photographer.jpg")
    expect(page.locator("#side-b img")).to_have_attribute("alt", re.compile("photographer.jpg"))
    other = model.open(SAMPLES / "photographer.jpg")
    assert other.score("a man with a camera") > dog.score("a man with a camera") + 0.1
    expect(page.locator("#compare-verdict")).to_have_text("The sentence fits the right photograph better.")
    page.locator("#compare-swap").click()
    expect(page.locator("#compare-verdict")).to_have_text("The sentence fits the left photograph better.")

    for side, view in (("#side-b", dog), ("#side-a", other)):
        weak = [w.text for w in view.align("a man with a camera").words if w.known and not w.supported]
        expect(page.locator(f"{side} .unsupported")).to_have_text(weak)
        drawn = page.locator(f"{side} g[data-box]").evaluate_all("all => all.map(g => +g.dataset.box)")
        assert {*drawn} == {segment.region for segment in view.align("a man with a camera").segments}

    page.locator("#compare-sentence").fill("a dog")
    page.keyboard.press("Enter")
    expect(page.locator("#compare-verdict")).to_have_text("The sentence fits the right photograph better.")
    page.reload()
    expect(page.locator("#compare-sentence")).to_have_value("a dog")
    expect(page.locator("#side-a img")).to_have_attribute("alt", re.compile("photographer.jpg"))
    word = page.locator("#side-b .mark").nth(1)
    word.hover()
    expect(page.locator("#side-b g.on")).to_have_count(1)
    expect(page.locator("#compare-numbers")).to_be_hidden()


# The game


def rounds(page: Page, photo: dict[str, Any]) -> list[dict[str, Any]]:
    """The questions about a photograph."""
    found: list[dict[str, Any]] = page.evaluate(
        "photo => import('/static/game.js').then(({roundsOf}) => roundsOf(photo))", photo
    )
    return found


def test_the_game_asks_for_the_regions_that_the_model_chose(page: Page, site: str) -> None:
    photo = httpx.post(f"{site}/api/samples/dog.jpg").json()
    asked = rounds(page, photo)
    assert 1 <= len(asked) <= 5
    page.locator("#to-game").click()
    for k, one in enumerate(asked):
        expect(page.locator("#game-score")).to_have_text(f"Question {k + 1} of {len(asked)}")
        expect(page.locator("#game-question")).to_have_text(one["question"])
        named = re.search("“(.+)”", one["question"])
        assert named is not None
        things = [(thing["name"], thing["region"]) for thing in photo["things"]]
        phrases = [(phrase["caption"]["text"], phrase["region"]) for phrase in photo["phrases"]]
        assert (named[1], one["answer"]) in [*things, *phrases]

        options = page.locator(".option")
        expect(options).to_have_count(len(one["options"]))
        right = k % 2 == 0
        letter = "ABCD"[one["options"].index(one["answer"])]
        chosen = "[data-answer]" if right else ":not([data-answer])"
        page.locator(f".option{chosen}").first.press("Enter")
        answer = "Yes, the model chose this one too." if right else f"The model chose {letter}."
        expect(page.locator("#game-answer")).to_have_text(answer)
        expect(options.first).to_be_disabled()
        expect(page.locator("#game-next")).to_be_focused()
        page.keyboard.press("Enter")
    agreed = (len(asked) + 1) // 2
    expect(page.locator("#game-question")).to_have_text(
        f"You and the model agreed in {agreed} of {len(asked)}."
    )
    page.get_by_role("link", name="Back to the photograph").click()
    expect(page.locator("#photo-view")).to_be_visible()


def test_a_guess_in_the_game_is_clear(page: Page) -> None:
    def region(index: int, *box: float) -> dict[str, Any]:
        return {"index": index, "box": box, "pixels": [0, 0, 1, 1], "score": 1}

    def phrase(index: int, text: str) -> dict[str, Any]:
        return {"region": index, "caption": {"text": text, "words": []}}

    boxes = [(0, 0, 0.4, 0.4), (0.1, 0.1, 0.3, 0.3), (0.6, 0.6, 1, 1), (0.6, 0, 1, 0.3), (0, 0, 1, 1)]
    photo = {
        "regions": [region(i, *box) for i, box in enumerate(boxes)],
        "things": [
            {"name": "dog", "region": 0, "probability": 0.9},
            {"name": "sky", "region": 4, "probability": 1},
        ],
        "phrases": [phrase(0, "a dog"), phrase(1, "a nose"), phrase(2, "a brown dog"), phrase(3, "a tree")],
    }
    asked = rounds(page, photo)
    # The nose lies in the dog, the other dog would be right too, and the sky is the whole photograph.
    assert asked[0] == {"question": "Where does the model see “dog”?", "answer": 0, "options": [0, 3]}
    assert all("sky" not in one["question"] for one in asked)


def test_a_photograph_without_clear_regions_has_no_game(visit: Visit) -> None:
    def crowded(route: Route) -> None:
        response = route.fetch()
        photo = response.json()
        for one in photo["regions"]:
            one["box"] = [0, 0, 1, 1]
        route.fulfill(response=response, json=photo)

    page = visit(before=lambda page: page.route("**/api/samples/*", crowded))
    page.evaluate("location.hash = '#/game?of=sample:dog.jpg'")
    expect(page.locator("#game-question")).to_contain_text("overlap too much for the game")
    expect(page.locator("#game-next")).to_be_hidden()
