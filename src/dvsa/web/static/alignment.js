/** A sentence on the regions at a beta: its words in the colours of their segments, as pale as they are uncertain. */

import { byId, el, number, percent, plural } from "./dom.js";
import { Heat } from "./heat.js";
import { assign, paint, sign } from "./palette.js";
import { rove, stop } from "./roving.js";
import { marginals, nearestKnown, segments, viterbi } from "./segments.js";
import { relight } from "./spotlight.js";

/**
 * @typedef {import("./api.js").Alignment} Alignment
 * @typedef {{region_T: number[], p_TI: ArrayLike<number>[], segments: import("./api.js").Segment[]}} Reading
 *   region_T and p_TI are empty where no word is known.
 */

/** Least and largest beta of the slider between 0 and infinity, which are its ends. */
const [LEAST, MOST] = [0.001, 10];

/**
 * What the MRF makes of an alignment at a beta; the same as the server's segments and marginals.
 * @param {Alignment} alignment @param {number} beta @returns {Reading}
 */
export function read({ words, scores }, beta) {
  const known_T = words.map((word) => word.known);
  const row_T = nearestKnown(known_T);
  const dot_NI = scores.filter((_, t) => known_T[t]);
  const [path_N, p_NI] = [viterbi(dot_NI, beta), marginals(dot_NI, beta)];
  const region_T = row_T.map((n) => path_N[n]);
  return {
    region_T,
    p_TI: row_T.map((n) => p_NI[n]),
    segments: segments(region_T).map(([first, last, region]) => ({
      first, last, region,
      text: words.slice(first, last + 1).map((word) => word.text).join(" "),
      score: scores.slice(first, last + 1).reduce((sum, dot_I) => sum + dot_I[region], 0),
    })),
  };
}

/** From 0, no better than a guess among I regions, to 1, sure. @param {number} p @param {number} I */
export const certainty = (p, I) => (I > 1 ? Math.max(0, 1 + Math.log(p) / Math.log(I)) : 1);

/** @param {number} position of the slider, 0 to 100 */
export function betaAt(position) {
  if (position <= 0) return 0;
  return position >= 100 ? Infinity : LEAST * (MOST / LEAST) ** ((position - 1) / 98);
}

/** @param {number} beta */
function positionOf(beta) {
  if (beta === 0 || beta === Infinity) return beta && 100;
  return Math.min(Math.max(Math.round(1 + (98 * Math.log(beta / LEAST)) / Math.log(MOST / LEAST)), 1), 99);
}

/** @param {number} beta */
export const betaText = (beta) => (beta === Infinity ? "∞" : String(Number(beta.toPrecision(2))));

/** Tells of what it shows by a `change` event. */
export class AlignmentView extends EventTarget {
  constructor() {
    super();
    this.heat = new Heat();
    this.words = byId("words");
    this.slider = byId("beta");
    /** @type {Alignment | null} */
    this.alignment = null;
    /** @type {Reading | null} */
    this.reading = null;
    /** @type {Map<number, string>} of the regions in use */
    this.colours = new Map();
    /** @type {Map<number, string>} of all that were in use */
    this.remembered = new Map();
    this.beta = this.own = 0;
    this.frame = 0;
    rove(this.words, ".word");
    this.slider.addEventListener("input", () => this.turn(betaAt(Number(this.slider.value))));
    byId("beta-own").addEventListener("click", () => this.turn(this.own));
  }

  /** A new photograph. @param {import("./api.js").Photo} photo */
  begin(photo) {
    this.frame = photo.regions.length - 1;
    this.beta = this.own = photo.beta;
    this.remembered = new Map();
    byId("beta-own").textContent = `the model’s own, ${betaText(photo.beta)}`;
    this.show(photo.alignment);
  }

  /** @param {Alignment | null} alignment */
  show(alignment) {
    this.alignment = alignment;
    this.words.replaceChildren(...(alignment?.words ?? []).map((word, t) => chip(word.text, t)));
    stop(this.words, ".word");
    this.heat.build(alignment, this.frame);
    this.draw();
    relight();
  }

  /** Says why there is no alignment. @param {string} reason */
  decline(reason) {
    this.show(null);
    byId("verdict").textContent = reason;
  }

  /** @param {number} beta */
  turn(beta) {
    this.beta = beta;
    this.draw();
  }

  draw() {
    const { alignment, beta } = this;
    this.reading = alignment && read(alignment, beta);
    const count = this.reading?.segments.length ?? 0;
    this.slider.value = String(positionOf(beta));
    this.slider.setAttribute("aria-valuetext", `beta ${betaText(beta)}, ${plural(count, "segment")}`);
    byId("beta-value").textContent = `${betaText(beta)} · ${plural(count, "segment")}`;
    byId("verdict").textContent = alignment ? `Score of photograph and sentence: ${number(alignment.score)}` : "";
    if (alignment) this.dress(alignment, this.reading);
    this.heat.draw(this.reading);
    this.colours = assign(this.remembered, this.reading?.region_T ?? [], this.frame);
    for (const [region, colour] of this.colours) this.remembered.set(region, colour);
    paint(this.colours);
    this.dispatchEvent(new Event("change"));
  }

  /** Puts the reading on the words that stand there. @param {Alignment} alignment @param {Reading} reading */
  dress({ words, scores }, { region_T, p_TI }) {
    const [T, I] = [words.length, this.frame + 1];
    [...this.words.children].forEach((button, t) => {
      const { text, known } = words[t];
      const region = region_T[t];
      button.querySelector("small").textContent = known ? number(scores[t][region]) : "unknown";
      button.classList.toggle("unknown", !known);
      if (region === undefined) {
        button.setAttribute("aria-label", `${text}, unknown word`);
        return;
      }
      const p = p_TI[t][region];
      const first = t === 0 || region_T[t - 1] !== region;
      button.classList.toggle("first", first);
      button.classList.toggle("last", t === T - 1 || region_T[t + 1] !== region);
      button.querySelector(".tag").textContent = first ? sign(region, this.frame) : "";
      button.style.setProperty("--sure", certainty(p, I).toFixed(3));
      Object.assign(button.dataset, { region, word: text, score: scores[t][region] });
      const place = region === this.frame ? "whole photograph" : `region ${region}`;
      const score = known ? `score ${number(scores[t][region])}, probability ${percent(p)}` : "unknown word";
      button.setAttribute("aria-label", `${text}, ${place}, ${score}`);
    });
  }
}

/** @param {string} text @param {number} t */
function chip(text, t) {
  const parts = [el("span", { class: "tag" }), el("span", { class: "text" }, text), el("small")];
  return el("button", { type: "button", class: "word", "data-t": t }, ...parts);
}
