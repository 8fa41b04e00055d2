/** The current result as one SVG drawing: the photograph with its regions, the caption, and the sentence. */

import { certainty } from "./alignment.js";
import { svg } from "./dom.js";
import { evidence, verdict } from "./evidence.js";
import { regionLabel } from "./palette.js";

/**
 * @typedef {{photo: import("./api.js").Photo, alignment: import("./api.js").Alignment | null,
 *   segmentation: import("./alignment.js").Segmentation | null, beta: number, colours: Map<number, string>,
 *   model: string}} PageState
 */

const [WIDTH, MARGIN] = [1200, 48];
const [SERIF, SANS] = ["Georgia, 'Times New Roman', serif", "'Helvetica Neue', Arial, sans-serif"];
const [INK, QUIET, PAPER] = ["#1c1b1a", "#625d57", "#ffffff"];

const pen = document.createElement("canvas").getContext("2d");

/**
 * Width of a text in pixels.
 * @param {string} content @param {number} size @param {string} family @param {number} [weight]
 */
function widthOf(content, size, family, weight = 400) {
  pen.font = `${weight} ${size}px ${family}`;
  return pen.measureText(content).width;
}

/** @param {PageState} state @param {string} image as a data URL @returns {Element} */
export function drawPoster(state, image) {
  const { photo, alignment, model } = state;
  const high = (WIDTH * photo.height) / photo.width;
  const sheet = new Sheet(high + MARGIN);
  sheet.text(photo.caption.text, 42, SERIF, INK);
  sheet.text(`The model’s caption. ${verdict(photo.caption.words)}`, 18, SANS, QUIET);
  if (alignment) {
    sheet.y += 16;
    sheet.sentence(state);
    sheet.text(verdict(alignment.words), 18, SANS, QUIET);
    const how = "Each colour is a region; paler means less certain. Dotted: no region supports the word.";
    sheet.text(how, 18, SANS, QUIET);
  }
  sheet.text(`${photo.name} · dvsa ${model}`, 18, SANS, QUIET);
  const size = { width: WIDTH, height: Math.ceil(sheet.y + MARGIN / 2) };
  return svg(
    "svg",
    { viewBox: `0 0 ${size.width} ${size.height}`, ...size },
    svg("title", {}, `${photo.name}: ${photo.caption.text}`),
    svg("rect", { ...size, fill: PAPER }),
    drawPhotograph(state, image, WIDTH, high),
    ...sheet.parts,
  );
}

/**
 * The photograph with the boxes of the sentence's regions.
 * @param {PageState} state @param {string} image @param {number} wide @param {number} high
 */
export function drawPhotograph({ photo, colours }, image, wide, high) {
  const group = svg("g", {}, svg("image", { href: image, preserveAspectRatio: "none", width: wide, height: high }));
  for (const [region, colour] of colours) {
    const [x0, y0, x1, y1] = photo.regions[region].box;
    const place = { x: x0 * wide + 2, y: y0 * high + 2, width: (x1 - x0) * wide - 4, height: (y1 - y0) * high - 4 };
    for (const line of [{ stroke: "#111", "stroke-width": 7 }, { stroke: colour, "stroke-width": 4 }]) {
      group.append(svg("rect", { ...place, ...line, fill: "none" }));
    }
  }
  for (const [region, colour] of colours) {
    const [x, y] = photo.regions[region].box;
    group.append(...tag(regionLabel(region, photo.regions.length - 1), colour, x * wide, y * high, 20));
  }
  return group;
}

/** @param {string} label @param {number} size of its letters */
const tagWidth = (label, size) => widthOf(label, size, SANS, 600) + size;

/**
 * A label on a coloured background.
 * @param {string} label @param {string} colour @param {number} x @param {number} y @param {number} size of its letters
 */
function tag(label, colour, x, y, size) {
  const wide = tagWidth(label, size);
  const middle = { x: x + wide / 2, y: y + 1.1 * size, "text-anchor": "middle" };
  return [
    svg("rect", { x, y, width: wide, height: 1.5 * size, rx: 4, fill: colour }),
    svg("text", { ...middle, fill: "#111", "font-family": SANS, "font-size": size, "font-weight": 600 }, label),
  ];
}

/** A page that is filled from y downwards. */
class Sheet {
  /** @param {number} y */
  constructor(y) {
    this.y = y;
    /** @type {Element[]} */
    this.parts = [];
  }

  /**
   * Adds text, broken into lines.
   * @param {string} content @param {number} size @param {string} family @param {string} fill
   */
  text(content, size, family, fill) {
    const lines = [""];
    for (const word of content.split(" ")) {
      const longer = `${lines.at(-1)} ${word}`.trim();
      if (lines.at(-1) && widthOf(longer, size, family) > WIDTH - 2 * MARGIN) lines.push(word);
      else lines[lines.length - 1] = longer;
    }
    const style = { fill, "font-family": family, "font-size": size };
    for (const line of lines) {
      this.parts.push(svg("text", { x: MARGIN, y: this.y + size, ...style }, line));
      this.y += 1.3 * size;
    }
    this.y += 8;
  }

  /** Adds the sentence's words on the colours of their regions. @param {PageState} state */
  sentence({ photo, alignment, segmentation, colours }) {
    const I = photo.regions.length;
    const step = 84;
    let x = MARGIN;
    alignment.words.forEach((word, t) => {
      const { text, known, supported } = word;
      const region = segmentation.region_T[t];
      const first = region !== undefined && segmentation.region_T[t - 1] !== region;
      const label = first ? regionLabel(region, I - 1) : "";
      const inset = first ? 10 + tagWidth(label, 16) : 8;
      const score = evidence(word);
      const wide = inset + 10 + Math.max(widthOf(text, 32, SERIF), widthOf(score, 16, SANS));
      if (x > MARGIN && x + wide > WIDTH - MARGIN) [x, this.y] = [MARGIN, this.y + step];

      const { y } = this;
      const fill = colours.get(region) ?? PAPER;
      const sure = region === undefined ? 0 : certainty(segmentation.p_TI[t][region], I);
      this.parts.push(
        svg("rect", { x, y, width: wide, height: 64, fill, "fill-opacity": (0.2 + 0.7 * sure).toFixed(3) }),
        svg("rect", { x, y: y + 64, width: wide, height: 5, fill }),
        ...(first ? tag(label, fill, x + 4, y + 6, 16) : []),
        svg("text", { x: x + inset, y: y + 35, fill: INK, "font-family": SERIF, "font-size": 32 }, text),
        svg("text", { x: x + inset, y: y + 56, fill: INK, "font-family": SANS, "font-size": 16 }, score),
      );
      if (known && !supported) {
        const line = { x1: x + inset, x2: x + inset + widthOf(text, 32, SERIF), y1: y + 41, y2: y + 41 };
        this.parts.push(svg("line", { ...line, stroke: "#a3210f", "stroke-width": 3, "stroke-dasharray": "3 4" }));
      }
      x += wide + (segmentation.region_T[t + 1] === region ? 0 : 10);
    });
    this.y += step;
  }
}
