/** The aligned sentence at the slider's beta: words in the colours of their regions, paler if less certain. */

import { byId, el, number, percent, plural } from "./dom.js";
import { evidence, evidenceInWords, verdict } from "./evidence.js";
import { Heatmap } from "./heatmap.js";
import { refreshHighlight } from "./highlight.js";
import { assignColours, paint, regionLabel } from "./palette.js";
import { makeRoving, setTabStop } from "./roving.js";
import { marginals, nearestKnown, segments, viterbi } from "./segments.js";

/**
 * @typedef {import("./api.js").Alignment} Alignment
 * @typedef {{region_T: number[], p_TI: ArrayLike<number>[], segments: import("./api.js").Segment[]}} Segmentation
 *   region_T and p_TI are empty if no word is known.
 */

/** The range of the slider's beta; its left end is 0 and its right end is infinity. */
const [MIN_BETA, MAX_BETA] = [0.001, 10];

/**
 * The segments and marginals of the MRF at a beta; equal to the server's.
 * @param {Alignment} alignment @param {number} beta @returns {Segmentation}
 */
export function segmentAt({ words, scores }, beta) {
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

/** How certain probability p among I regions is, from 0 (a guess) to 1. @param {number} p @param {number} I */
export const certainty = (p, I) => (I > 1 ? Math.max(0, 1 + Math.log(p) / Math.log(I)) : 1);

/** @param {number} position of the slider, 0 to 100 */
export function betaAt(position) {
  if (position <= 0) return 0;
  return position >= 100 ? Infinity : MIN_BETA * (MAX_BETA / MIN_BETA) ** ((position - 1) / 98);
}

/** @param {number} beta */
function positionOf(beta) {
  if (beta === 0 || beta === Infinity) return beta && 100;
  return Math.min(Math.max(Math.round(1 + (98 * Math.log(beta / MIN_BETA)) / Math.log(MAX_BETA / MIN_BETA)), 1), 99);
}

/** @param {number} beta */
export const betaText = (beta) => (beta === Infinity ? "∞" : String(Number(beta.toPrecision(2))));

/** Shows the words, the slider and the heatmap; sends a `change` event when they change. */
export class AlignmentView extends EventTarget {
  constructor() {
    super();
    this.heatmap = new Heatmap();
    this.words = byId("words");
    this.slider = byId("beta");
    /** @type {Alignment | null} */
    this.alignment = null;
    /** @type {Segmentation | null} */
    this.segmentation = null;
    /** @type {Map<number, string>} of the regions in use */
    this.colours = new Map();
    /** @type {Map<number, string>} of all regions that were in use for this photograph */
    this.earlierColours = new Map();
    this.beta = this.defaultBeta = 0;
    this.frame = 0;

    makeRoving(this.words, ".word");
    this.slider.addEventListener("input", () => this.setBeta(betaAt(Number(this.slider.value))));
    byId("beta-own").addEventListener("click", () => this.setBeta(this.defaultBeta));
  }

  /**
   * Starts with a new photograph.
   * @param {import("./api.js").Photo} photo @param {Alignment | null} alignment @param {number} [beta]
   */
  setPhoto(photo, alignment, beta = photo.beta) {
    this.frame = photo.regions.length - 1;
    this.defaultBeta = photo.beta;
    this.beta = beta;
    this.earlierColours = new Map();
    this.show(alignment);
  }

  /** @param {Alignment | null} alignment */
  show(alignment) {
    this.alignment = alignment;
    this.words.replaceChildren(...(alignment?.words ?? []).map((word, t) => wordButton(word.text, t)));
    setTabStop(this.words, ".word");
    this.heatmap.build(alignment, this.frame);
    this.draw();
    refreshHighlight();
  }

  /** Shows why there is no alignment. @param {string} reason */
  showReason(reason) {
    this.show(null);
    byId("sentence-verdict").textContent = reason;
  }

  /** @param {number} beta */
  setBeta(beta) {
    this.beta = beta;
    this.draw();
  }

  draw() {
    const { alignment, beta } = this;
    this.segmentation = alignment && segmentAt(alignment, beta);
    const count = alignment ? plural(this.segmentation.segments.length, "segment") : "";

    this.slider.value = String(positionOf(beta));
    this.slider.disabled = !alignment;
    this.slider.setAttribute("aria-valuetext", count || "no sentence");
    byId("beta-value").textContent = count;
    byId("beta-number").textContent = betaText(beta);
    byId("beta-own").disabled = beta === this.defaultBeta;
    byId("sentence-verdict").textContent = alignment ? verdict(alignment.words, alignment.unknown) : "";
    byId("sentence-score").textContent = alignment ? number(alignment.score) : "";
    for (const part of document.querySelectorAll(".of-sentence")) part.hidden = !alignment;
    if (alignment) this.updateWords(alignment, this.segmentation);
    this.heatmap.draw(this.segmentation);

    this.colours = assignColours(this.earlierColours, this.segmentation?.region_T ?? [], this.frame);
    for (const [region, colour] of this.colours) this.earlierColours.set(region, colour);
    paint(this.colours);
    this.dispatchEvent(new Event("change"));
  }

  /** Updates the word buttons. @param {Alignment} alignment @param {Segmentation} segmentation */
  updateWords({ words }, { region_T, p_TI }) {
    const [T, I] = [words.length, this.frame + 1];
    byId("probable-hint").hidden = words.every((word) => word.probability === null);
    [...this.words.children].forEach((button, t) => {
      const { text, known, supported } = words[t];
      const region = region_T[t];
      button.querySelector("small").textContent = evidence(words[t]);
      button.classList.toggle("unknown", !known);
      button.querySelector(".text").classList.toggle("unsupported", known && !supported);
      if (region === undefined) {
        button.setAttribute("aria-label", `${text}, unknown word`);
        return;
      }

      // A segment has a tag on its first word, and round corners at its ends.
      const p = p_TI[t][region];
      const first = t === 0 || region_T[t - 1] !== region;
      button.classList.toggle("first", first);
      button.classList.toggle("last", t === T - 1 || region_T[t + 1] !== region);
      button.querySelector(".tag").textContent = first ? regionLabel(region, this.frame) : "";
      button.style.setProperty("--certainty", certainty(p, I).toFixed(3));
      const said = evidenceInWords(words[t]);
      Object.assign(button.dataset, { region, word: text, said });

      const place = region === this.frame ? "whole photograph" : `region ${region}`;
      const here = known ? [`${percent(p)} certain of the region`] : [];
      button.setAttribute("aria-label", [text, place, said, ...here].filter(Boolean).join(", "));
    });
  }
}

/** @param {string} text @param {number} t */
function wordButton(text, t) {
  const parts = [el("span", { class: "tag" }), el("span", { class: "text" }, text), el("small")];
  return el("button", { type: "button", class: "word", "data-t": t }, ...parts);
}
