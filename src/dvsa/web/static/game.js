/** A small game: guess which region the model chose. */

import { image } from "./api.js";
import { byId, el } from "./dom.js";
import { positionOn } from "./boxes.js";

/** @typedef {import("./api.js").Photo} Photo @typedef {{question: string, answer: number, options: number[]}} Round */

const [MAX_ROUNDS, MAX_OPTIONS] = [5, 4];

/** Two options share less than this part of the smaller one, so that a guess is clear. */
const MAX_SHARED = 0.4;

/** The questions about a photograph; none if its regions overlap too much. @param {Photo} photo @returns {Round[]} */
export function roundsOf({ things, phrases, regions }) {
  const frame = regions.length - 1;
  const textOf = new Map(phrases.map(({ region, caption }) => [region, caption.text]));
  const told = new Set();
  const asked = [
    ...things.map(({ name, region }) => ({ name, region, question: `Where does the model see “${name}”?` })),
    ...phrases.map(({ region, caption }) => ({
      name: caption.text, region, question: `Which region does the model call “${caption.text}”?`,
    })),
  ].filter(({ name, region }) => region !== frame && name && !told.has(name) && told.add(name));

  const rounds = asked.map(({ name, region, question }) => {
    const options = [region];
    for (let i = 0; i < frame && options.length < MAX_OPTIONS; i += 1) {
      const apart = options.every((other) => shared(regions[i].box, regions[other].box) < MAX_SHARED);
      if (apart && textOf.get(i) && !textOf.get(i).split(" ").includes(name.split(" ").at(-1))) options.push(i);
    }
    return { question, answer: region, options: options.toSorted((a, b) => a - b) };
  });
  return rounds.filter(({ options }) => options.length > 1).slice(0, MAX_ROUNDS);
}

/** How much of the smaller of two boxes lies in the other one. @param {number[]} a @param {number[]} b */
export function shared(a, b) {
  const wide = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const high = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  const both = Math.max(wide, 0) * Math.max(high, 0);
  const area = (/** @type {number[]} */ [x0, y0, x1, y1]) => (x1 - x0) * (y1 - y0);
  return both / Math.min(area(a), area(b));
}

export class Game {
  constructor() {
    /** @type {Round[]} */
    this.rounds = [];
    this.round = 0;
    this.right = 0;
    byId("game-next").addEventListener("click", () => this.next());
  }

  /** Starts a game. @param {Photo} photo @param {string} address of the photograph */
  start(photo, address) {
    this.photo = photo;
    this.rounds = roundsOf(photo);
    [this.round, this.right] = [0, 0];
    byId("game-back").href = address;
    byId("game-picture").src = image(photo.id);
    byId("game-frame").style.setProperty("--ratio", String(photo.width / photo.height));
    this.ask();
  }

  ask() {
    const round = this.rounds[this.round];
    byId("game-next").hidden = true;
    byId("game-answer").textContent = "";
    byId("game-options").replaceChildren();
    if (!round) return this.finish();
    byId("game-question").textContent = round.question;
    byId("game-score").textContent = `Question ${this.round + 1} of ${this.rounds.length}`;

    // Small boxes come last, so that large ones do not cover them.
    const area = (/** @type {number} */ i) => this.photo.regions[i].box;
    const size = (/** @type {number} */ i) => (area(i)[2] - area(i)[0]) * (area(i)[3] - area(i)[1]);
    const order = round.options.toSorted((a, b) => size(b) - size(a));
    byId("game-options").append(...order.map((region) => this.option(region, round)));
  }

  /** @param {number} region @param {Round} round */
  option(region, round) {
    const letter = "ABCD"[round.options.indexOf(region)];
    const attributes = { type: "button", class: "option", "aria-label": `Region ${letter}` };
    const button = el("button", attributes, el("b", {}, letter));
    positionOn(button, this.photo.regions[region].box, true);
    button.dataset.letter = letter;
    if (region === round.answer) button.dataset.answer = "";
    button.addEventListener("click", () => this.answer(button, region, round));
    return button;
  }

  /** @param {Element} button @param {number} region @param {Round} round */
  answer(button, region, round) {
    const right = region === round.answer;
    const letter = "ABCD"[round.options.indexOf(round.answer)];
    this.right += Number(right);
    button.classList.add(right ? "right" : "wrong");
    for (const other of byId("game-options").children) {
      other.disabled = true;
      if ("answer" in other.dataset) other.classList.add("right");
    }
    byId("game-answer").textContent = right ? "Yes, the model chose this one too." : `The model chose ${letter}.`;
    byId("game-next").textContent = this.round + 1 < this.rounds.length ? "Next" : "See the result";
    byId("game-next").hidden = false;
    byId("game-next").focus();
  }

  next() {
    this.round += 1;
    this.ask();
    byId("game-question").focus();
  }

  finish() {
    const count = this.rounds.length;
    byId("game-score").textContent = "";
    byId("game-question").textContent = count
      ? `You and the model agreed in ${this.right} of ${count}.`
      : "The regions of this photograph overlap too much for the game: try another photograph.";
    byId("game-answer").textContent = count ? "The model is not always right: where you differ, look who is." : "";
  }
}
