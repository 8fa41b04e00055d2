"""The page's addresses in a real browser: links bring a sentence back, and invalid ones are told in words."""

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

Visit = Callable[..., Page]
SENTENCE = "a dog with its tongue out sits on a zebra"


def query(page: Page) -> dict[str, list[str]]:
    """What the address asks for."""
    return parse_qs(urlsplit("x:/" + page.url.partition("#")[2]).query)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("#/search?photo=x", "The photograph of this search is not open any more. Open it again"),
        ("#/search", "This search has no question"),
        ("#/search?q=", "This search has no question"),
        ("#/search?q=a+dog&colour=red", "A search has no condition “colour”"),
        ("#/search?box=0,0,1,1", "names a part of a photograph, but no photograph"),
        ("#/search?photo=x&box=0,0,1", "needs left,top,right,bottom, four numbers from 0 to 1"),
        ("#/search?photo=x&box=0.5,0,0.2,1", "needs left,top,right,bottom"),
        ("#/search?q=a+dog&k=0", "k"),
        ("#/search?q=xyzzy", "The model knows no word of 'xyzzy'"),
        ("#/photo/x", "This photograph is not open any more. Open a photograph again"),
        ("#/photo/%E0%A4%A", "This photograph is not open any more"),
        ("#/photo/", "There is no page “photo/”"),
        ("#/sample/mars.jpg", "There is no sample “mars.jpg”"),
        ("#/sample/dog.jpg?beta=warm", "beta=warm: it must be a number from 0, or inf"),
        ("#/sample/dog.jpg?beta=-1", "beta=-1: it must be a number from 0, or inf"),
        ("#/compare?a=dog.jpg", "“dog.jpg” names no photograph"),
        ("#/compare?a=photo:x", "not open any more"),
        ("#/game", "The game needs a photograph"),
        ("#/game?of=photo:x", "not open any more"),
        ("#/nonsense", "There is no page “nonsense”"),
        ("#x", "There is no page “x”"),
    ],
)
def test_an_invalid_address_is_answered_in_words(visit: Visit, address: str, reason: str) -> None:
    page = visit(f"/{address}")
    expect(page.locator("main")).to_contain_text(reason)
    expect(page.locator("#notice")).to_be_empty()
    shown = page.locator("main > section:visible")
    expect(shown).to_have_count(1)
    page.locator(".brand").click()
    expect(page.locator("#start")).to_be_visible()


def test_a_link_brings_the_sample_the_sentence_and_the_slider_back(visit: Visit) -> None:
    page = visit("/#/sample/dog.jpg")
    with page.expect_response("**/align"):
        page.locator("#sentence").fill(SENTENCE)
    expect(page.locator("#words .word")).to_have_count(10)
    page.locator("#beta").fill("80")
    expect(page).to_have_url(re.compile(r"#/sample/dog\.jpg\?s=.*&beta="))
    regions = "all => all.map(word => word.dataset.region)"
    before = page.locator("#words .word").evaluate_all(regions)
    segments = page.locator("#beta-value").inner_text()

    other = visit("/" + page.url.partition("/")[2].partition("/")[2].partition("/")[2])
    expect(other.locator("#sentence")).to_have_value(SENTENCE)
    expect(other.locator("#words .word")).to_have_count(10)
    expect(other.locator("#beta-value")).to_have_text(segments)
    expect(other.locator("#beta")).to_have_value("80")
    assert other.locator("#words .word").evaluate_all(regions) == before
    assert other.url.partition("#")[2] == page.url.partition("#")[2]


def test_the_address_has_only_what_is_not_usual(visit: Visit) -> None:
    page = visit("/#/sample/dog.jpg")
    caption = page.locator("#sentence").input_value() or page.locator("#caption .caption-text").inner_text()
    with page.expect_response("**/align"):
        page.locator("#sentence").fill("a dog & a cat")
    expect(page).to_have_url(re.compile(r"s=a\+dog\+%26\+a\+cat$"))
    page.locator("#beta").fill("100")
    expect(page).to_have_url(re.compile("beta=inf$"))
    page.locator("#beta-own").click()
    expect(page).to_have_url(re.compile("cat$"))
    with page.expect_response("**/align"):
        page.locator("#sentence").fill(caption.strip())
    expect(page).to_have_url(re.compile(r"#/sample/dog\.jpg$"))
    page.locator("#sentence").fill("")
    expect(page).to_have_url(re.compile(r"\?s=$"))
    page.reload()
    expect(page.locator("#caption .word").first).to_be_visible()
    expect(page.locator("#sentence")).to_have_value("")
    expect(page.locator("#words .word")).to_have_count(0)


def test_the_link_is_copied_and_says_how_long_it_lasts(visit: Visit, opened: str) -> None:
    page = visit("/#/sample/dog.jpg?s=a+dog&beta=0")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    expect(page.locator("#words .word")).to_have_count(2)
    page.locator("#copy-link").click()
    expect(page.locator("#notice")).to_contain_text("brings back this sample, the sentence and the slider")
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    assert query(page) == {"s": ["a dog"], "beta": ["0"]}

    page.evaluate("address => { location.hash = address; }", opened.removeprefix("/"))
    expect(page.locator("#picture")).to_have_attribute("alt", re.compile("astronaut"))
    page.locator("#copy-link").click()
    expect(page.locator("#notice")).to_contain_text("as long as the photograph is open")


def test_going_back_keeps_the_sentence_that_was_typed(visit: Visit) -> None:
    page = visit("/#/sample/dog.jpg")
    expect(page.locator("#words .word").first).to_be_visible()
    with page.expect_response("**/align"):
        page.locator("#sentence").fill("a dog on a blue sofa")
    expect(page).to_have_url(re.compile("blue"))
    page.locator("#query").fill("a cat")
    page.locator("#query").press("Enter")
    expect(page.locator("#hits > li")).to_have_count(1)
    page.go_back()
    expect(page.locator("#photo-view")).to_be_visible()
    expect(page.locator("#sentence")).to_have_value("a dog on a blue sofa")
