/** The caption, the phrases of the regions, and captions by other search methods. */

import { captions } from "./api.js";
import { captionWords, weakest } from "./caption_words.js";
import { byId, el, number } from "./dom.js";
import { verdict } from "./evidence.js";
import { regionLabel } from "./palette.js";
import { makeRoving, setTabStop } from "./roving.js";

/** @typedef {import("./api.js").Photo} Photo @typedef {import("./api.js").Caption} Caption */

/** The number of captions by beam search and by sampling. */
const COUNT = 5;

const METHODS = [
  { method: "greedy", title: "Greedy", description: "the most likely word at each step" },
  { method: "beam", title: "Beam", description: "the best sentences of the search" },
  { method: "sample", title: "Sampling", description: "words drawn by their probability" },
];

/** Shows the caption. @param {Photo} photo */
export function showCaption({ caption }) {
  const said = el("p", { class: "quiet" }, verdict(caption.words));
  byId("caption").replaceChildren(captionWords(caption, "Caption"), said);
  byId("caption-numbers").replaceChildren(numbers([caption]));
  setTabStop(byId("caption"), ".word");
}

/** Shows the phrase of each region. @param {Photo} photo */
export function showPhrases({ phrases, regions }) {
  const lines = phrases.toSorted((a, b) => a.region - b.region).map(({ region, caption }) => {
    const key = el("span", { class: "key" }, regionLabel(region, regions.length - 1));
    return el("li", { "data-region": region }, key, el("span", {}, caption.text || "–"), weakest(caption));
  });
  byId("phrases").replaceChildren(...lines);
  byId("phrase-numbers").replaceChildren(numbers(phrases.map(({ caption }) => caption)));
}

/** The table of what captions are compared by, named in words. @param {Caption[]} captions */
function numbers(captions) {
  const heads = ["Caption", "Natural: ln p", "Fits: sum of v·s", "Together"];
  const rows = captions.map(({ text, logprob, value, words }) => {
    const figures = [logprob, words.reduce((sum, word) => sum + word.score, 0), value].map(number);
    return el("tr", {}, el("th", { scope: "row" }, text), ...figures.map((figure) => el("td", {}, figure)));
  });
  const head = el("thead", {}, el("tr", {}, ...heads.map((text) => el("th", { scope: "col" }, text))));
  return el("table", {}, head, el("tbody", {}, ...rows));
}

/** Captions by every search method, requested when they scroll into view. */
export class CaptionMethods {
  /**
   * @param {{showError: (error: unknown) => void, align: (text: string) => void, updated: () => void}} callbacks
   */
  constructor(callbacks) {
    this.callbacks = callbacks;
    this.request = new AbortController();
    /** @type {Record<string, Caption[]>} the captions of each method */
    this.shown = {};
    this.seed = 0;
    makeRoving(byId("caption"), ".word");
    byId("methods").append(...METHODS.map((method) => this.column(method)));
    makeRoving(byId("methods"), ".word");
  }

  /** @param {Photo} photo */
  setPhoto(photo) {
    this.request.abort();
    this.request = new AbortController();
    this.shown = {};
    for (const list of byId("methods").querySelectorAll("ol")) list.replaceChildren();
    byId("method-numbers").replaceChildren();

    this.watcher?.disconnect();
    this.watcher = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      this.watcher.disconnect();
      for (const { method } of METHODS) this.load(photo, method);
    }, { rootMargin: "300px" });
    this.watcher.observe(byId("methods-section"));
    this.photo = photo;
  }

  /** @param {Photo} photo @param {string} method */
  async load(photo, method) {
    const { signal } = this.request;
    const list = byId(`method-${method}`);
    list.setAttribute("aria-busy", "true");
    const [width, temperature] = [byId("width").value, byId("temperature").value].map(Number);
    const options = {
      greedy: { method, beam: 1, n: 1 },
      beam: { method, beam: width, n: Math.min(COUNT, width) },
      sample: { method, temperature, n: COUNT, seed: this.seed },
    }[method];

    try {
      const { captions: found } = await captions(photo.id, options, signal);
      if (signal.aborted) return;
      this.shown[method] = found;
      const told = METHODS.filter(({ method }) => this.shown[method]);
      byId("method-numbers").replaceChildren(...told.flatMap(({ method, title }) => [
        el("h4", {}, title), numbers(this.shown[method]),
      ]));
      list.replaceChildren(...found.map((caption) => this.line(caption)));
      setTabStop(byId("methods"), ".word");
      this.callbacks.updated();
    } catch (error) {
      if (!signal.aborted) this.callbacks.showError(error);
    } finally {
      list.removeAttribute("aria-busy");
    }
  }

  /** @param {Caption} caption */
  line(caption) {
    const align = el("button", { type: "button", class: "link", "aria-label": `Align: ${caption.text}` }, "align");
    align.addEventListener("click", () => this.callbacks.align(caption.text));
    return el("li", {}, captionWords(caption, "Caption"), weakest(caption), align);
  }

  /** @param {{method: string, title: string, description: string}} options */
  column({ method, title, description }) {
    const head = el("h3", { id: `${method}-title` }, title, " ", el("span", { class: "quiet" }, description));
    const list = el("ol", { id: `method-${method}`, "aria-labelledby": `${method}-title` });
    const reload = (/** @type {number} */ seed) => {
      this.seed = seed;
      if (this.photo) this.load(this.photo, method);
    };

    const controls = el("div", { class: "controls" });
    if (method === "beam") {
      const width = range("width", { min: 1, max: 10, step: 1, value: 5 }, "width");
      width.addEventListener("change", () => reload(this.seed));
      controls.append(width);
    } else if (method === "sample") {
      const temperature = range("temperature", { min: 0.1, max: 2, step: 0.1, value: 1 }, "temperature");
      temperature.addEventListener("change", () => reload(this.seed));
      const sample = el("button", { type: "button", class: "small" }, "Sample again");
      sample.addEventListener("click", () => reload(this.seed + 1));
      controls.append(temperature, sample);
    }
    return el("section", { class: "method", "aria-labelledby": `${method}-title` }, head, controls, list);
  }
}

/** @param {string} id @param {Record<string, number>} limits @param {string} name */
function range(id, limits, name) {
  const input = el("input", { id, type: "range", ...limits });
  const output = el("output", { for: id }, input.value);
  input.addEventListener("input", () => (output.textContent = input.value));
  return el("label", {}, `${name} `, output, input);
}
