/** Files of what is shown, made in the browser. */

import { image } from "./api.js";
import { poster } from "./poster.js";
import { report } from "./report.js";

/** @typedef {import("./poster.js").Shown} Shown */

const MAKERS = { png, svg, html, json };

/** @param {"png" | "svg" | "html" | "json"} kind @param {Shown} shown @param {object} more for the JSON alone */
export async function save(kind, shown, more) {
  const stem = shown.photo.name.replace(/\.[^.]*$/, "").replace(/[^\p{L}\p{N}._-]+/gu, "-") || "photograph";
  download(await MAKERS[kind](shown, more), `${stem}.dvsa.${kind}`);
}

/** @param {Shown} shown */
async function svg(shown) {
  const drawing = new XMLSerializer().serializeToString(poster(shown, await embedded(shown.photo.id)));
  return new Blob([drawing], { type: "image/svg+xml" });
}

/** @param {Shown} shown @returns {Promise<Blob>} */
async function png(shown) {
  const url = URL.createObjectURL(await svg(shown));
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

/** @param {Shown} shown */
async function html(shown) {
  return new Blob([report(shown, await embedded(shown.photo.id))], { type: "text/html" });
}

/** The API's own shapes, with the alignment at the slider's beta. @param {Shown} shown @param {object} more */
async function json({ photo, alignment, reading, beta }, more) {
  const at = alignment && {
    ...alignment,
    beta: beta === Infinity ? "inf" : beta,
    segments: reading.segments,
    marginals: reading.p_TI.map((p_I) => [...p_I]),
  };
  return new Blob([JSON.stringify({ ...photo, alignment: at, ...more }, null, 2)], { type: "application/json" });
}

/** The photograph as a data URL. @param {string} id @returns {Promise<string>} */
async function embedded(id) {
  const response = await fetch(image(id));
  if (!response.ok) throw new Error("The photograph has been forgotten by the server: open it again.");
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
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000); // the browser reads it after this turn
}
