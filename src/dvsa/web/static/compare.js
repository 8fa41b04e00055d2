/** Two photographs side by side for one sentence. */

import { align, image } from "./api.js";
import { compareAddress, sourceText } from "./address.js";
import { segmentAt } from "./alignment.js";
import { byId, el, number } from "./dom.js";
import { unsupported, verdict } from "./evidence.js";
import { sourceOf } from "./open_photos.js";
import { linkWordsToBoxes, markedWords, pictureWithBoxes } from "./overlay.js";

/**
 * @typedef {import("./api.js").Alignment} Alignment @typedef {import("./address.js").Source} Source
 * @typedef {{a?: Source, b?: Source, sentence?: string}} Asked
 */

const SIDES = /** @type {const} */ (["a", "b"]);

export class Comparison {
  /** @param {import("./open_photos.js").OpenPhotos} photos @param {() => import("./api.js").Sample[]} samples */
  constructor(photos, samples) {
    this.photos = photos;
    this.samples = samples;
    /** @type {Asked} */
    this.asked = {};
    this.comparisons = 0;
    byId("compare-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.change({ sentence: byId("compare-sentence").value.trim() });
    });
    for (const side of SIDES) {
      const select = byId(`compare-${side}`);
      select.addEventListener("change", () => {
        this.change({ [side]: this.choices().find(({ text }) => text === select.value).of });
      });
    }
    byId("compare-swap").addEventListener("click", () => this.change({ a: this.asked.b, b: this.asked.a }));
  }

  /** @param {Asked} asked */
  async change(asked) {
    this.asked = { ...this.asked, ...asked };
    history.replaceState(null, "", compareAddress(this.asked));
    await this.show(this.asked);
  }

  /** The photographs that can be chosen: those that are open, and the samples. */
  choices() {
    const open = this.photos.entries.filter((entry) => entry.sample || entry.id).map((entry) => ({
      of: sourceOf(entry), text: sourceText(sourceOf(entry)), name: entry.name,
    }));
    const samples = this.samples().map(({ name, title }) => ({
      of: { sample: name }, text: sourceText({ sample: name }), name: title,
    }));
    return [...open.filter(({ text }) => !samples.some((sample) => sample.text === text)), ...samples];
  }

  /** @param {Asked} asked */
  async show(asked) {
    const comparison = (this.comparisons += 1);
    const others = this.choices().map(({ of }) => of);
    const differs = (/** @type {Source} */ of) => !asked.a || sourceText(of) !== sourceText(asked.a);
    const a = asked.a ?? others[0];
    const b = asked.b ?? others.find((of) => differs(of) && sourceText(of) !== sourceText(a));
    byId("compare-verdict").textContent = "Looking at both…";
    for (const side of SIDES) byId(`side-${side}`).replaceChildren();

    /** @type {import("./api.js").Photo[]} */
    const photos = [];
    for (const of of [a, b]) photos.push(await this.photos.open(this.photos.entry(of)));
    if (comparison !== this.comparisons) return;
    const sentence = asked.sentence || photos[0].caption.text;
    this.asked = { a, b, sentence };
    byId("compare-sentence").value = sentence;
    SIDES.forEach((side, k) => this.fillChoices(side, [a, b][k]));

    const { signal } = new AbortController();
    const alignments = await Promise.all(photos.map(({ id }) => align(id, sentence, signal)));
    if (comparison !== this.comparisons) return;
    byId("compare-verdict").textContent = better(alignments);
    const matches = alignments.map(({ score }) => number(score)).join(" on the left and ");
    byId("compare-numbers").textContent = `The match of the sentence, the sum of v·s, is ${matches} on the right.`;
    SIDES.forEach((side, k) => byId(`side-${side}`).replaceChildren(card(photos[k], alignments[k])));
  }

  /** @param {"a" | "b"} side @param {Source} chosen */
  fillChoices(side, chosen) {
    const options = this.choices().map(({ text, name }) => el("option", { value: text }, name));
    byId(`compare-${side}`).replaceChildren(...options);
    byId(`compare-${side}`).value = sourceText(chosen);
  }
}

/** Which photograph the sentence fits better. @param {Alignment[]} alignments */
function better([left, right]) {
  const [weak, other] = [left, right].map(({ words }) => unsupported(words).length);
  if (left.words.every((word) => !word.known)) return "The model knows none of these words.";
  const lead = left.score - right.score;
  if (Math.abs(lead) < 0.1 && weak === other) return "The sentence fits both photographs alike.";
  return `The sentence fits the ${lead > 0 ? "left" : "right"} photograph better.`;
}

/** @param {import("./api.js").Photo} photo @param {Alignment} alignment */
function card(photo, alignment) {
  const boxes = photo.regions.map((region) => region.box);
  const { region_T } = segmentAt(alignment, photo.beta);
  const { id, name, width, height, caption } = photo;
  const picture = { src: image(id), alt: `${name}: ${caption.text}`, width, height };
  const { fit, colours } = pictureWithBoxes(picture, boxes, region_T);
  const words = el("p", { class: "side-words" }, ...markedWords(alignment.words, region_T, boxes.length - 1, colours));
  const made = el("div", {}, el("span", { class: "thumb" }, fit), words, el("p", {}, verdict(alignment.words)));
  linkWordsToBoxes(made);
  return made;
}
