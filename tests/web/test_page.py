"""The page in a real browser, against the real service with the shipped model and an index of examples/."""

import base64
import io
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import httpx
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from PIL import Image
from playwright.sync_api import (
    Browser,
    Download,
    Error,
    Locator,
    Page,
    Route,
    expect,
)

import dvsa
from dvsa import segments
from dvsa.model import View
from dvsa.text import FUNCTION_WORDS

ROOT = Path(dvsa.__file__).parents[2]
PHOTOGRAPH = ROOT / "examples" / "astronaut.jpg"
SENTENCE = "a smiling woman with brown hair in an orange suit beside a white rocket"

Visit = Callable[..., Page]


def shown(page: Page) -> None:
    page.locator("#words .word").first.wait_for()


def say(page: Page, sentence: str) -> None:
    """Types a sentence, and waits until it is aligned."""
    with page.expect_response("**/align"):
        page.locator("#sentence").fill(sentence)
    expect(page.locator("#words .text")).to_have_text(sentence.lower().split())


def slide(page: Page, position: int) -> None:
    page.locator("#beta").fill(str(position))


def regions(page: Page) -> list[int]:
    """The region of each word, as the page shows it."""
    found = page.locator("#words .word").evaluate_all("all => all.map(w => +w.dataset.region)")
    return [int(region) for region in found]


def along(view: View, sentence: str, beta: float) -> list[int]:
    """The region of each word, from the model."""
    return [s.region for s in view.align(sentence, beta).segments for _ in range(s.first, s.last + 1)]


def number(value: float) -> str:
    return f"{value:z.2f}".replace("-", "−")


def fulfil(route: Route, **changes: Any) -> None:
    """Returns the service's response with some fields changed."""
    answer = route.fetch()
    route.fulfill(response=answer, json={**answer.json(), **changes})


# Opening a photograph


def drop(page: Page) -> None:
    content = base64.b64encode(PHOTOGRAPH.read_bytes()).decode()
    carried = page.evaluate_handle(
        """async (content) => {
          const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
          const carried = new DataTransfer();
          carried.items.add(new File([bytes], "astronaut.jpg", {type: "image/jpeg"}));
          return carried;
        }""",
        content,
    )
    page.dispatch_event("body", "dragover", {"dataTransfer": carried})
    expect(page.locator("#drop-overlay")).to_be_visible()
    page.dispatch_event("body", "drop", {"dataTransfer": carried})
    expect(page.locator("#drop-overlay")).to_be_hidden()


def paste(page: Page) -> None:
    content = base64.b64encode(PHOTOGRAPH.read_bytes()).decode()
    page.evaluate(
        """(content) => {
          const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
          const carried = new DataTransfer();
          carried.items.add(new File([bytes], "astronaut.jpg", {type: "image/jpeg"}));
          document.dispatchEvent(new ClipboardEvent("paste", {clipboardData: carried, cancelable: true}));
        }""",
        content,
    )


def pick(page: Page) -> None:
    with page.expect_file_chooser() as chooser:
        page.locator("#drop").click()
    chooser.value.set_files(PHOTOGRAPH)


@pytest.mark.parametrize("give", [drop, paste, pick])
def test_a_given_photograph_is_described(visit: Visit, view: View, give: Callable[[Page], None]) -> None:
    page = visit()
    give(page)
    shown(page)
    described = view.describe(phrases=19)
    expect(page.locator("#caption .word")).to_have_text(list(described.caption.words))
    expect(page.locator("#sentence")).to_have_value(described.caption.text)
    expect(page.locator("#picture")).to_have_attribute("alt", f"astronaut.jpg: {described.caption.text}")
    assert page.locator("#regions .region").count() == len(view.regions)
    assert page.locator("#phrases li").count() >= len(described.phrases)
    assert "astronaut.jpg" in page.locator("#announcer").inner_text()
    assert regions(page) == along(view, described.caption.text, view.model.bundle.manifest.beta)


def test_a_sample_opens_and_its_address_opens_it_again(visit: Visit) -> None:
    page = visit()
    page.locator("#samples button").nth(2).click()
    shown(page)
    said = page.locator("#caption .caption-text").inner_text()
    page.reload()
    shown(page)
    assert page.locator("#caption .caption-text").inner_text() == said
    page.go_back()
    expect(page.locator("#start")).to_be_visible()


# Results


def test_a_word_of_the_caption_highlights_its_box(page: Page, view: View) -> None:
    words = view.align(view.caption().text, 0.0).words
    for t in (1, len(words) - 1):
        word = page.locator("#caption .word").nth(t)
        word.hover()
        expect(page.locator("#tooltip")).to_contain_text(words[t].text)
        at(page.locator("#hole"), view, words[t].region)
    word.focus()
    page.mouse.move(2, 2)
    expect(page.locator("#tooltip")).to_be_visible()
    page.locator("#sentence").focus()
    expect(page.locator("#tooltip")).to_be_hidden()


def with_probabilities(value: object, probability: float | None = 0.934) -> None:
    """Give every content word in an answer of the service a probability."""
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        with_probabilities(child, probability)
    if isinstance(value, dict) and "supported" in value and value["text"] not in FUNCTION_WORDS:
        value |= {"probability": probability, "supported": value["text"] not in ("cellphone", "zebra")}


def calibrated(probability: float | None) -> Callable[[Page], None]:
    """Has the page see a model with a calibration that says this of every word, or none."""

    def answer(route: Route) -> None:
        response = route.fetch()
        if "json" not in response.headers.get("content-type", ""):
            return route.fulfill(response=response)
        content = response.json()
        with_probabilities(content, probability)
        return route.fulfill(response=response, json=content)

    def before(page: Page) -> None:
        page.route("**/api/**", answer)

    return before


def test_words_show_how_probable_they_are(visit: Visit, opened: str) -> None:
    page = visit(opened, before=calibrated(0.934))
    shown(page)
    words = page.locator("#words .word")
    texts = words.locator(".text").all_inner_texts()
    below = ["" if text in FUNCTION_WORDS else "93 %" for text in texts]
    assert "93 %" in below
    assert words.locator("small").all_inner_texts() == below
    place = next(t for t, text in enumerate(texts) if text not in FUNCTION_WORDS)
    expect(words.nth(place)).to_have_attribute("aria-label", re.compile("93 % probable"))
    words.nth(place).hover()
    expect(page.locator("#tooltip")).to_have_text(f"{texts[place]}: 93 % probable")
    expect(page.locator("#probable-hint")).to_be_visible()
    expect(page.locator("#words .unsupported")).to_have_count(texts.count("cellphone"))
    expect(page.locator("#caption p")).to_contain_text("93 %")


def test_without_a_calibration_no_word_has_a_number(visit: Visit, opened: str) -> None:
    page = visit(opened, before=calibrated(None))
    shown(page)
    expect(page.locator("#probable-hint")).to_be_hidden()
    assert set(page.locator("#words .word small").all_inner_texts()) == {""}
    expect(page.locator("#caption p")).to_have_text(re.compile("^(A region supports|No region supports)"))


def test_a_typed_sentence_marks_words_without_support_as_captions_do(visit: Visit, opened: str) -> None:
    page = visit(opened, before=calibrated(0.2))
    shown(page)
    say(page, "a woman beside a zebra")
    expect(page.locator("#words .unsupported")).to_have_text(["zebra"])
    word = page.locator("#words .word").nth(4)
    assert "underline" in word.locator(".text").evaluate("w => getComputedStyle(w).textDecorationLine")
    expect(word).to_have_attribute("aria-label", re.compile("no region supports it"))
    expect(page.locator("#sentence-verdict")).to_have_text(
        "No region supports zebra. Least probable: woman, 20 %."
    )


def test_the_model_itself_supports_what_is_there_and_not_what_is_not(page: Page, view: View) -> None:
    say(page, "a woman rides a snowmobile beside a dog")
    weak = [
        word.text
        for word in view.align("a woman rides a snowmobile beside a dog").words
        if word.known and not word.supported
    ]
    expect(page.locator("#words .unsupported")).to_have_text(weak)


def test_numbers_stand_behind_details(page: Page) -> None:
    for name in ("#sentence-score", "#beta-number", "#caption-numbers", "#method-numbers", "#phrase-numbers"):
        expect(page.locator(name)).to_be_hidden()
    panels = page.locator("#panels").inner_text()
    assert not re.search(r"\bln p\b|β|\d[.]\d\d", panels)
    page.locator("#sentence-section > details summary").click()
    expect(page.locator("#sentence-section > details")).to_contain_text(
        "the bonus for two neighbouring words"
    )
    expect(page.locator("#sentence-score")).to_be_visible()
    page.locator("#caption-section summary").click()
    expect(page.locator("#caption-section details p")).to_contain_text("log-probability, ln p")


def test_things_have_regions_and_probabilities(visit: Visit, opened: str, view: View) -> None:
    page = visit(opened)
    shown(page)
    things = page.locator("#things .thing")
    expect(things).to_have_count(len(view.things()))
    for button, thing in zip(things.all(), view.things(), strict=True):
        assert button.get_attribute("data-region") == str(thing.region)
        assert button.inner_text().split("\n")[0].startswith(thing.name)
        assert ("%" in button.inner_text()) == (thing.probability < 1)
    things.first.hover()
    at(page.locator("#hole"), view, view.things()[0].region)
    things.first.focus()
    page.keyboard.press("ArrowRight")
    expect(things.nth(1)).to_be_focused()


def at(rectangle: Locator, view: View, region: int | None) -> None:
    """Checks that the rectangle is the region's box."""
    assert region is not None
    x0, y0, x1, y1 = view.regions[region].box
    drawn = rectangle.evaluate("r => ['x', 'y', 'width', 'height'].map(n => parseFloat(r.getAttribute(n)))")
    assert drawn == pytest.approx([100 * x0, 100 * y0, 100 * (x1 - x0), 100 * (y1 - y0)], abs=0.01)


def test_a_region_shows_its_phrase_by_pointer_and_by_keyboard(page: Page, view: View) -> None:
    phrases = {p.region.index: p.caption.text for p in view.phrases(19)}
    region, phrase = next(iter(phrases.items()))
    box = page.locator(f'#regions [data-region="{region}"]')
    box.focus()
    expect(page.locator("#tooltip")).to_have_text(phrase)
    expect(page.locator("#readout")).to_have_text(f"Region {region}: {phrase}")
    at(page.locator("#hole"), view, region)
    assert page.locator(f'#phrases [data-region="{region}"].on').count() == 1
    page.keyboard.press("ArrowRight")
    assert page.locator("#regions .region:focus").get_attribute("data-region") != str(region)
    page.locator(f'#phrases [data-region="{region}"]').hover()
    expect(page.locator("#tooltip")).to_have_text(phrase)


def test_a_sentence_is_aligned_as_by_the_model(page: Page, view: View) -> None:
    say(page, SENTENCE)
    beta = view.model.bundle.manifest.beta
    aligned = view.align(SENTENCE, beta)
    assert regions(page) == along(view, SENTENCE, beta)

    aligned_regions = page.locator("#regions .region.aligned").evaluate_all(
        "all => all.map(g => +g.dataset.region)"
    )
    assert {*aligned_regions} == {*regions(page)}
    expect(page.locator("#sentence-score")).to_have_text(number(aligned.score))

    page.get_by_role("radio", name="match").check()
    cells = page.locator("#heat td").all_text_contents()
    assert cells == [number(score) for row in aligned.scores for score in row]
    assert page.locator("#heat td.chosen").count() == len(aligned.words)

    colours = page.locator("#words .word").evaluate_all(
        "all => all.map(w => w.style.getPropertyValue('--c'))"
    )
    assert len({*colours}) == len({*regions(page)}), "each region has its own colour"
    signs = page.locator("#words .tag:not(:empty)").all_text_contents()
    assert len(signs) == len(aligned.segments), "and each segment has a label, for users who see no colours"


def test_fast_typing_sends_few_requests(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/align") else None)
    page.locator("#sentence").fill("")
    page.locator("#sentence").press_sequentially("a brown dog", delay=20)
    expect(page.locator("#words .text")).to_have_text(["a", "brown", "dog"])
    assert len(asked) <= 2


def test_the_slider_goes_from_single_words_to_one_region(page: Page, view: View) -> None:
    say(page, SENTENCE)
    counts, colours = [], []
    colour = "all => all.map(w => w.style.getPropertyValue('--c'))"

    for position in (0, 20, 40, 60, 80, 100, 0):
        slide(page, position)
        colours.append(page.locator("#words .word").evaluate_all(colour))
        path = regions(page)
        counts.append(len(segments.segments(path)))
        if position in (0, 100):
            assert path == along(view, SENTENCE, 0.0 if position == 0 else math.inf)

    assert colours[0] == colours[-1], "a region keeps its colour"
    assert counts.pop() == counts[0]
    assert counts == sorted(counts, reverse=True)

    slide(page, 100)
    assert counts[0] > 2
    assert counts[-1] == 1
    expect(page.locator("#beta")).to_have_attribute("aria-valuetext", "1 segment")
    expect(page.locator("#beta-number")).to_have_text("∞")

    page.locator("#beta").press("Home")
    expect(page.locator("#beta-value")).to_have_text(f"{counts[0]} segments")
    page.locator("#beta-own").click()
    assert regions(page) == along(view, SENTENCE, view.model.bundle.manifest.beta)


def test_uncertain_words_are_paler(page: Page, view: View) -> None:
    say(page, SENTENCE)
    slide(page, 100)
    dot_TI = np.array(view.align(SENTENCE).scores)
    p_I = segments.marginals(dot_TI, math.inf)[0]
    p = p_I[regions(page)[0]]
    sure = float(page.locator("#words .word").first.evaluate("w => w.style.getPropertyValue('--certainty')"))
    assert sure == pytest.approx(1 + math.log(p) / math.log(len(p_I)), abs=1e-3)
    slide(page, 0)
    weak = float(page.locator("#words .word").first.evaluate("w => w.style.getPropertyValue('--certainty')"))
    assert weak < sure
    page.get_by_role("radio", name="probability").check()
    shares = page.locator("#heat tbody tr").first.locator("td").all_text_contents()
    expected = segments.marginals(dot_TI, 0.0)[0]
    assert [int(s.removesuffix(" %")) for s in shares] == pytest.approx(100 * expected, abs=0.51)


def test_segments_in_the_browser_equal_those_of_the_package(page: Page) -> None:
    rng = np.random.default_rng(0)
    cases = []
    for k in range(300):
        size = (rng.integers(0, 12), rng.integers(1, 21))
        dot_TI = rng.normal(scale=2, size=size).astype(np.float32)
        dot_TI = np.round(dot_TI) if k % 3 == 0 else dot_TI  # with ties
        beta = [0.0, math.inf, float(10 ** rng.uniform(-3, 1)), 1.0][k % 4]
        cases.append((dot_TI, beta))

    given = [[dot_TI.tolist(), "inf" if math.isinf(beta) else beta] for dot_TI, beta in cases]
    answers = page.evaluate(
        """async (cases) => {
          const {viterbi, marginals, segments} = await import("/static/segments.js");
          return cases.map(([dot_TI, given]) => {
            const beta = given === "inf" ? Infinity : given;
            const path_T = viterbi(dot_TI, beta);
            return [path_T, segments(path_T), marginals(dot_TI, beta).map((p_I) => [...p_I])];
          });
        }""",
        given,
    )

    for (dot_TI, beta), (path_T, runs, p_TI) in zip(cases, answers, strict=True):
        expected_T = segments.viterbi(dot_TI, beta)
        assert path_T == expected_T.tolist()
        assert [tuple(run) for run in runs] == segments.segments(expected_T)
        np.testing.assert_allclose(
            np.reshape(p_TI, dot_TI.shape), segments.marginals(dot_TI, beta), atol=1e-12
        )

    with pytest.raises(Error, match="beta is -1"):
        page.evaluate("import('/static/segments.js').then(({viterbi}) => viterbi([[1]], -1))")


def test_a_changed_word_shows_the_change_of_its_score(page: Page, view: View) -> None:
    say(page, "a woman in a red suit")
    page.locator("#words .word").nth(4).click()
    page.keyboard.type("yellow")
    with page.expect_response("**/align"):
        page.keyboard.press("Enter")

    red, yellow = (view.align(f"a woman in a {colour} suit") for colour in ("red", "yellow"))
    lines = page.locator("#changes li")
    expect(lines).to_have_count(1)
    expect(lines).to_contain_text("red → yellow: ")
    expect(page.locator("#sentence-score")).to_have_text(number(yellow.score))
    expect(page.locator("#score-change")).to_contain_text(f"It was {number(red.score)} before")
    expect(page.locator("#sentence")).to_have_value("a woman in a yellow suit")
    assert page.locator("#words .word:focus").get_attribute("data-t") == "4"

    page.keyboard.press("Enter")
    page.keyboard.type("grey")
    page.keyboard.press("Escape")
    expect(page.locator("#words .text").nth(4)).to_have_text("yellow")


def test_unknown_words_and_empty_sentences_are_reported(page: Page) -> None:
    say(page, "a zyxwv suit")
    word = page.locator("#words .word").nth(1)
    expect(word.locator("small")).to_have_text("unknown")
    assert regions(page)[1] == regions(page)[0], "it has the region of the word before it"
    say(page, "zyxwv qwpfg")
    expect(page.locator("#words .tag:not(:empty)")).to_have_count(0)
    expect(page.locator("#regions .region.aligned")).to_have_count(0)
    page.locator("#sentence").fill("...")
    expect(page.locator("#sentence-verdict")).to_contain_text("has no words")


def test_an_empty_sentence_leaves_nothing_of_the_one_before(page: Page) -> None:
    say(page, "a woman in a red suit")
    with page.expect_response("**/align"):
        page.locator("#sentence").press("Enter")
    say(page, "a woman in a yellow suit")
    expect(page.locator("#changes li")).to_have_count(1)
    page.locator("#sentence").fill(" ")
    expect(page.locator("#words .word")).to_have_count(0)
    for name in ("#changes", "#beta-value", "#sentence-verdict", "#sentence-score", "#score-change", "#heat"):
        expect(page.locator(name)).to_be_empty()
    for name in ("#beta", "#heat-section", "#sentence-hint"):
        expect(page.locator(name)).to_be_hidden()
    expect(page.locator("#regions .region.aligned")).to_have_count(0)
    assert "segment" not in page.locator("#sentence-section").inner_text()
    say(page, "a man")
    expect(page.locator("#changes li")).to_have_count(0)
    expect(page.locator("#beta")).to_be_visible()


def test_greedy_beam_and_sampled_captions_are_side_by_side(page: Page, view: View) -> None:
    page.locator("#methods-section").scroll_into_view_if_needed()
    expect(page.locator("#method-sample li")).to_have_count(5)
    expect(page.locator("#method-greedy li .caption-text")).to_have_text([view.captions(1)[0].text])
    beam = [caption.text for caption in view.captions(5)]
    expect(page.locator("#method-beam li .caption-text")).to_have_text(beam)
    page.locator("#width").fill("2")
    expect(page.locator("#method-beam li .caption-text")).to_have_text([c.text for c in view.captions(2)])
    drawn = page.locator("#method-sample li .caption-text").all_text_contents()
    page.get_by_role("button", name="Sample again").click()
    expect(page.locator("#method-sample li .caption-text").first).not_to_have_text(drawn[0])
    page.locator("#method-greedy .link").click()
    expect(page.locator("#sentence")).to_have_value(view.captions(1)[0].text)
    expect(page.locator("#words .text")).to_have_text(list(view.captions(1)[0].words))


def test_captions_are_in_the_order_that_is_explained(page: Page) -> None:
    page.locator("#methods-section").scroll_into_view_if_needed()
    expect(page.locator("#method-sample li")).to_have_count(5)
    expect(page.locator("#methods-section")).to_contain_text("best caption first")
    page.locator("#methods-section summary").click()
    tables = page.locator("#method-numbers table")
    expect(tables).to_have_count(3)
    for table in tables.all():
        last = table.locator("tbody tr td:last-child").all_inner_texts()
        values = [float(text.replace("−", "-")) for text in last]
        assert values == sorted(values, reverse=True)


@pytest.mark.parametrize("width", [1024, 1280, 1440])
def test_the_sliders_of_captions_stay_in_their_columns(visit: Visit, opened: str, width: int) -> None:
    page = visit(opened, viewport={"width": width, "height": 900})
    shown(page)
    page.locator("#methods-section").scroll_into_view_if_needed()
    expect(page.locator("#method-sample li")).to_have_count(5)
    columns = [column.bounding_box() for column in page.locator(".method").all()]
    for name, column in (("#width", columns[1]), ("#temperature", columns[2])):
        slider = page.locator(name).bounding_box()
        assert slider is not None
        assert column is not None
        assert column["x"] <= slider["x"]
        assert slider["x"] + slider["width"] <= column["x"] + column["width"]
        assert slider["width"] >= 40


def test_a_word_without_support_is_underlined_and_labelled(visit: Visit) -> None:
    page = visit()

    def doubt(route: Route) -> None:
        photo = route.fetch().json()
        photo["caption"]["words"][1]["supported"] = False
        route.fulfill(status=201, json=photo)

    page.route("**/api/samples/*", doubt)
    page.locator("#samples button").first.click()
    shown(page)
    word = page.locator("#caption .word").nth(1)
    assert "underline" in word.evaluate("w => getComputedStyle(w).textDecorationLine")
    assert "no region supports it" in (word.get_attribute("aria-label") or "")
    expect(page.locator("#caption + .legend")).to_be_visible()
    assert page.locator("#caption .unsupported").count() == 1


# Search


def test_a_sentence_finds_photographs_and_one_opens(page: Page) -> None:
    page.locator("#query").fill("a man with a camera on the grass docking")
    page.locator("#query").press("Enter")
    expect(page.locator("#found-summary")).to_contain_text("no photograph answers")
    expect(page.locator("#hits > li")).to_have_count(0)
    page.get_by_role("button", name="Show the nearest photographs").click()
    expect(page.locator("#found .card")).to_have_count(3)
    expect(page.locator("#more")).to_be_hidden()
    expect(page.locator(".hit-name").first).to_contain_text("photographer.jpg")

    first = page.locator("#found .card").first
    assert first.locator("svg .edge").count() >= 1
    found = {mark.get_attribute("data-box") for mark in first.locator(".mark").all()}
    assert found == {box.get_attribute("data-box") for box in first.locator("g[data-box]").all()}
    first.hover()
    first.locator(".mark").first.hover()
    assert first.locator("g.on").count() == 1

    first.locator(".hit").click()
    shown(page)
    expect(page.locator("#picture")).to_have_attribute("alt", re.compile("photographer.jpg"))
    expect(page.locator("#sentence")).to_have_value("a man with a camera on the grass docking")
    expect(page.locator("#words .text").nth(4)).to_have_text("camera")
    page.get_by_role("link", name="Back to the results").click()
    expect(page.locator("#found .card")).to_have_count(3)


def test_only_what_fits_is_shown_and_filters_are_applied(page: Page) -> None:
    page.locator("#query").fill("a cat on a bottlecap")
    page.locator("#query").press("Enter")
    expect(page.locator("#hits > li")).to_have_count(1)
    expect(page.locator("#suggestions")).to_contain_text("does not know “bottlecap”. Search for bottle cap")
    expect(page.locator("#filter-box")).not_to_have_attribute("open", "")

    page.locator("#filter-box summary").click()
    page.get_by_label("Camera").fill("Leica")
    page.get_by_label("Sort by").select_option("newest")
    with page.expect_request("**/api/search?*") as asked:
        page.get_by_role("button", name="Apply").click()
    assert asked.value.url.endswith("q=a+cat+on+a+bottlecap&camera=Leica&sort=newest")
    expect(page.locator("#found-summary")).to_contain_text("no photograph meets the conditions")
    expect(page.locator("#more")).to_be_hidden()  # it would show none

    # The address has the conditions, so they survive a step back and a reload.
    page.reload()
    expect(page.get_by_label("Camera")).to_have_value("Leica")
    page.go_back()
    expect(page.locator("#hits > li")).to_have_count(1)
    expect(page.get_by_label("Camera")).to_have_value("")


def test_every_condition_is_asked(page: Page) -> None:
    page.locator("#query").fill("a cat")
    page.locator("#query").press("Enter")
    page.locator("#filter-box summary").click()
    expect(page.get_by_label("Path begins with")).to_be_hidden()  # the service does not allow it
    given = {
        "Taken from": "2020-01-02", "Taken until": "2099-01-02", "Camera": "X100", "City": "Bergen",
        "Country": "Norway", "Area in degrees": "60,5,61,6", "Fields": "trip=norway; year=2024",
        "Without": "snow; a dog",
    }  # fmt: skip
    for label, value in given.items():
        page.get_by_label(label, exact=True).fill(value)
    with page.expect_request("**/api/search?*") as asked:
        page.get_by_role("button", name="Apply").click()
    query = parse_qs(urlsplit(asked.value.url).query)
    assert query == {
        "q": ["a cat"], "after": ["2020-01-02"], "before": ["2099-01-02"], "camera": ["X100"],
        "city": ["Bergen"], "country": ["Norway"], "gps": ["60,5,61,6"],
        "field": ["trip=norway", "year=2024"], "without": ["snow", "a dog"],
    }  # fmt: skip
    page.reload()
    for label, value in given.items():
        expect(page.get_by_label(label, exact=True)).to_have_value(value)


def test_an_unknown_part_of_a_question_is_told(page: Page) -> None:
    page.locator("#query").fill("a cat")
    page.locator("#query").press("Enter")
    page.locator("#filter-box summary").click()
    page.get_by_label("Without", exact=True).fill("a bottlecap; zyzzyva")
    page.get_by_role("button", name="Apply").click()
    summary = page.locator("#found-summary")
    expect(page.locator("#suggestions")).to_contain_text("does not know “bottlecap”. Search for bottle cap")
    expect(summary).to_contain_text("so they do not count: 'a bottlecap', 'zyzzyva'")
    expect(page.locator("#hits > li")).to_have_count(1)


def test_what_was_never_looked_at_is_told(page: Page) -> None:
    page.route("**/api/search?*", lambda route: fulfil(route, note="4 photographs are left out"))
    page.locator("#query").fill("a cat")
    page.locator("#query").press("Enter")
    expect(page.locator("#found-summary")).to_contain_text("4 photographs are left out")


def test_a_path_is_asked_for_where_that_is_allowed(visit: Visit) -> None:
    page = visit(before=lambda page: page.route("**/healthz", lambda r: fulfil(r, search_paths=True)))
    page.locator("#query").fill("a cat")
    page.locator("#query").press("Enter")
    page.locator("#filter-box summary").click()
    expect(page.get_by_label("Path begins with")).to_be_visible()


def test_a_dragged_box_finds_photographs_like_that_part(page: Page) -> None:
    box = page.locator("#frame").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.1 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.5 * box["height"], steps=4)
    page.mouse.up()
    expect(page.locator("#selection")).to_be_visible()
    expect(page.locator("#similar")).to_be_focused()

    with page.expect_request("**/api/search?*") as asked:
        page.keyboard.press("Enter")
    edges = re.search(r"box=([^&]+)", asked.value.url)
    assert edges is not None
    assert [float(e) for e in edges[1].split("%2C")] == pytest.approx([0.2, 0.1, 0.6, 0.5], abs=0.01)
    expect(page.locator("#hits > li")).to_have_count(3)
    expect(page.locator(".hit-name").first).to_contain_text("astronaut.jpg")
    expect(page.locator("#crop")).to_be_visible()


def test_without_an_index_there_is_no_search(visit: Visit) -> None:
    def bare(page: Page) -> None:
        page.route("**/healthz", lambda route: fulfil(route, index=None))

    page = visit(before=bare)
    page.locator("#samples button").first.click()
    shown(page)
    expect(page.locator("#search-form")).to_be_hidden()
    page.locator("#regions .region").first.press("Enter")
    expect(page.locator("#similar")).to_be_hidden()


# Accessibility


def test_the_keyboard_alone_is_enough(visit: Visit) -> None:
    page = visit()
    press(page, "Tab", until="#skip")
    press(page, "Tab", until="#samples button")
    page.keyboard.press("Enter")
    shown(page)

    press(page, "Tab", until="#regions .region")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    assert page.locator("#regions .region:focus").get_attribute("aria-pressed") == "true"
    press(page, "Tab", until="#similar")
    press(page, "Tab", until="#caption .word")
    page.keyboard.press("ArrowRight")
    assert page.locator("#caption .word").nth(1).evaluate("w => w === document.activeElement")

    press(page, "Tab", until="#sentence")
    press(page, "Tab", until="#words .word")
    page.keyboard.press("Enter")
    assert page.locator("input.edit").evaluate("w => w === document.activeElement")
    page.keyboard.press("Escape")

    press(page, "Tab", until="#beta")
    page.keyboard.press("End")
    expect(page.locator("#beta-value")).to_contain_text("1 segment")
    press(page, "Tab", until="#heat td")
    page.keyboard.press("ArrowDown")
    assert page.locator("#heat tr").nth(2).locator("td").first.evaluate("w => w === document.activeElement")

    page.locator("#similar").focus()
    page.keyboard.press("Enter")
    page.locator("#hits .hit").first.focus()
    page.keyboard.press("Enter")
    shown(page)


def press(page: Page, key: str, *, until: str) -> None:
    """Presses a key until an element has a visible focus."""
    for _ in range(40):
        page.keyboard.press(key)
        if page.locator(until).evaluate_all("all => all.includes(document.activeElement)"):
            seen = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert seen != "none" or until == "#regions .region"  # it has its own outline
            return
    raise AssertionError(f"{until} is not reached")


@pytest.mark.parametrize("width", [360, 320])
def test_a_phone_never_scrolls_sideways(visit: Visit, width: int) -> None:
    page = visit(viewport={"width": width, "height": 760}, has_touch=True, is_mobile=True)

    def wide() -> int:
        return int(page.evaluate("document.documentElement.scrollWidth"))

    assert wide() <= width
    page.locator("#samples button").first.tap()
    shown(page)
    say(page, f"a man {'x' * 80} stands on the grass")
    page.locator("#methods-section").scroll_into_view_if_needed()
    expect(page.locator("#method-sample li")).to_have_count(5)
    assert wide() <= width
    word = page.locator("#words .word").nth(1)
    word.tap()
    expect(page.locator("#tooltip")).to_contain_text("man")
    assert page.locator("input.edit").count() == 0, "the first touch highlights, the second edits"
    word.tap()
    expect(page.locator("input.edit")).to_be_focused()
    page.locator("#query").fill("a cat")
    page.locator("#query").press("Enter")
    expect(page.locator("#hits > li")).to_have_count(1)
    page.locator("#filter-box summary").click()
    assert wide() <= width
    for address in ("#/compare?s=a+man", "#/game?of=sample:dog.jpg", "#/search?photo=x", "#/nothing"):
        page.evaluate("address => { location.hash = address; }", address)
        page.wait_for_load_state("networkidle")
        assert wide() <= width, address


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit: Visit, opened: str, scheme: str) -> None:
    page = visit(color_scheme=scheme, bypass_csp=True, reduced_motion="reduce")
    axe = Axe()
    serious(axe, page)

    page.evaluate("address => { location.hash = address; }", opened.removeprefix("/"))
    shown(page)
    say(page, SENTENCE)
    slide(page, 90)
    page.locator("#methods-section").scroll_into_view_if_needed()
    expect(page.locator("#method-sample li")).to_have_count(5)
    page.locator("#all-regions").check()
    serious(axe, page)
    page.locator("#words .word").nth(2).focus()
    for details in page.locator("details:visible").all():
        details.locator("summary").click()
    serious(axe, page)

    page.locator("#query").fill("a smiling woman")
    page.locator("#query").press("Enter")
    page.locator("#more").click()
    page.locator("#filter-box summary").click()
    expect(page.locator("#found .card")).to_have_count(3)
    page.locator(".hit").first.focus()
    serious(axe, page)

    page.evaluate("location.hash = '#/compare?s=a+man'")
    expect(page.locator(".side img")).to_have_count(2)
    serious(axe, page)
    page.evaluate("location.hash = '#/game?of=sample:dog.jpg'")
    page.locator(".option").first.click()
    serious(axe, page)
    page.evaluate("location.hash = '#/nothing'")
    expect(page.locator("#problem")).to_be_visible()
    serious(axe, page)
    page.evaluate("location.hash = '#/sample/cat.jpg'")
    expect(page.locator("#sample-note")).to_be_visible()
    expect(page.locator("#strip")).to_be_visible()
    page.locator("#words .word").first.click()
    expect(page.locator("#why")).to_be_visible()
    serious(axe, page)
    page.locator("#photo-view .take-tour").click()
    expect(page.locator("#tour")).to_be_visible()
    serious(axe, page)


def serious(axe: Axe, page: Page) -> None:
    found = axe.run(page).response["violations"]
    bad = [f"{v['id']}: {v['nodes'][0]['html']}" for v in found if v["impact"] in ("serious", "critical")]
    assert bad == []


def test_reduced_motion_is_respected(visit: Visit) -> None:
    page = visit(reduced_motion="reduce")
    page.locator("#samples button").first.click()
    shown(page)
    for css in ("#words .word", ".shade"):
        assert page.locator(css).first.evaluate("e => getComputedStyle(e).transitionDuration") == "0s"


def test_markup_in_a_sentence_stays_text(page: Page) -> None:
    evil = '<img src=x onerror=alert(1)> <b>dog</b> & "suit" </script><script>alert(2)</script>'
    with page.expect_response("**/align"):
        page.locator("#sentence").fill(evil)
    expect(page.locator("#words .text").first).to_have_text("img")
    assert page.locator("#words img, #words b, #heat img, #changes script").count() == 0
    page.locator("#query").fill(evil)
    page.locator("#query").press("Enter")
    expect(page.locator("#found-title")).to_have_text(f"“{evil}”")
    expect(page.locator("#found-summary")).not_to_have_text("Searching…")
    assert page.locator("#found b, #found script").count() == 0


# Files


def saved(page: Page, kind: str) -> Download:
    with page.expect_download() as download:
        page.locator(f'[data-save="{kind}"]').click()
    return download.value


def test_saved_pictures_contain_what_the_page_shows(page: Page, view: View) -> None:
    say(page, SENTENCE)
    slide(page, 0)
    drawing = saved(page, "svg")
    assert drawing.suggested_filename == "astronaut.dvsa.svg"
    root = ElementTree.fromstring(drawing.path().read_text("utf-8"))
    names = [element.tag.rpartition("}")[2] for element in root.iter()]
    assert names.count("image") == 1
    texts = [element.text for element in root.iter() if element.tag.endswith("text")]
    assert {*SENTENCE.split()} <= {*texts}
    assert {str(i) for i in {*regions(page)} - {19}} <= {*texts}
    picture = Image.open(io.BytesIO(saved(page, "png").path().read_bytes()))
    assert picture.format == "PNG"
    assert picture.size == (1200, int(root.attrib["height"]))
    assert len(picture.convert("RGB").resize((64, 64)).getcolors(4096) or []) > 100


def test_the_saved_report_needs_no_other_files_and_runs_no_scripts(
    page: Page, browser: Browser, tmp_path: Path
) -> None:
    evil = "a suit <img src=http://127.0.0.1:9/x> <script>document.title = 1</script>"
    with page.expect_response("**/align"):
        page.locator("#sentence").fill(evil)
    expect(page.locator("#words .text").first).to_have_text("a")
    expect(page.locator("#words .text").nth(2)).to_have_text("img")
    file = tmp_path / "report.html"
    saved(page, "html").save_as(file)

    context = browser.new_context()
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    alone = context.new_page()
    alone.goto(file.as_uri())
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []

    expect(alone.locator("h2").first).to_have_text(f"“{evil}”")
    assert alone.locator("script, img").count() == 0
    assert alone.locator("svg image").count() == 1
    assert alone.title() == f"astronaut.jpg: {page.locator('#caption .caption-text').inner_text()}"
    assert alone.locator("details table").count() == 2
    expect(alone.locator("details table").first).to_be_hidden()
    heads = alone.locator("body > .scroll th:nth-child(2)").all_inner_texts()
    assert heads == ["Word", "Thing", "Phrase"]
    context.close()


def test_the_saved_json_equals_the_service_response(page: Page, site: str) -> None:
    say(page, SENTENCE)
    slide(page, 100)
    got = json.loads(saved(page, "json").path().read_text("utf-8"))
    question = {"sentence": SENTENCE, "beta": "inf"}
    answer = httpx.post(f"{site}/api/photos/{got['id']}/align", json=question)
    expected = answer.json()
    np.testing.assert_allclose(got["alignment"].pop("marginals"), expected.pop("marginals"), atol=1e-12)
    assert got["alignment"].pop("segments") == [
        segment | {"score": pytest.approx(segment["score"], abs=1e-5)} for segment in expected.pop("segments")
    ]
    assert got["alignment"] == expected
    assert got["alignment"]["beta"] == "inf"
    assert len(got["regions"]) == 20


# Errors


def test_a_file_that_is_not_a_photograph_shows_an_error(page: Page) -> None:
    said = page.locator("#caption .caption-text").inner_text()
    page.locator("#file").set_input_files(
        {"name": "x.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"}
    )
    expect(page.locator("#notice.error p")).not_to_be_empty()
    expect(page.locator("#caption .caption-text")).to_have_text(said)
    expect(page.locator("#photo-view")).to_be_visible()
    page.get_by_role("button", name="Close this message").click()
    expect(page.locator("#notice")).to_be_empty()


def test_a_request_to_a_busy_service_is_retried(visit: Visit) -> None:
    page = visit()
    refusals = [{"Retry-After": "1"}]

    def busy(route: Route) -> None:
        if refusals:
            route.fulfill(status=429, headers=refusals.pop(), json={"detail": "busy"})
        else:
            route.continue_()

    page.route("**/api/samples/*", busy)
    page.locator("#samples button").first.click()
    expect(page.locator("#notice")).to_contain_text("Retrying in 1 s")
    shown(page)
    expect(page.locator("#notice")).to_be_empty()


def test_an_expired_photograph_and_a_stopped_service_are_reported(visit: Visit) -> None:
    page = visit("/#/photo/nothing")
    expect(page.locator("#problem-reason")).to_contain_text("not open any more")
    page.get_by_role("link", name="Go to the start").click()
    expect(page.locator("#start")).to_be_visible()
    page.route("**/api/samples/*", lambda route: route.abort())
    page.locator("#samples button").first.click()
    expect(page.locator("#notice.error")).to_contain_text("does not answer")
