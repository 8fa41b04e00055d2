/** Pictures decoded by the browser: upright, without colour profile, at most 2048 pixels long. */

import { EngineError } from "./arrays.js";

/** Longer photographs are shrunk to this size; and the sizes of pictures on the page and among hits. */
const [LONG_SIDE, PAGE_SIDE, SMALL_SIDE] = [2048, 1024, 320];
const MAX_BYTES = 256 * 2 ** 20;

/**
 * @typedef {{photo: import("./model.js").Photo, page: Blob, small: Blob}} Decoded a photograph, and two JPEGs of it
 */

/**
 * Decodes a photograph; its content decides the format.
 * @param {Blob} content @param {string} name @returns {Promise<Decoded>}
 */
export async function decode(content, name) {
  if (!content.size) throw new EngineError(`${name}: the file is empty`);
  const tooLarge = content.size > MAX_BYTES;
  if (tooLarge) throw new EngineError(`${name}: the file is too large; make it smaller than 256 MB`, 413);
  const bitmap = await bitmapOf(content, name);
  try {
    const { width, height } = bitmap;
    const canvas = drawn(bitmap, LONG_SIDE);
    const pixels = canvas.context.getImageData(0, 0, canvas.width, canvas.height);
    const picture = { data: pixels.data, width: canvas.width, height: canvas.height, channels: 4 };
    const [page, small] = await Promise.all([PAGE_SIDE, SMALL_SIDE].map((side) => jpeg(bitmap, side)));
    return { photo: { name, width, height, picture }, page, small };
  } finally {
    bitmap.close();
  }
}

/** @param {Blob} content @param {string} name */
async function bitmapOf(content, name) {
  try {
    return await createImageBitmap(content, { imageOrientation: "from-image", colorSpaceConversion: "none" });
  } catch {
    throw new EngineError(
      `${name}: this browser cannot read the file. It is no photograph, or it is damaged, or in a format that the ` +
        "browser does not know, such as HEIC, TIFF or RAW: save it as JPEG or PNG.", 415);
  }
}

/** A picture on white, whose longer side has at most `side` pixels. @param {ImageBitmap} bitmap @param {number} side */
function drawn(bitmap, side) {
  const scale = Math.min(side / Math.max(bitmap.width, bitmap.height), 1);
  const width = Math.max(Math.round(bitmap.width * scale), 1);
  const height = Math.max(Math.round(bitmap.height * scale), 1);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new EngineError("There is too little memory for the photograph: close other tabs.", 507);
  context.imageSmoothingQuality = "high";
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0, width, height);
  return { canvas, context, width, height };
}

/** @param {ImageBitmap} bitmap @param {number} side */
const jpeg = (bitmap, side) => drawn(bitmap, side).canvas.convertToBlob({ type: "image/jpeg", quality: 0.85 });

/**
 * A square in RGB as a PNG, which loses nothing.
 * @param {Uint8Array} pixels @param {number} side @returns {Promise<Blob>}
 */
export function toPng(pixels, side) {
  const canvas = new OffscreenCanvas(side, side);
  const image = new ImageData(side, side);
  for (let n = 0; n < side * side; n += 1) {
    for (let c = 0; c < 3; c += 1) image.data[4 * n + c] = pixels[3 * n + c];
    image.data[4 * n + 3] = 255;
  }
  canvas.getContext("2d")?.putImageData(image, 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}
