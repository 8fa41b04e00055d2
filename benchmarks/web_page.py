"""Times on the page in Chromium, for `benchmarks/web.py`."""

import base64
from pathlib import Path

from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

DROP = """async (content) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], "dropped.jpg", {type: "image/jpeg"}));
  const began = performance.now();
  document.dispatchEvent(new DragEvent("drop", {dataTransfer, cancelable: true}));
  const shown = () => document.querySelector("#caption .word") && document.querySelector("#regions .region");
  while (!shown()) await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);  // until it is painted
  return performance.now() - began;
}"""
"""From a dropped photograph to its caption and regions, in milliseconds."""

SLIDE = """() => {
  const slider = document.getElementById("beta");
  const times = [];
  for (let position = 0; position <= 100; position += 1) {
    slider.value = position;
    const began = performance.now();
    slider.dispatchEvent(new Event("input"));
    document.body.getBoundingClientRect();  // includes styles and layout
    times.push(performance.now() - began);
  }
  return times;
}"""
"""Moves the slider from end to end; returns the milliseconds of each movement."""


def page_times(url: str, photo: Path, sentence: str, runs: int) -> dict[str, list[float]]:
    """Milliseconds from a dropped photograph to its caption and regions, and of movements of the slider."""
    content = base64.b64encode(photo.read_bytes()).decode()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        page = browser.new_page()

        shown = []
        for _ in range(runs + 1):
            page.goto("about:blank")
            page.goto(url)
            page.locator("#samples button").first.wait_for()
            shown.append(page.evaluate(DROP, content))

        with page.expect_response("**/align"):
            page.locator("#sentence").fill(sentence)
        page.locator("#words .word").first.wait_for()
        moved = page.evaluate(SLIDE)
        browser.close()

    return {"upload to shown": shown[1:], "slider": moved}  # the first upload warms up
