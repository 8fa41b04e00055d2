"""Several photographs and folders on the page, and the strip of those that are open."""

import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

EXAMPLES = Path(__file__).parents[2] / "examples"
Visit = Callable[..., Page]


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """A folder with photographs, one of them in a folder inside, and with other files."""
    folder = tmp_path / "album"
    (folder / "inside").mkdir(parents=True)
    shutil.copy(EXAMPLES / "cat.jpg", folder / "b.jpg")
    shutil.copy(EXAMPLES / "astronaut.jpg", folder / "a.jpg")
    shutil.copy(EXAMPLES / "photographer.jpg", folder / "inside" / "c.jpg")
    (folder / "notes.txt").write_text("no photograph")
    (folder / ".hidden.jpg").write_bytes(b"no photograph")
    return folder


def names(page: Page) -> list[str]:
    """The names in the strip."""
    found = page.locator(".strip-photo").evaluate_all("all => all.map(b => b.getAttribute('aria-label'))")
    return [str(label).partition(":")[0].partition(",")[0] for label in found]


def current(page: Page) -> str:
    """The name of the photograph that is shown."""
    return (page.locator("#picture").get_attribute("alt") or "").partition(":")[0]


def test_several_files_are_opened_and_the_first_is_shown(visit: Visit, album: Path) -> None:
    page = visit()
    expect(page.locator("#strip")).to_be_hidden()
    page.locator("#file").set_input_files([album / "a.jpg", album / "b.jpg", album / "inside" / "c.jpg"])
    expect(page.locator("#caption .word").first).to_be_visible()
    assert current(page) == "a.jpg"
    expect(page.locator("#strip-summary")).to_have_text("3 photographs open.")
    assert names(page) == ["a.jpg", "b.jpg", "c.jpg"]
    expect(page.locator(".strip-photo img")).to_have_count(3)
    expect(page.locator(".strip-photo[aria-current]")).to_have_count(1)

    page.locator(".strip-photo").nth(2).click()
    expect(page.locator("#picture")).to_have_attribute(
        "alt", page.locator("#picture").get_attribute("alt") or ""
    )
    expect(page.locator(".strip-photo").nth(2)).to_have_attribute("aria-current", "true")
    assert current(page) == "c.jpg"
    page.go_back()
    expect(page.locator(".strip-photo").nth(0)).to_have_attribute("aria-current", "true")


def test_a_folder_is_opened_with_the_photographs_of_its_folders(visit: Visit, album: Path) -> None:
    page = visit()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Open a folder").first.click()
    chooser.value.set_files(album)
    expect(page.locator("#strip-summary")).to_have_text("3 photographs open.")
    assert names(page) == ["a.jpg", "b.jpg", "c.jpg"]


def test_a_folder_without_photographs_is_told(visit: Visit, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("no photograph")
    page = visit()
    page.locator("#folder").set_input_files(tmp_path / "empty")
    expect(page.locator("#notice")).to_contain_text("There is no photograph in this folder")


def test_the_keyboard_moves_in_the_strip_and_closes(visit: Visit, album: Path) -> None:
    page = visit()
    page.locator("#file").set_input_files([album / "a.jpg", album / "b.jpg", album / "inside" / "c.jpg"])
    expect(page.locator("#strip-summary")).to_have_text("3 photographs open.")
    page.locator(".strip-photo").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator(".strip-photo").nth(1)).to_have_attribute("aria-current", "true")
    assert current(page) == "b.jpg"
    expect(page.locator(".strip-photo").nth(1)).to_be_focused()
    page.keyboard.press("Delete")
    expect(page.locator(".strip-photo")).to_have_count(2)
    expect(page.locator(".strip-photo[aria-current]")).to_have_count(1)
    assert names(page) == ["a.jpg", "c.jpg"]
    page.get_by_role("button", name="Close c.jpg").click()
    expect(page.locator("#strip")).to_be_hidden()


def test_a_broken_photograph_does_not_stop_the_others(visit: Visit, album: Path) -> None:
    (album / "0.jpg").write_bytes(b"no photograph")
    page = visit()
    page.locator("#file").set_input_files([album / "0.jpg", album / "a.jpg", album / "b.jpg"])
    expect(page.locator("#strip-summary")).to_have_text("2 photographs open, 1 could not be opened.")
    assert current(page) == "a.jpg"
    broken = page.locator(".strip-photo.failed")
    expect(broken).to_have_count(1)
    assert (broken.get_attribute("aria-label") or "").startswith("0.jpg: ")
    assert len(broken.get_attribute("aria-label") or "") > len("0.jpg: ") + 10


def send_only_the_first(page: Page) -> None:
    """Let one photograph reach the server; the others wait."""
    sent: list[Route] = []

    def first(route: Route) -> None:
        sent.append(route)
        if len(sent) == 1:
            route.continue_()

    page.route("**/api/photos", first)


def test_more_photographs_than_fit_are_told(visit: Visit, tmp_path: Path) -> None:
    page = visit()
    send_only_the_first(page)
    many = []
    for k in range(203):
        many.append(tmp_path / f"{k:03}.jpg")
        Image.new("RGB", (8, 8)).save(many[-1])
    page.locator("#file").set_input_files(many)
    expect(page.locator("#notice")).to_contain_text("203 photographs were given. The first 200 are opened.")


def test_a_photograph_that_the_server_has_forgotten_is_sent_again(visit: Visit, album: Path) -> None:
    page = visit()
    page.locator("#file").set_input_files([album / "a.jpg", album / "b.jpg"])
    expect(page.locator("#strip-summary")).to_have_text("2 photographs open.")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(urlsplit(request.url).path))

    def forgotten(route: Route) -> None:
        route.fulfill(status=404, json={"detail": "the photograph is unknown or expired: open it again"})

    page.route("**/api/photos/*/align", forgotten, times=1)
    page.locator(".strip-photo").nth(1).click()
    expect(page.locator(".strip-photo").nth(1)).to_have_attribute("aria-current", "true")
    assert current(page) == "b.jpg"
    assert sent.count("/api/photos") == 1


def test_opening_can_be_stopped(visit: Visit, album: Path) -> None:
    page = visit()
    send_only_the_first(page)
    page.locator("#file").set_input_files([album / "a.jpg", album / "b.jpg", album / "inside" / "c.jpg"])
    expect(page.locator("#strip-summary")).to_have_text("1 photograph open, 2 to go.")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#strip-stop")).to_be_hidden()
    assert names(page) == ["a.jpg", "b.jpg"]


def test_a_server_that_stops_is_told_once(visit: Visit, album: Path) -> None:
    page = visit()
    sent: list[Route] = []

    def stopped(route: Route) -> None:
        sent.append(route)
        route.abort()

    page.route("**/api/photos", stopped)
    page.locator("#file").set_input_files([album / "a.jpg", album / "b.jpg", album / "inside" / "c.jpg"])
    expect(page.locator("#notice.error")).to_contain_text("does not answer")
    page.wait_for_timeout(300)
    assert len(sent) <= 2
