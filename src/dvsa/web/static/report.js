/** The current result as one HTML file, without scripts and without requests to any server. */

import { el, number, percent, svg } from "./dom.js";
import { betaText } from "./alignment.js";
import { evidence, leastProbable, probable, verdict } from "./evidence.js";
import { regionLabel } from "./palette.js";
import { drawPhotograph } from "./poster.js";

/** @typedef {import("./poster.js").PageState} PageState */

const POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

const STYLE = `
:root {
  color-scheme: light dark; --ink: #1c1b1a; --quiet: #625d57; --page: #fbfaf8; --line: #e3ded6; --heat: 47 95 179;
}
@media (prefers-color-scheme: dark) {
  :root { --ink: #ece9e4; --quiet: #a8a29a; --page: #141517; --line: #33363b; --heat: 143 182 255; }
}
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem 3rem; background: var(--page); color: var(--ink);
  font: 1rem/1.5 "Helvetica Neue", Arial, sans-serif; overflow-wrap: anywhere; }
h1 { font: 2rem/1.2 Georgia, "Times New Roman", serif; } h2 { font-size: 1rem; margin: 2rem 0 .5rem; }
svg { display: block; width: 100%; height: auto; border-radius: .5rem; }
p { color: var(--quiet); } .scroll { overflow-x: auto; }
table { border-collapse: collapse; white-space: nowrap; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: left; font-weight: 400; }
thead th { color: var(--quiet); } td.figure, th.figure { text-align: right; }
.key { display: inline-block; min-width: 1.2em; padding: 0 .4em; border-radius: .25em; color: #111;
  text-align: center; font-weight: 600; }
.chosen { outline: 2px solid var(--ink); outline-offset: -2px; }
`;

/** @param {PageState} state @param {string} image as a data URL @returns {string} */
export function buildReport(state, image) {
  const { photo, alignment, model } = state;
  const page = document.implementation.createHTMLDocument(`${photo.name}: ${photo.caption.text}`);
  page.documentElement.lang = "en";
  page.head.prepend(
    el("meta", { charset: "utf-8" }),
    el("meta", { "http-equiv": "Content-Security-Policy", content: POLICY }),
    el("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
  );

  const high = (1000 * photo.height) / photo.width;
  const label = `${photo.name} with its regions`;
  const drawing = svg("svg", { viewBox: `0 0 1000 ${high}`, role: "img", "aria-label": label });
  drawing.append(drawPhotograph(state, image, 1000, high));

  const origin = `${photo.name}, ${photo.width} × ${photo.height} pixels`;
  const regions = `${photo.regions.length} regions (${photo.proposer})`;
  page.body.append(
    drawing,
    el("h1", {}, photo.caption.text),
    el("p", {}, verdict(photo.caption.words)),
    el("p", {}, `${origin}, ${regions} · dvsa ${model}`),
    ...(alignment ? sentence(state) : []),
    ...things(state),
    ...phrases(state),
    details(state),
  );
  // The style is added as text, because this page's policy forbids style elements. The title is escaped already.
  const html = page.documentElement.outerHTML.replace("</head>", () => `<style>${STYLE}</style></head>`);
  return `<!doctype html>\n${html}\n`;
}

/** @param {PageState} state */
function sentence({ photo, alignment, segmentation, colours }) {
  const frame = photo.regions.length - 1;
  const rows = alignment.words.map((word, t) => {
    const region = segmentation.region_T[t];
    const place = region === undefined ? "–" : key(region, frame, colours);
    return [place, word.text, evidence(word) || (word.supported ? "" : "no region supports it")];
  });
  return [
    el("h2", {}, `“${alignment.sentence}”`),
    el("p", {}, verdict(alignment.words)),
    table(["Region", "Word", "Probable"], rows),
  ];
}

/** @param {PageState} state */
function things({ photo, colours }) {
  const rows = photo.things.map(({ name, region, probability }) => [
    key(region, photo.regions.length - 1, colours), name, probability === 1 ? "" : probable(probability),
  ]);
  return rows.length ? [el("h2", {}, "Things"), table(["Region", "Thing", "Probable"], rows)] : [];
}

/** @param {PageState} state */
function phrases({ photo, colours }) {
  const frame = photo.regions.length - 1;
  const rows = photo.phrases.map(({ region, caption }) => {
    const least = leastProbable(caption.words);
    const { pixels } = photo.regions[region];
    return [key(region, frame, colours), caption.text, least ? probable(least.probability) : "", pixels.join(", ")];
  });
  const heads = ["Region", "Phrase", "Least probable word", "Box in pixels"];
  return rows.length ? [el("h2", {}, "Phrases of the regions"), table(heads, rows)] : [];
}

/** The numbers behind the report. @param {PageState} state */
function details(state) {
  const { photo, alignment, segmentation, beta, colours } = state;
  const natural = `Caption: log-probability ln p ${number(photo.caption.logprob)}.`;
  const found = el("details", {}, el("summary", {}, "Details in numbers"), el("p", {}, natural));
  if (!alignment) return found;
  const segments = segmentation.segments.map(({ region, text, score }) => [
    key(region, photo.regions.length - 1, colours), text, number(score),
  ]);
  const match = `Sentence: the matches (v·s) of its words with their regions add up to ${number(alignment.score)}.`;
  const longer = `Segments at a preference for longer ones (β) of ${betaText(beta)}:`;
  found.append(el("p", {}, match), el("p", {}, longer), table(["Region", "Words", "Match v·s"], segments));
  found.append(...heat(state));
  return found;
}

/** @param {PageState} state */
function heat({ photo, alignment, segmentation, beta, colours }) {
  const frame = photo.regions.length - 1;
  const top = Math.max(...alignment.scores.flat(), Number.MIN_VALUE);
  const built = table(
    ["Word", ...photo.regions.map(({ index }) => key(index, frame, colours))],
    alignment.words.map(({ text }, t) => [text, ...alignment.scores[t].map(number)]),
  );
  [...built.querySelectorAll("tbody tr")].forEach((row, t) =>
    [...row.cells].slice(1).forEach((cell, i) => {
      const p = segmentation.p_TI[t]?.[i] ?? 0;
      cell.title = `probability ${percent(p)} at β ${betaText(beta)}`;
      cell.style.background = `rgb(var(--heat) / ${(0.6 * Math.max(alignment.scores[t][i], 0)) / top})`;
      if (segmentation.region_T[t] === i) cell.classList.add("chosen");
    }),
  );
  return [el("h2", {}, "Match (v·s) of words and regions; outlined: the region of the segment"), built];
}

/** @param {number} region @param {number} frame @param {Map<number, string>} colours */
function key(region, frame, colours) {
  const mark = el("span", { class: "key" }, regionLabel(region, frame));
  mark.style.background = colours.get(region) ?? "#e5e7eb";
  return mark;
}

/** @param {(Node | string)[]} heads @param {(Node | string)[][]} rows */
function table(heads, rows) {
  const isFigure = (/** @type {Node | string} */ cell) => typeof cell === "string" && /^−?\d+\.\d+$/.test(cell);
  const figure = (/** @type {Node | string} */ cell) => (isFigure(cell) ? { class: "figure" } : {});
  const head = el("thead", {}, el("tr", {}, ...heads.map((text) => el("th", { scope: "col" }, text))));
  const lines = rows.map((row) => el("tr", {}, ...row.map((cell) => el("td", figure(cell), cell))));
  return el("div", { class: "scroll", tabindex: 0 }, el("table", {}, head, el("tbody", {}, ...lines)));
}
