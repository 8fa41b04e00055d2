"""The results of a search on the page: clean photographs, with boxes on the one that is looked at."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, Route, expect

from dvsa.index import Index

Visit = Callable[..., Page]


def opacity(card: Locator) -> float:
    """How visible the boxes of a card are."""
    return float(card.locator(".fit > svg").evaluate("drawn => getComputedStyle(drawn).opacity"))


def sheet(visit: Visit, query: str, **options: object) -> Page:
    page = visit(f"/#/search?{query}", reduced_motion="reduce", **options)
    expect(page.locator("#found-summary")).not_to_have_text("Searching…")
    return page


def test_photographs_are_clean_until_one_is_looked_at(visit: Visit) -> None:
    page = sheet(visit, "q=a+cat&k=3")
    cards = page.locator(".card")
    expect(cards).to_have_count(3)
    assert [opacity(card) for card in cards.all()] == [0, 0, 0]
    expect(cards.nth(0).locator(".hit-words")).to_be_hidden()

    cards.nth(1).hover()
    assert [opacity(card) for card in cards.all()] == [0, 1, 0]
    expect(cards.nth(1).locator(".hit-words")).to_be_visible()
    words = cards.nth(1).locator(".hit-words").bounding_box()
    picture = cards.nth(1).locator(".thumb").bounding_box()
    assert words is not None
    assert picture is not None
    assert words["y"] >= picture["y"] + picture["height"] - 1, "the words do not cover the boxes"

    page.mouse.move(2, 2)
    cards.nth(2).locator(".hit").focus()
    assert [opacity(card) for card in cards.all()] == [0, 0, 1]


def test_a_touch_shows_the_boxes_and_the_next_one_opens(visit: Visit) -> None:
    page = sheet(visit, "q=a+cat&k=3", viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    opened: list[str] = []
    page.on("request", lambda request: opened.append(request.url) if request.url.endswith("/open") else None)
    cards = page.locator(".card")
    cards.nth(0).locator(".hit").tap()
    assert opacity(cards.nth(0)) == 1
    expect(page.locator("#found")).to_be_visible()
    cards.nth(1).locator(".hit").tap()
    expect(cards.nth(0)).not_to_have_class(re.compile("tapped"))
    assert opacity(cards.nth(1)) == 1
    page.wait_for_timeout(200)
    assert opened == []
    cards.nth(1).locator(".hit").tap()
    expect(page.locator("#photo-view")).to_be_visible()
    assert len(opened) == 1
    expect(page.locator("#sentence")).to_have_value("a cat")


def test_the_tail_is_cut_and_show_more_brings_it(visit: Visit, index: Index) -> None:
    page = sheet(visit, "q=a+cat")
    fitting = [hit.photograph.id for hit in index.search("a cat")]
    assert 0 < len(fitting) < len(index)
    expect(page.locator("#hits .card")).to_have_count(len(fitting))
    expect(page.locator("#less-section")).to_be_hidden()
    first = page.locator("#hits .hit-name").all_inner_texts()

    page.get_by_role("button", name="Show more").click()
    expect(page.locator("#less .card")).to_have_count(len(index) - len(fitting))
    expect(page.locator("#less-title")).to_have_text("These fit less well.")
    assert page.locator("#hits .hit-name").all_inner_texts() == first
    expect(page.locator("#less .hit").first).to_be_focused()
    expect(page.locator("#more")).to_be_hidden()
    expect(page).to_have_url(re.compile(r"q=a\+cat&k=\d+$"))
    page.reload()
    expect(page.locator(".card")).to_have_count(len(index))
    expect(page.locator("#more")).to_be_hidden()


def test_more_results_than_a_step_come_in_steps(visit: Visit) -> None:
    page = sheet(visit, "q=a+cat&k=1")
    asked: list[str] = []

    def many(route: Route) -> None:
        asked.append(route.request.url)
        response = route.fetch()
        content = response.json()
        count = int(route.request.url.rpartition("k=")[2])
        hit = {**content["hits"][0], "fits": False}
        content["hits"] = [content["hits"][0], *({**hit, "id": f"{n:064}"} for n in range(count - 1))]
        route.fulfill(response=response, json=content)

    page.route("**/api/search?*", many)
    page.route("**/api/search/*/image*", lambda route: route.abort())
    for count in (25, 49, 73, 97, 100):
        page.get_by_role("button", name="Show more").click()
        expect(page.locator(".card")).to_have_count(count)
    expect(page.locator("#more")).to_be_hidden()
    assert [int(url.rpartition("k=")[2]) for url in asked] == [25, 49, 73, 97, 100]


def test_arrow_keys_move_in_the_sheet(visit: Visit) -> None:
    page = sheet(visit, "q=a+cat&k=3&sort=newest")
    stops = page.locator('.hit[tabindex="0"]')
    sheets = page.locator("ol.sheet:has(.hit)")
    expect(stops).to_have_count(sheets.count())
    hits = sheets.last.locator(".hit")
    hits.first.focus()
    page.keyboard.press("ArrowRight")
    expect(hits.nth(1)).to_be_focused()
    page.keyboard.press("Home")
    expect(hits.nth(0)).to_be_focused()


def test_a_suggestion_takes_the_place_of_the_unknown_word(visit: Visit) -> None:
    page = sheet(visit, "q=A+Bottlecap,+and+a+cat&without=snow")
    expect(page.locator("#suggestions")).to_contain_text("The model does not know “bottlecap”")
    with page.expect_request("**/api/search?*") as asked:
        page.get_by_role("button", name="cap", exact=True).click()
    assert asked.value.url.endswith("q=A+cap%2C+and+a+cat&without=snow")
    expect(page.locator("#found-title")).to_have_text("“A cap, and a cat”")
    expect(page.locator("#suggestions")).to_be_hidden()


def test_a_question_of_unknown_words_gets_suggestions_too(visit: Visit) -> None:
    page = sheet(visit, "q=bottlecap")
    expect(page.locator("#found-summary")).to_contain_text("The model knows no word of 'bottlecap'")
    page.locator("#suggestions").get_by_role("button", name="bottle").click()
    expect(page.locator("#found-title")).to_have_text("“bottle”")
    page.evaluate("location.hash = '#/search?q=xyzzy'")
    expect(page.locator("#found-summary")).to_contain_text("The model knows no word of 'xyzzy'")
    expect(page.locator("#suggestions")).to_be_hidden()


def test_photographs_like_a_part_are_one_sheet_without_words(visit: Visit) -> None:
    page = visit("/#/sample/cat.jpg")
    expect(page.locator("#words .word").first).to_be_visible()
    page.locator("#regions .region").nth(3).press("Enter")
    page.locator("#similar").click()
    expect(page.locator("#hits .card")).to_have_count(3)
    expect(page.locator("#less-section")).to_be_hidden()
    expect(page.locator(".hit-words")).to_have_count(0)
    expect(page.locator("#crop")).to_be_visible()
