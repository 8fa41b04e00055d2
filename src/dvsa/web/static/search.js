/** The results of a search: photographs, each with the boxes that match the words. */

import { image, search, thumbnail } from "./api.js";
import { boxWithTag, placeTag } from "./boxes.js";
import { byId, el, number, plural, svg } from "./dom.js";
import { evidence } from "./evidence.js";
import { Filters } from "./filters.js";
import { assignColours, regionLabel } from "./palette.js";

/** @typedef {import("./api.js").Hit} Hit */

/** The number of photographs that are shown, if none fits and the user asks for the nearest. */
const NEAREST = "12";

export class SearchResults {
  /** @param {{open: (hit: string) => void, search: (query: Record<string, string>) => void}} callbacks */
  constructor(callbacks) {
    this.callbacks = callbacks;
    this.filters = new Filters(callbacks.search);
    byId("nearest").addEventListener("click", () => callbacks.search({ ...this.filters.query, k: NEAREST }));
    this.searches = 0;
  }

  /** @param {Record<string, string>} query q, or photo and box */
  async show(query) {
    const searchNumber = (this.searches += 1);
    byId("found-title").textContent = query.q ? `“${query.q}”` : "Photographs like this part";
    byId("found-summary").textContent = "Searching…";
    byId("hits").replaceChildren();
    byId("crop").hidden = true;
    byId("nearest").hidden = true;
    // If the photograph has expired, its part cannot be shown.
    if (query.photo && query.box) crop(image(query.photo), query.box.split(",").map(Number)).catch(() => {});
    byId("query").value = query.q ?? "";
    this.filters.show(query);

    const { answer, hits, nearest, note, seconds, unknown } = await search(query);
    if (searchNumber !== this.searches) return;
    const count = answer ?? `${plural(hits.length, "photograph")}, best first, in ${Math.ceil(1000 * seconds)} ms`;
    const said = [count, ...Object.entries(unknown).map(unknownWord), ...(note ? [note] : [])];
    byId("found-summary").textContent = said.join(" · ");
    byId("hits").append(...hits.map((hit) => this.card(hit, "q" in query)));
    byId("nearest").hidden = !nearest || "k" in query;
  }

  /** @param {Hit} hit @param {boolean} bySentence whether the query is a sentence */
  card(hit, bySentence) {
    const frame = hit.boxes.length - 1;
    const colours = assignColours(new Map(), hit.words.flatMap((word) => word.region ?? []), frame);
    const size = { width: hit.width, height: hit.height };
    const picture = el("img", { src: thumbnail(hit.id, 320), alt: hit.name, ...size, loading: "lazy" });
    const fit = el("span", { class: "fit" }, picture, svg("svg", { "aria-hidden": "true" }, ...boxes(hit, colours)));
    fit.style.setProperty("--ratio", String(hit.width / hit.height));

    const label = `Open ${hit.name}`;
    const open = el("button", { type: "button", class: "hit", "aria-label": label });
    open.append(el("span", { class: "thumb" }, fit));
    open.addEventListener("click", () => this.callbacks.open(hit.id));

    const score = el("span", { class: "quiet figure" }, number(hit.score));
    const card = el("li", {}, open, el("p", { class: "hit-name" }, hit.name, " ", score));
    if (bySentence) {
      const words = hit.words.flatMap((_, t) => [markedWord(hit.words, t, frame, colours), " "]);
      card.append(el("p", { class: "hit-words" }, ...words));
    }
    linkWordsToBoxes(card);
    return card;
  }
}

/** What to say of a word that the model does not know. @param {[string, string[]]} entry */
const unknownWord = ([word, nearest]) =>
  nearest.length ? `unknown: ${word} (try ${nearest.join(", ")})` : `unknown: ${word}`;

/** Shows the part of a photograph that the query is. @param {string} source @param {number[]} box */
async function crop(source, [x0, y0, x1, y1]) {
  const picture = new Image();
  picture.src = source;
  await picture.decode();

  const { naturalWidth: width, naturalHeight: height } = picture;
  const [wide, high] = [(x1 - x0) * width, (y1 - y0) * height];
  const canvas = byId("crop");
  [canvas.width, canvas.height] = [Math.ceil(wide), Math.ceil(high)];
  canvas.getContext("2d").drawImage(picture, x0 * width, y0 * height, wide, high, 0, 0, wide, high);
  canvas.hidden = false;
}

/** The boxes that match the words. @param {Hit} hit @param {Map<number, string>} colours */
function boxes(hit, colours) {
  /** @type {number[][]} */
  const taken = [];
  return [...colours].map(([region, colour]) => {
    const parts = boxWithTag(hit.boxes[region], regionLabel(region, hit.boxes.length - 1));
    placeTag(parts[2], hit.boxes[region], taken);
    const group = svg("g", { "data-box": region }, ...parts);
    group.style.setProperty("--c", colour);
    return group;
  });
}

/** @typedef {import("./api.js").Word} Word */

/** @param {Word[]} words @param {number} t @param {number} frame @param {Map<number, string>} colours */
function markedWord(words, t, frame, colours) {
  const { text, region, score, known, supported } = words[t];
  if (region === null) return el("span", { class: "mark unknown" }, text, el("small", {}, "unknown"));
  const key = region === words[t - 1]?.region ? [] : [el("span", { class: "key" }, regionLabel(region, frame))];
  const kind = known && !supported ? "unsupported" : "";
  const shown = [el("span", { class: kind }, text), el("small", {}, evidence(words[t]))];
  const word = el("span", { class: "mark", "data-box": region }, ...key, ...shown);
  word.style.setProperty("--c", colours.get(region));
  return word;
}

/** Makes a word of a card highlight its box. @param {Element} card */
function linkWordsToBoxes(card) {
  const update = (/** @type {PointerEvent} */ event) => {
    const box = event.type === "pointerover" ? event.target.closest("[data-box]")?.dataset.box : undefined;
    card.classList.toggle("lit", box !== undefined);
    for (const part of card.querySelectorAll("[data-box]")) part.classList.toggle("on", part.dataset.box === box);
  };
  card.addEventListener("pointerover", update);
  card.addEventListener("pointerleave", update);
}
