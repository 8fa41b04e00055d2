/** A small photograph with boxes and words laid on it: for results of a search and for comparisons. */

import { boxWithTag, placeTag } from "./boxes.js";
import { el, svg } from "./dom.js";
import { evidence, evidenceInWords } from "./evidence.js";
import { assignColours, regionLabel } from "./palette.js";

/** @typedef {import("./api.js").Word} Word */

/**
 * @param {{src: string, alt: string, width: number, height: number}} picture
 * @param {number[][]} boxes of all regions, the whole photograph last
 * @param {(number | null | undefined)[]} regions of the words, whose boxes are drawn
 */
export function pictureWithBoxes({ src, alt, width, height }, boxes, regions) {
  const frame = boxes.length - 1;
  const colours = assignColours(new Map(), regions.filter((region) => region !== null && region !== undefined), frame);
  const picture = el("img", { src, alt, width, height, loading: "lazy" });
  const fit = el("span", { class: "fit" }, picture, svg("svg", { "aria-hidden": "true" }, ...drawn(boxes, colours)));
  fit.style.setProperty("--ratio", String(width / height));
  return { fit, colours };
}

/** @param {number[][]} boxes @param {Map<number, string>} colours */
function drawn(boxes, colours) {
  /** @type {number[][]} */
  const taken = [];
  return [...colours].map(([region, colour]) => {
    const parts = boxWithTag(boxes[region], regionLabel(region, boxes.length - 1));
    placeTag(parts[2], boxes[region], taken);
    const group = svg("g", { "data-box": region }, ...parts);
    group.style.setProperty("--c", colour);
    return group;
  });
}

/**
 * Words in the colours of their regions.
 * @param {Word[]} words @param {(number | null | undefined)[]} regions @param {number} frame
 * @param {Map<number, string>} colours
 */
export function markedWords(words, regions, frame, colours) {
  return words.flatMap((word, t) => {
    const region = regions[t] ?? null;
    const kind = word.known && !word.supported ? "unsupported" : "";
    const shown = [el("span", { class: kind }, word.text), el("small", {}, evidence(word))];
    if (region === null) return [el("span", { class: "mark unknown" }, ...shown), " "];

    const key = region === regions[t - 1] ? [] : [el("span", { class: "key" }, regionLabel(region, frame))];
    const attributes = { class: "mark", "data-box": region, title: evidenceInWords(word) };
    const mark = el("span", attributes, ...key, ...shown);
    mark.style.setProperty("--c", colours.get(region));
    return [mark, " "];
  });
}

/** Makes a word of a card highlight its box. @param {Element} card */
export function linkWordsToBoxes(card) {
  const update = (/** @type {PointerEvent} */ event) => {
    const box = event.type === "pointerover" ? event.target.closest("[data-box]")?.dataset.box : undefined;
    card.classList.toggle("lit", box !== undefined);
    for (const part of card.querySelectorAll("[data-box]")) part.classList.toggle("on", part.dataset.box === box);
  };
  card.addEventListener("pointerover", update);
  card.addEventListener("pointerleave", update);
}
