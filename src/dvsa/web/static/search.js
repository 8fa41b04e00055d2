/** The results of a search: a sheet of photographs; boxes and words appear on the one that is looked at. */

import { ApiError, image, search, thumbnail } from "./api.js";
import { searchAddress } from "./address.js";
import { byId, el, plural } from "./dom.js";
import { evidenceInWords } from "./evidence.js";
import { Filters } from "./filters.js";
import { linkWordsToBoxes, markedWords, pictureWithBoxes } from "./overlay.js";
import { makeRoving, setTabStop } from "./roving.js";

/** @typedef {import("./api.js").Hit} Hit @typedef {Record<string, string>} Asked */

/** How many photographs “show more” brings, and the most that a search returns. */
const [MORE, MOST] = [24, 100];

export class SearchResults {
  /** @param {{open: (hit: Hit, query: Asked) => void, search: (query: Asked) => void}} callbacks */
  constructor(callbacks) {
    this.callbacks = callbacks;
    this.filters = new Filters(callbacks.search);
    this.searches = 0;
    /** @type {Asked} */
    this.query = {};
    /** @type {Set<string>} the hits that are shown */
    this.shown = new Set();
    byId("more").addEventListener("click", () => this.more());
    for (const sheet of ["hits", "less"]) makeRoving(byId(sheet), ".hit", () => columns(byId(sheet)));
  }

  /** @param {Asked} query q, or photo and box */
  async show(query) {
    const searchNumber = (this.searches += 1);
    this.query = query;
    this.clear();
    byId("found-title").textContent = title(query);
    byId("found-summary").textContent = "Searching…";
    // If the photograph has expired, its part cannot be shown.
    if (query.photo && query.box) crop(image(query.photo), query.box.split(",").map(Number)).catch(() => {});
    byId("query").value = query.q ?? "";
    this.filters.show(query);

    try {
      const found = await search(query);
      if (searchNumber !== this.searches) return;
      this.summarise(found);
      this.add(found.hits);
      byId("more").textContent = found.hits.length ? "Show more" : "Show the nearest photographs";
      byId("more").hidden = !this.mayHaveMore(found);
    } catch (error) {
      if (searchNumber === this.searches) this.refuse(error, query);
    }
  }

  /** Brings the photographs that fit less well. */
  async more() {
    const { searches, query } = this;
    const k = Math.min(this.shown.size + MORE, MOST);
    const button = byId("more");
    button.disabled = true;
    try {
      const found = await search({ ...query, k: String(k) });
      if (searches !== this.searches) return;
      this.query = { ...query, k: String(k) };
      history.replaceState(null, "", searchAddress(this.query));
      const added = this.add(found.hits);
      button.hidden = found.hits.length < k || k === MOST;
      added?.querySelector("button").focus({ preventScroll: true });
    } catch (error) {
      if (searches === this.searches) this.refuse(error, query);
    } finally {
      button.disabled = false;
    }
  }

  /** @param {{hits: Hit[], nearest: boolean}} found */
  mayHaveMore({ hits, nearest }) {
    if (!hits.length) return nearest && !this.query.k;
    return hits.length < MOST && !(this.query.k && hits.length < Number(this.query.k));
  }

  clear() {
    this.shown.clear();
    for (const name of ["hits", "less", "suggestions"]) byId(name).replaceChildren();
    for (const name of ["crop", "more", "less-section", "suggestions"]) byId(name).hidden = true;
  }

  /** @param {{answer: string | null, note: string | null, seconds: number, unknown: Record<string, string[]>,
   *   hits: Hit[]}} found */
  summarise({ answer, hits, note, unknown }) {
    const fitting = hits.filter((hit) => this.isFit(hit)).length;
    const count = fitting ? `${plural(fitting, "photograph")}, best first` : "The nearest photographs";
    byId("found-summary").textContent = [answer ?? `${count}.`, ...(note ? [note] : [])].join(" · ");
    this.suggest(Object.entries(unknown));
  }

  /** Offers known words in place of unknown ones. @param {[string, string[]][]} unknown */
  suggest(unknown) {
    const lines = unknown.map(([word, near]) => {
      const offers = near.flatMap((other) => [" ", this.offer(other, replaced(this.query, word, other))]);
      return el("p", {}, `The model does not know “${word}”.`, near.length ? " Search for" : "", ...offers);
    });
    byId("suggestions").replaceChildren(...lines);
    byId("suggestions").hidden = !lines.length;
  }

  /** @param {string} word @param {Asked} query */
  offer(word, query) {
    const button = el("button", { type: "button", class: "small" }, word);
    button.addEventListener("click", () => this.callbacks.search(query));
    return button;
  }

  /** Says in words why there are no results. @param {unknown} error @param {Asked} query */
  refuse(error, query) {
    const message = error instanceof Error ? error.message : String(error);
    const gone = error instanceof ApiError && error.status === 404 && query.photo;
    byId("found-summary").textContent = gone
      ? "The photograph of this search is not open any more. Open it again, and search by it or a part of it."
      : `${message.charAt(0).toUpperCase()}${message.slice(1)}`;
    const [, near] = /: try (.+)$/.exec(message) ?? [];
    if (!near) return;
    const offers = near.split(", ").flatMap((word) => [" ", this.offer(word, { ...query, q: word })]);
    byId("suggestions").replaceChildren(el("p", {}, "Search for", ...offers));
    byId("suggestions").hidden = false;
  }

  /** Adds hits that are not shown yet, those that fit before the others. @param {Hit[]} hits @returns the first card */
  add(hits) {
    const fresh = hits.filter(({ id }) => !this.shown.has(id));
    const cards = fresh.toSorted((a, b) => Number(this.isFit(b)) - Number(this.isFit(a))).map((hit) => {
      const card = this.card(hit);
      byId(this.isFit(hit) ? "hits" : "less").append(card);
      this.shown.add(hit.id);
      return card;
    });
    for (const sheet of ["hits", "less"]) setTabStop(byId(sheet), ".hit");
    byId("less-section").hidden = !byId("less").childElementCount;
    return cards[0];
  }

  /** Without a sentence, there is no word that could lack support. @param {Hit} hit */
  isFit(hit) {
    return hit.fits || !("q" in this.query);
  }

  /** @param {Hit} hit */
  card(hit) {
    const { id, name, width, height, boxes, words } = hit;
    const regions = words.map((word) => word.region);
    const { fit, colours } = pictureWithBoxes({ src: thumbnail(id, 320), alt: "", width, height }, boxes, regions);
    const said = words.map((word) => [word.text, evidenceInWords(word)].filter(Boolean).join(" "));
    const label = "q" in this.query ? `Open ${name}: ${said.join(", ")}` : `Open ${name}`;
    const open = el("button", { type: "button", class: "hit", "aria-label": label });
    open.append(el("span", { class: "thumb" }, fit));
    if ("q" in this.query) {
      const shown = markedWords(words, regions, boxes.length - 1, colours);
      open.append(el("span", { class: "hit-words", "aria-hidden": "true" }, ...shown));
    }

    const card = el("li", { class: "card" }, open, el("p", { class: "hit-name" }, name));
    open.addEventListener("click", (event) => {
      // A touch screen has no hover: the first touch shows boxes and words, the second one opens.
      const first = event.pointerType === "touch" && !card.classList.contains("tapped");
      for (const other of document.querySelectorAll(".card.tapped")) other.classList.remove("tapped");
      card.classList.toggle("tapped", first);
      if (!first) this.callbacks.open(hit, this.query);
    });
    linkWordsToBoxes(card);
    return card;
  }
}

/** How many cards stand beside each other. @param {HTMLElement} sheet */
function columns(sheet) {
  const cards = /** @type {HTMLElement[]} */ ([...sheet.children]);
  return cards.filter((card) => card.offsetTop === cards[0].offsetTop).length;
}

/** @param {Asked} query */
function title({ q, box }) {
  if (q) return `“${q}”`;
  return box ? "Photographs like this part" : "Photographs like this one";
}

/** The query with another word. @param {Asked} query @param {string} word @param {string} other @returns {Asked} */
function replaced(query, word, other) {
  const escaped = word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const whole = new RegExp(`(?<![\\p{L}\\p{N}])${escaped}(?![\\p{L}\\p{N}])`, "giu");
  const asked = Object.entries(query).map(([name, text]) =>
    ["q", "without"].includes(name) ? [name, text.replace(whole, other)] : [name, text]);
  return Object.fromEntries(asked);
}

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
