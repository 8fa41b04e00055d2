/** Colours and labels of regions; the labels carry the same information without colour. */

/** Light enough for dark text on them, strong enough to be seen on a photograph. */
export const PALETTE = ["#f5a623", "#58bdf7", "#45d98f", "#ff8fc4", "#b9a1ff", "#f5e050", "#ff8066", "#b5dd4c"];

/** The colour of the whole photograph. */
export const FRAME = "#c9d0da";

/**
 * Colours for the regions in use. A region keeps its earlier colour, unless another region in use has it.
 * @param {Map<number, string>} before @param {number[]} regions of the words @param {number} frame
 * @returns {Map<number, string>}
 */
export function assignColours(before, regions, frame) {
  /** @type {Map<number, string>} */
  const colours = new Map();
  const used = [...new Set(regions)];
  const free = () => PALETTE.filter((colour) => ![...colours.values()].includes(colour));
  for (const region of used) {
    if (region === frame) colours.set(region, FRAME);
    else if (free().includes(before.get(region))) colours.set(region, before.get(region));
  }
  for (const region of used) {
    if (!colours.has(region)) colours.set(region, free()[0] ?? PALETTE[region % PALETTE.length]);
  }
  return colours;
}

/** Sets the colour of every element of a region, as the custom property --c. @param {Map<number, string>} colours */
export function paint(colours) {
  for (const element of document.querySelectorAll("[data-region]")) {
    const colour = colours.get(Number(element.dataset.region));
    if (colour) element.style.setProperty("--c", colour);
    else element.style.removeProperty("--c");
  }
}

/** A region's label. @param {number} region @param {number} frame */
export const regionLabel = (region, frame) => (region === frame ? "frame" : String(region));
