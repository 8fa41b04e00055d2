/** Sentences of the model, word by word, with the region that speaks for each. */

import { el, number } from "./dom.js";
import { pin } from "./spotlight.js";

/** @typedef {import("./api.js").Said} Said @typedef {import("./api.js").SaidWord} SaidWord */

/**
 * A sentence with its evidence: each word lights its region, and one without support is underlined.
 * @param {Said} said @param {string} label what kind of sentence it is
 */
export function evidence(said, label) {
  const group = el("div", { class: "said", role: "group", "aria-label": `${label}: ${said.text || "no words"}` });
  group.append(...said.words.flatMap((word) => [evident(word), " "]));
  return group;
}

/** @param {SaidWord} word */
function evident(word) {
  const { text, region, score, supported } = word;
  const button = el("button", { type: "button", class: supported ? "word" : "word unsupported", tabindex: -1 }, text);
  const support = supported ? "" : ", nothing seen supports it";
  if (region === null) {
    button.setAttribute("aria-label", `${text}, unknown word${support}`);
    return button;
  }
  button.setAttribute("aria-label", `${text}, region ${region}, score ${number(score)}${support}`);
  Object.assign(button.dataset, { region, word: text, score });
  button.addEventListener("click", () => pin(region));
  return button;
}

/** How likely the model finds a sentence. @param {Said} said */
export const likelihood = (said) => el("span", { class: "quiet figure" }, `ln p ${number(said.logprob)}`);
