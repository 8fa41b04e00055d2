/** What the model says: of the photograph, of every region, and in other ways. */

import { captions } from "./api.js";
import { byId, el } from "./dom.js";
import { sign } from "./palette.js";
import { rove, stop } from "./roving.js";
import { evidence, likelihood } from "./words.js";

/** @typedef {import("./api.js").Photo} Photo @typedef {import("./api.js").Said} Said */

/** Captions of a way that has several. */
const MANY = 5;

const WAYS = [
  { method: "greedy", title: "Greedy", gist: "the likeliest next word, each time" },
  { method: "beam", title: "Beam", gist: "the best sentences found" },
  { method: "sample", title: "Sampling", gist: "words drawn by their chance" },
];

/** The caption. @param {Photo} photo */
export function showCaption({ caption }) {
  const said = evidence(caption, "Caption");
  byId("caption").replaceChildren(said, likelihood(caption));
  stop(byId("caption"), ".word");
}

/** The phrases, region by region. @param {Photo} photo */
export function showPhrases({ phrases, regions }) {
  const lines = phrases.toSorted((a, b) => a.region - b.region).map(({ region, caption }) => {
    const key = el("span", { class: "key" }, sign(region, regions.length - 1));
    return el("li", { "data-region": region }, key, el("span", {}, caption.text || "–"), likelihood(caption));
  });
  byId("phrases").replaceChildren(...lines);
}

/** Captions by every method, asked for when they come into view. */
export class Ways {
  /** @param {{fail: (error: unknown) => void, use: (text: string) => void, built: () => void}} tell */
  constructor(tell) {
    this.tell = tell;
    this.asking = new AbortController();
    /** @type {Record<string, Said[]>} */
    this.said = {};
    this.seed = 0;
    rove(byId("caption"), ".word");
    byId("ways").append(...WAYS.map((way) => this.column(way)));
    rove(byId("ways"), ".word");
  }

  /** @param {Photo} photo */
  begin(photo) {
    this.asking.abort();
    this.asking = new AbortController();
    this.said = {};
    for (const list of byId("ways").querySelectorAll("ol")) list.replaceChildren();
    this.watcher?.disconnect();
    this.watcher = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      this.watcher.disconnect();
      for (const { method } of WAYS) this.ask(photo, method);
    }, { rootMargin: "300px" });
    this.watcher.observe(byId("ways-section"));
    this.photo = photo;
  }

  /** @param {Photo} photo @param {string} method */
  async ask(photo, method) {
    const { signal } = this.asking;
    const list = byId(`way-${method}`);
    list.setAttribute("aria-busy", "true");
    const [width, temperature] = [byId("width").value, byId("temperature").value].map(Number);
    const options = {
      greedy: { method, beam: 1, n: 1 },
      beam: { method, beam: width, n: Math.min(MANY, width) },
      sample: { method, temperature, n: MANY, seed: this.seed },
    }[method];
    try {
      const { captions: said } = await captions(photo.id, options, signal);
      if (signal.aborted) return;
      this.said[method] = said;
      list.replaceChildren(...said.map((one) => this.line(one)));
      stop(byId("ways"), ".word");
      this.tell.built();
    } catch (error) {
      if (!signal.aborted) this.tell.fail(error);
    } finally {
      list.removeAttribute("aria-busy");
    }
  }

  /** @param {Said} said */
  line(said) {
    const use = el("button", { type: "button", class: "link", "aria-label": `Align: ${said.text}` }, "align");
    use.addEventListener("click", () => this.tell.use(said.text));
    return el("li", {}, evidence(said, "Sentence"), likelihood(said), use);
  }

  /** @param {{method: string, title: string, gist: string}} way */
  column({ method, title, gist }) {
    const head = el("h3", { id: `${method}-title` }, title, " ", el("span", { class: "quiet" }, gist));
    const list = el("ol", { id: `way-${method}`, "aria-labelledby": `${method}-title` });
    const again = (/** @type {number} */ seed) => {
      this.seed = seed;
      if (this.photo) this.ask(this.photo, method);
    };
    const controls = el("div", { class: "controls" });
    if (method === "beam") {
      const width = range("width", { min: 1, max: 10, step: 1, value: 5 }, "width");
      width.addEventListener("change", () => again(this.seed));
      controls.append(width);
    } else if (method === "sample") {
      const heat = range("temperature", { min: 0.1, max: 2, step: 0.1, value: 1 }, "temperature");
      heat.addEventListener("change", () => again(this.seed));
      const draw = el("button", { type: "button", class: "small" }, "Draw again");
      draw.addEventListener("click", () => again(this.seed + 1));
      controls.append(heat, draw);
    }
    return el("section", { class: "way", "aria-labelledby": `${method}-title` }, head, controls, list);
  }
}

/** @param {string} id @param {Record<string, number>} limits @param {string} name */
function range(id, limits, name) {
  const input = el("input", { id, type: "range", ...limits });
  const output = el("output", { for: id }, input.value);
  input.addEventListener("input", () => (output.textContent = input.value));
  return el("label", {}, `${name} `, output, input);
}
