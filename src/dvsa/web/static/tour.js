/** The guided tour: regions, words, segments, caption, in about a minute of reading. */

import { byId } from "./dom.js";

/**
 * @typedef {{title: string, text: string, target: string, beta?: number, regions?: boolean}} Step
 *   with what it shows: the slider's beta (the usual one if undefined), and whether all regions are drawn
 */

/** @type {Step[]} */
const STEPS = [
  {
    title: "Regions",
    text: "The model first looks for places that may show something. It keeps 19 boxes and the whole photograph. " +
      "Each of these regions becomes a list of numbers.",
    target: "frame", regions: true, beta: 0,
  },
  {
    title: "Words",
    text: "Each word of a sentence becomes such a list too. A word gets the region whose numbers are most like its " +
      "own. Equal colours are equal regions. A dotted line says that no region supports the word.",
    target: "sentence-section", beta: 0,
  },
  {
    title: "Segments",
    text: "Neighbouring words are often about the same thing. The slider makes them share a region: on the left, " +
      "every word stands alone; on the right, the whole sentence has one box.",
    target: "sharing", beta: undefined,
  },
  {
    title: "Caption",
    text: "The model also writes. It looks at the regions and adds one word after the other. Then it checks its own " +
      "words against the regions, as it did with yours. It can be wrong: trust the boxes, not the fluent sentence.",
    target: "caption-section", beta: undefined,
  },
  {
    title: "Your turn",
    text: "Type a sentence of your own. Click a word to ask why it has its box. Open your own photographs: " +
      "they stay on this machine.",
    target: "sentence-section", beta: undefined,
  },
];

export class Tour {
  /** @param {{prepare: () => Promise<boolean>, setBeta: (beta: number | undefined) => void}} callbacks
   *   `prepare` has a photograph shown, and says whether it is */
  constructor(callbacks) {
    this.callbacks = callbacks;
    this.step = 0;
    for (const button of document.querySelectorAll(".take-tour")) button.addEventListener("click", () => this.start());
    byId("tour-next").addEventListener("click", () => this.go(this.step + 1));
    byId("tour-back").addEventListener("click", () => this.go(this.step - 1));
    byId("tour-end").addEventListener("click", () => this.end());
    byId("tour").addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.end();
    });
  }

  async start() {
    if (!(await this.callbacks.prepare())) return;
    byId("tour").hidden = false;
    document.body.classList.add("touring");
    this.go(0);
  }

  /** @param {number} step */
  go(step) {
    if (step >= STEPS.length) return this.end();
    this.step = Math.max(step, 0);
    const { title, text, target, beta, regions = false } = STEPS[this.step];
    byId("tour-title").textContent = `${this.step + 1} of ${STEPS.length}: ${title}`;
    byId("tour-text").textContent = text;
    byId("tour-back").hidden = this.step === 0;
    byId("tour-next").textContent = this.step + 1 < STEPS.length ? "Next" : "Done";
    this.drawRegions(regions);
    this.callbacks.setBeta(beta);

    this.mark(target);
    byId(target).scrollIntoView({ block: "center", behavior: "smooth" });
    byId("tour-next").focus({ preventScroll: true });
  }

  /** The tour ends too if the page shows something else. */
  end() {
    if (byId("tour").hidden) return;
    byId("tour").hidden = true;
    document.body.classList.remove("touring");
    this.mark(null);
    this.drawRegions(false);
    this.callbacks.setBeta(undefined);
    byId("sentence").focus({ preventScroll: true });
  }

  /** @param {string | null} target */
  mark(target) {
    for (const marked of document.querySelectorAll(".toured")) marked.classList.remove("toured");
    if (target) byId(target).classList.add("toured");
  }

  /** @param {boolean} all */
  drawRegions(all) {
    const box = byId("all-regions");
    if (box.checked !== all) box.click();
  }
}
