/** What the photograph shows: things with their regions and probabilities. */

import { byId, el } from "./dom.js";
import { probable } from "./evidence.js";
import { pin, pinned } from "./highlight.js";
import { makeRoving, setTabStop } from "./roving.js";

/** Prepares the list. */
export const prepareThings = () => makeRoving(byId("things"), ".thing");

/** Shows the things of a photograph. @param {import("./api.js").Photo} photo */
export function showThings({ things, regions }) {
  byId("things").replaceChildren(...things.map((thing) => el("li", {}, button(thing, regions.length - 1))));
  byId("things-section").hidden = !things.length;
  setTabStop(byId("things"), ".thing");
}

/** @param {import("./api.js").Thing} thing @param {number} frame */
function button({ name, region, probability }, frame) {
  // A probability of exactly 1 means that the model has no calibration.
  const told = probability === 1 ? "" : probable(probability);
  const place = region === frame ? "whole photograph" : `region ${region}`;
  const said = told && `${told} probable`;
  const attributes = { "data-region": region, "data-word": name, "data-said": said };
  const label = [name, place, ...(said ? [said] : [])].join(", ");
  const made = el("button", { type: "button", class: "thing", "aria-label": label, ...attributes }, name);
  if (told) made.append(" ", el("small", {}, told));
  made.addEventListener("click", () => pin(pinned() === region ? null : region));
  return made;
}
