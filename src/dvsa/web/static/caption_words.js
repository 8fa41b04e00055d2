/** Captions word by word, each word linked to its region. */

import { el } from "./dom.js";
import { evidenceInWords, leastProbable, probable } from "./evidence.js";
import { pin } from "./highlight.js";

/** @typedef {import("./api.js").Caption} Caption @typedef {import("./api.js").CaptionWord} CaptionWord */

/**
 * A caption: each word highlights its region, and words without support are underlined.
 * @param {Caption} caption @param {string} label the kind of caption
 */
export function captionWords(caption, label) {
  const name = `${label}: ${caption.text || "no words"}`;
  const group = el("div", { class: "caption-text", role: "group", "aria-label": name });
  group.append(...caption.words.flatMap((word, t) => [wordButton(word, t), " "]));
  return group;
}

/** @param {CaptionWord} word @param {number} t */
function wordButton(word, t) {
  const { text, region, known, supported } = word;
  const kind = known && !supported ? "word unsupported" : "word";
  const button = el("button", { type: "button", class: kind, tabindex: -1, "data-t": t }, text);
  const said = evidenceInWords(word);
  const place = region === null ? [] : [`region ${region}`];
  button.setAttribute("aria-label", [text, ...place, ...(said ? [said] : [])].join(", "));
  if (region === null) return button;
  Object.assign(button.dataset, { region, word: text, said });
  button.addEventListener("click", () => pin(region));
  return button;
}

/** How probable the least probable word is; empty without a calibration. @param {Caption} caption */
export function weakest({ words }) {
  const least = leastProbable(words);
  return el("span", { class: "quiet figure" }, least ? probable(least.probability) : "");
}
