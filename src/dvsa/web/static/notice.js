/** Messages at the top of the page, and those that only a screen reader speaks. */

import { queue } from "./api.js";
import { byId, el } from "./dom.js";

/** @param {string} text nothing to take the message away @param {"quiet" | "error"} [kind] */
export function notice(text, kind = "quiet") {
  const box = byId("notice");
  box.className = kind;
  if (!text) return box.replaceChildren();
  const close = el("button", { type: "button", class: "close", "aria-label": "Close this message" }, "×");
  close.addEventListener("click", () => box.replaceChildren());
  return box.replaceChildren(el("p", {}, text), close);
}

/** @param {string} text */
export const announce = (text) => (byId("aloud").textContent = text);

/** @param {unknown} error */
export function fail(error) {
  notice(error instanceof Error ? error.message : String(error), "error");
}

/** Says when a busy server will be asked again. */
export function watchQueue() {
  queue.addEventListener("wait", ({ detail: seconds }) => {
    notice(seconds ? `The server is busy. Trying again in ${seconds} s…` : "");
  });
}
