/** Messages at the top of the page, and messages for screen readers only. */

import { retries } from "./api.js";
import { byId, el } from "./dom.js";

/** @param {string} text an empty text removes the message @param {"quiet" | "error"} [kind] */
export function showNotice(text, kind = "quiet") {
  const box = byId("notice");
  box.className = kind;
  if (!text) return box.replaceChildren();
  const close = el("button", { type: "button", class: "close", "aria-label": "Close this message" }, "×");
  close.addEventListener("click", () => box.replaceChildren());
  return box.replaceChildren(el("p", {}, text), close);
}

/** @param {string} text */
export const announce = (text) => (byId("announcer").textContent = text);

/** @param {unknown} error */
export function showError(error) {
  showNotice(error instanceof Error ? error.message : String(error), "error");
}

/** Shows when a request to a busy server will be retried. */
export function announceRetries() {
  retries.addEventListener("wait", ({ detail: seconds }) => {
    showNotice(seconds ? `The server is busy. Retrying in ${seconds} s…` : "");
  });
}
