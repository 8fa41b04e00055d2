/** “Why this box?”: the regions that a word was compared with, in words and pictures. */

import { align, image } from "./api.js";
import { betaText, segmentAt } from "./alignment.js";
import { byId, el, number } from "./dom.js";
import { probable } from "./evidence.js";
import { regionLabel } from "./palette.js";

/**
 * @typedef {import("./api.js").Photo} Photo @typedef {import("./api.js").Alignment} Alignment
 * @typedef {{photo: Photo, alignment: Alignment, segmentation: import("./alignment.js").Segmentation, beta: number,
 *   t: number}} Question why word t is where it is
 */

/** The regions that are shown, the best ones. */
const SHOWN = 3;

export class Why {
  /** @param {import("./alignment.js").AlignmentView} view @param {(error: unknown) => void} showError */
  constructor(view, showError) {
    this.view = view;
    this.showError = showError;
    this.panel = byId("why");
    /** @type {Photo | null} */
    this.photo = null;
    /** @type {number | null} the word of the sentence that is explained */
    this.t = null;
    /** @type {HTMLElement | null} what the focus returns to */
    this.origin = null;

    byId("why-close").addEventListener("click", () => this.close(true));
    this.panel.addEventListener("keydown", (event) => event.key === "Escape" && this.close(true));
    view.addEventListener("change", () => this.update());
    for (const name of ["caption", "methods"]) {
      byId(name).addEventListener("click", (event) => {
        const word = event.target.closest("button.word");
        if (word) this.explainCaption(word).catch(showError);
      });
    }
  }

  /** @param {Photo} photo */
  setPhoto(photo) {
    this.close();
    this.photo = photo;
  }

  /** Explains a word of the sentence. @param {HTMLElement} button */
  explainWord(button) {
    this.t = Number(button.dataset.t);
    this.origin = button;
    byId("words").after(this.panel);
    this.update();
  }

  /** Explains a word of a caption. @param {HTMLElement} button */
  async explainCaption(button) {
    const { photo } = this;
    const group = button.closest(".caption-text");
    const text = [...group.querySelectorAll(".word")].map((word) => word.textContent).join(" ");
    const own = text === photo.caption.text && photo.alignment;
    const alignment = own || (await align(photo.id, text, new AbortController().signal));
    if (photo !== this.photo || !button.isConnected) return;

    this.t = null;
    this.origin = button;
    group.after(this.panel);
    this.show({ photo, alignment, segmentation: segmentAt(alignment, 0), beta: 0, t: Number(button.dataset.t) });
  }

  /** Follows the sentence and the slider. */
  update() {
    const { alignment, segmentation, beta } = this.view;
    if (this.t === null) return;
    if (!alignment?.words[this.t] || !this.photo) this.close();
    else this.show({ photo: this.photo, alignment, segmentation, beta, t: this.t });
  }

  /** @param {Question} question */
  show(question) {
    const { alignment, t } = question;
    byId("why-title").textContent = `Why this box for “${alignment.words[t].text}”?`;
    byId("why-text").replaceChildren(...reasons(question).map((reason) => el("p", {}, reason)));
    byId("why-regions").replaceChildren(...best(question).map((region) => candidate(question, region)));
    byId("why-numbers").textContent = numbers(question);
    this.panel.hidden = false;
  }

  /** @param {boolean} [refocus] */
  close(refocus = false) {
    if (this.panel.hidden) return;
    this.panel.hidden = true;
    this.t = null;
    if (refocus && this.origin?.isConnected) this.origin.focus();
  }
}

/** The regions that fit a word best. @param {Question} question */
function best({ alignment, t }) {
  if (!alignment.words[t].known) return [];
  const dot_I = alignment.scores[t];
  return dot_I.map((_, i) => i).toSorted((a, b) => dot_I[b] - dot_I[a]).slice(0, SHOWN);
}

/** Why the word is where it is. @param {Question} question @returns {string[]} */
function reasons({ photo, alignment, segmentation, t }) {
  const { text, known, supported, probability } = alignment.words[t];
  const frame = photo.regions.length - 1;
  const name = (/** @type {number} */ i) => (i === frame ? "the whole photograph" : `region ${i}`);
  const here = segmentation.region_T[t];
  if (!known) {
    const near = alignment.unknown?.[text] ?? [];
    const known_ = near.length ? ` It knows ${near.join(", ")}.` : "";
    const place = here === undefined ? "it has no box" : `it is put on ${name(here)}, as its neighbour is`;
    return [`The model does not know “${text}”, so ${place}.${known_}`];
  }

  const top = alignment.scores[t].indexOf(Math.max(...alignment.scores[t]));
  const compared = `The model compared the word with all ${photo.regions.length} regions.`;
  const found = here === top
    ? `It is most like ${name(top)}.`
    : `Alone, it would be on ${name(top)}. The slider joins it with its neighbours on ${name(here)}.`;
  const said = probability === null ? "" : `: ${probable(probability)} probable`;
  const shown = supported
    ? `That is alike enough to count as support${said}.`
    : `But no region is alike enough, so the word has a dotted line${said}.`;
  return [`${compared} ${found}`, shown];
}

/** One region that the word was compared with. @param {Question} question @param {number} region */
function candidate({ photo, segmentation, t }, region) {
  const frame = photo.regions.length - 1;
  const p = segmentation.p_TI[t][region];
  const phrase = photo.phrases.find((one) => one.region === region)?.caption.text;
  const name = region === frame ? "the whole photograph" : phrase || "no phrase";
  const chosen = segmentation.region_T[t] === region;
  const bar = el("span", { class: "why-bar" }, el("span"));
  bar.style.setProperty("--share", p.toFixed(3));
  const item = el("li", { "data-region": region, class: chosen ? "chosen" : "" },
    picture(photo, region), el("span", { class: "key" }, regionLabel(region, frame)), el("span", {}, name), bar,
    el("span", { class: "figure" }, probable(p)));
  if (chosen) item.setAttribute("aria-current", "true");
  return item;
}

/** The part of the photograph that a region is. @param {Photo} photo @param {number} region */
export function picture(photo, region) {
  const [x0, y0, x1, y1] = photo.regions[region].box;
  const [wide, high] = [x1 - x0, y1 - y0];
  const part = el("span", { class: "part", "aria-hidden": "true" });
  const at = (/** @type {number} */ from, /** @type {number} */ size) => (size < 1 ? (100 * from) / (1 - size) : 0);
  part.style.backgroundImage = `url("${image(photo.id)}")`;
  part.style.backgroundSize = `${100 / wide}% ${100 / high}%`;
  part.style.backgroundPosition = `${at(x0, wide)}% ${at(y0, high)}%`;
  part.style.setProperty("--ratio", String((wide * photo.width) / (high * photo.height)));
  return part;
}

/** @param {Question} question */
function numbers(question) {
  const { photo, alignment, beta, t } = question;
  const frame = photo.regions.length - 1;
  const scores = best(question).map((i) => `${regionLabel(i, frame)}: ${number(alignment.scores[t][i])}`);
  return `How alike word and region are (v·s): ${scores.join(", ")}. The slider’s β is ${betaText(beta)}.`;
}
