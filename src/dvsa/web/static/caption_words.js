/** Captions word by word, each word linked to its region. */

import { el, number } from "./dom.js";
import { evidenceInWords } from "./evidence.js";
import { pin } from "./highlight.js";

/** @typedef {import("./api.js").Caption} Caption @typedef {import("./api.js").CaptionWord} CaptionWord */

/**
 * A caption: each word highlights its region, and words without support are underlined.
 * @param {Caption} caption @param {string} label the kind of caption
 */
export function captionWords(caption, label) {
  const name = `${label}: ${caption.text || "no words"}`;
  const group = el("div", { class: "caption-text", role: "group", "aria-label": name });
  group.append(...caption.words.flatMap((word) => [wordButton(word), " "]));
  return group;
}

/** @param {CaptionWord} word */
function wordButton(word) {
  const { text, region, score, supported } = word;
  const button = el("button", { type: "button", class: supported ? "word" : "word unsupported", tabindex: -1 }, text);
  const said = evidenceInWords(word, score);
  if (region === null) {
    button.setAttribute("aria-label", `${text}, ${said}`);
    return button;
  }
  button.setAttribute("aria-label", `${text}, region ${region}, ${said}`);
  Object.assign(button.dataset, { region, word: text, said });
  button.addEventListener("click", () => pin(region));
  return button;
}

/** The log-probability of a caption. @param {Caption} caption */
export const likelihood = (caption) => el("span", { class: "quiet figure" }, `ln p ${number(caption.logprob)}`);
