/** The table of every word on every region: scores, or probabilities at the slider's beta. */

import { byId, el, number, percent } from "./dom.js";
import { sign } from "./palette.js";
import { rove, stop } from "./roving.js";

/** @typedef {import("./api.js").Alignment} Alignment */

export class Heat {
  constructor() {
    this.root = byId("heat");
    /** @type {Alignment | null} */
    this.alignment = null;
    /** @type {HTMLElement[][]} */
    this.cell_TI = [];
    /** @type {import("./alignment.js").Reading | null} */
    this.reading = null;
    rove(this.root, "td", () => this.cell_TI[0].length);
    for (const radio of document.querySelectorAll('[name="heat"]')) {
      radio.addEventListener("change", () => this.draw(this.reading));
    }
  }

  /** @param {Alignment | null} alignment @param {number} frame */
  build(alignment, frame) {
    this.alignment = alignment;
    this.cell_TI = (alignment?.words ?? []).map(({ text }, t) =>
      alignment.scores[t].map((score, i) => {
        const place = { "data-region": i, "data-word": text, "data-score": score, tabindex: -1 };
        return el("td", place, el("span", { class: "sr" }));
      }),
    );
    if (!alignment) return this.root.replaceChildren();
    const heads = alignment.scores[0].map((_, i) => {
      const name = i === frame ? "whole photograph" : `region ${i}`;
      const place = { scope: "col", "data-region": i, "aria-label": name };
      return el("th", place, i === frame ? "▣" : sign(i, frame));
    });
    const head = el("tr", {}, el("th", { scope: "col" }, el("span", { class: "sr" }, "word")), ...heads);
    const rows = this.cell_TI.map((cell_I, t) => {
      const word = el("th", { scope: "row" }, alignment.words[t].text);
      return el("tr", {}, word, ...cell_I);
    });
    const label = { role: "grid", "aria-label": "Every word on every region" };
    this.root.replaceChildren(el("table", label, el("thead", {}, head), el("tbody", {}, ...rows)));
    stop(this.root, "td");
  }

  /** @param {import("./alignment.js").Reading | null} reading */
  draw(reading) {
    this.reading = reading;
    if (!this.alignment) return;
    const { scores } = this.alignment;
    const chances = document.querySelector('[name="heat"]:checked').value === "chance";
    const top = Math.max(...scores.flat(), Number.MIN_VALUE);
    this.cell_TI.forEach((cell_I, t) =>
      cell_I.forEach((cell, i) => {
        const p = reading.p_TI[t]?.[i] ?? 0;
        // Many regions overlap and share the probability; its root keeps small shares apart.
        const heat = chances ? Math.sqrt(p) : Math.max(scores[t][i], 0) / top;
        cell.style.setProperty("--heat-share", heat.toFixed(3));
        cell.classList.toggle("chosen", reading.region_T[t] === i);
        cell.firstChild.textContent = chances ? percent(p) : number(scores[t][i]);
      }),
    );
  }
}
