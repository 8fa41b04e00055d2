/** The start page: the samples, and what the service is. */

import { sampleImage } from "./api.js";
import { byId, el, plural } from "./dom.js";

/**
 * @param {import("./api.js").Health} health @param {import("./api.js").Sample[]} samples
 * @param {(name: string) => void} open
 */
export function showStart({ model, digest, index }, samples, open) {
  byId("about").textContent = `Model ${model}, ${digest.slice(0, 12)}. Nothing leaves this machine.`;
  byId("samples-title").hidden = !samples.length;
  byId("samples").replaceChildren(...samples.map(({ name, title, note }) => {
    const picture = el("img", { src: sampleImage(name), alt: "" });
    const button = el("button", { type: "button", class: note ? "fails" : "" }, picture, el("span", {}, title));
    button.addEventListener("click", () => open(name));
    return el("li", {}, button);
  }));
  byId("search-form").hidden = !index;
  if (index) byId("query").placeholder = `Search ${plural(index, "photograph")} by a sentence`;
}

/** What people are told of a photograph that is unlike all that the model has learned from. */
const UNFAMILIAR = "The model knows nothing like this photograph: it may be wrong about all of it.";

/**
 * What a sample is for, whether the model knows such photographs, and which search found the photograph.
 * @param {import("./open_photos.js").Entry} entry @param {import("./api.js").Sample[]} samples
 */
export function showOrigin({ sample, photo, back }, samples) {
  const told = samples.find(({ name }) => name === sample)?.note;
  const note = told ?? (photo.familiar === false ? UNFAMILIAR : "");
  byId("sample-note").textContent = note;
  byId("sample-note").hidden = !note;
  byId("back").hidden = !back;
  if (!back) return;
  const link = el("a", { href: back.address }, `Back to the results for “${back.question}”`);
  byId("back").replaceChildren(link);
}
