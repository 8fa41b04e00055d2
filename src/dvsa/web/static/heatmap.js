/** The table of words and regions: scores, or probabilities at the slider's beta. */

import { byId, el, number, percent } from "./dom.js";
import { regionLabel } from "./palette.js";
import { makeRoving, setTabStop } from "./roving.js";

/** @typedef {import("./api.js").Alignment} Alignment */

export class Heatmap {
  constructor() {
    this.root = byId("heat");
    /** @type {Alignment | null} */
    this.alignment = null;
    /** @type {HTMLElement[][]} */
    this.cell_TI = [];
    /** @type {import("./alignment.js").Segmentation | null} */
    this.segmentation = null;
    makeRoving(this.root, "td", () => this.cell_TI[0].length);
    for (const radio of document.querySelectorAll('[name="heat"]')) {
      radio.addEventListener("change", () => this.draw(this.segmentation));
    }
  }

  /** @param {Alignment | null} alignment @param {number} frame */
  build(alignment, frame) {
    this.alignment = alignment;
    this.cell_TI = (alignment?.words ?? []).map(({ text }, t) =>
      alignment.scores[t].map((_, i) => {
        const attributes = { "data-region": i, "data-word": text, tabindex: -1 };
        return el("td", attributes, el("span", { class: "sr" }));
      }),
    );
    byId("heat-section").hidden = !alignment;
    if (!alignment) return this.root.replaceChildren();

    const heads = alignment.scores[0].map((_, i) => {
      const name = i === frame ? "whole photograph" : `region ${i}`;
      const attributes = { scope: "col", "data-region": i, "aria-label": name };
      return el("th", attributes, i === frame ? "▣" : regionLabel(i, frame));
    });
    const head = el("tr", {}, el("th", { scope: "col" }, el("span", { class: "sr" }, "word")), ...heads);
    const rows = this.cell_TI.map((cell_I, t) => {
      const word = el("th", { scope: "row" }, alignment.words[t].text);
      return el("tr", {}, word, ...cell_I);
    });

    const label = { role: "grid", "aria-label": "Words and regions" };
    this.root.replaceChildren(el("table", label, el("thead", {}, head), el("tbody", {}, ...rows)));
    setTabStop(this.root, "td");
  }

  /** @param {import("./alignment.js").Segmentation | null} segmentation */
  draw(segmentation) {
    this.segmentation = segmentation;
    if (!this.alignment) return;

    const { scores } = this.alignment;
    const showProbability = document.querySelector('[name="heat"]:checked').value === "probability";
    const top = Math.max(...scores.flat(), Number.MIN_VALUE);
    this.cell_TI.forEach((cell_I, t) =>
      cell_I.forEach((cell, i) => {
        const p = segmentation.p_TI[t]?.[i] ?? 0;
        // Overlapping regions share the probability; the square root makes small differences visible.
        const heat = showProbability ? Math.sqrt(p) : Math.max(scores[t][i], 0) / top;
        cell.style.setProperty("--heat-share", heat.toFixed(3));
        cell.classList.toggle("chosen", segmentation.region_T[t] === i);
        const value = showProbability ? percent(p) : number(scores[t][i]);
        cell.firstChild.textContent = value;
        cell.dataset.said = showProbability ? `${value} certain that it is this region` : `match ${value}`;
      }),
    );
  }
}
