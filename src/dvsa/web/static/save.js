/** Saves the current result as a file, which the browser makes itself. */

import { image } from "./api.js";
import { drawPoster } from "./poster.js";
import { buildReport } from "./report.js";

/** @typedef {import("./poster.js").PageState} PageState */

const WRITERS = { png, svg, html, json };

/** @param {string} kind one of `WRITERS` @param {PageState} state @param {object} more fields for the JSON */
export async function save(kind, state, more) {
  const stem = state.photo.name.replace(/\.[^.]*$/, "").replace(/[^\p{L}\p{N}._-]+/gu, "-") || "photograph";
  download(await WRITERS[kind](state, more), `${stem}.dvsa.${kind}`);
}

/** @param {PageState} state */
async function svg(state) {
  const drawing = new XMLSerializer().serializeToString(drawPoster(state, await pictureDataUrl(state.photo.id)));
  return new Blob([drawing], { type: "image/svg+xml" });
}

/** @param {PageState} state @returns {Promise<Blob>} */
async function png(state) {
  const url = URL.createObjectURL(await svg(state));
  try {
    const drawing = new Image();
    drawing.src = url;
    await drawing.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [drawing.naturalWidth, drawing.naturalHeight];
    canvas.getContext("2d").drawImage(drawing, 0, 0);
    return await new Promise((done) => canvas.toBlob(done, "image/png"));
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** @param {PageState} state */
async function html(state) {
  return new Blob([buildReport(state, await pictureDataUrl(state.photo.id))], { type: "text/html" });
}

/** The API's JSON, with the alignment at the slider's beta. @param {PageState} state @param {object} more */
async function json({ photo, alignment, segmentation, beta }, more) {
  const atBeta = alignment && {
    ...alignment,
    beta: beta === Infinity ? "inf" : beta,
    segments: segmentation.segments,
    marginals: segmentation.p_TI.map((p_I) => Array.from(p_I)),
  };
  return new Blob([JSON.stringify({ ...photo, alignment: atBeta, ...more }, null, 2)], { type: "application/json" });
}

/** The photograph as a data URL. @param {string} id @returns {Promise<string>} */
async function pictureDataUrl(id) {
  const response = await fetch(image(id));
  if (!response.ok) throw new Error("The photograph has expired on the server: open it again.");
  const content = await response.blob();
  return new Promise((done, fail) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => done(/** @type {string} */ (reader.result)));
    reader.addEventListener("error", () => fail(reader.error));
    reader.readAsDataURL(content);
  });
}

/** @param {Blob} content @param {string} name */
function download(content, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000); // the browser reads it later
}
