/** What a browser needs for the model in the tab. */

/** The smallest module with an instruction on vectors: (module (func (drop (v128.const i32x4 0 0 0 0)))). */
const SIMD = [
  [0, 97, 115, 109, 1, 0, 0, 0], [1, 4, 1, 96, 0, 0], [3, 2, 1, 0],
  [10, 23, 1, 21, 0, 253, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 26, 11],
].flat();

const NEWER = "use a current version of Firefox, Chrome, Edge or Safari";

/** Why the model cannot run here, and what to do; null if it can. @returns {string | null} */
export function lacks() {
  if (typeof WebAssembly !== "object" || !WebAssembly.validate(Uint8Array.from(SIMD))) {
    return `This browser cannot run the model, because it lacks WebAssembly with SIMD: ${NEWER}.`;
  }
  const needed = ["Worker", "OffscreenCanvas", "createImageBitmap", "DecompressionStream"];
  const missing = needed.filter((name) => !(name in globalThis));
  return missing.length ? `This browser cannot run the model, because it lacks ${missing.join(", ")}: ${NEWER}.` : null;
}
