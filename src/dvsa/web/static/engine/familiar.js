/** How far a photograph is from all that a model has learned from; as dvsa.familiar. */

import { EngineError, dot, rowsOf } from "./arrays.js";
import { parseNpy } from "./npy.js";

/** The plane near which the features of familiar photographs lie. */
export class Familiar {
  /** @param {Float32Array} mean_F @param {Float32Array[]} axis_K */
  constructor(mean_F, axis_K) {
    this.mean_F = mean_F;
    this.axis_K = axis_K;
  }

  /** The squared distance of a photograph. @param {readonly number[]} x_F its features */
  distance(x_F) {
    if (x_F.length !== this.mean_F.length) {
      throw new EngineError("familiar.npy is for other features: export the bundle again", 500);
    }
    const off_F = x_F.map((x, f) => x - this.mean_F[f]);
    const inside = this.axis_K.reduce((sum, axis_F) => sum + dot(axis_F, off_F) ** 2, 0);
    return Math.max(dot(off_F, off_F) - inside, 0);
  }

  /** Reads the content of familiar.npy. @param {Uint8Array} content @param {string} source for errors */
  static parse(content, source) {
    const { data, dims } = parseNpy(content, source);
    if (dims.length !== 2 || dims[0] < 2 || !data.every(Number.isFinite)) {
      throw new EngineError(`${source} has no mean and directions: export the bundle again`);
    }
    const [mean_F, ...axis_K] = rowsOf(Float32Array.from(data), dims[1]);
    return new Familiar(mean_F, axis_K);
  }
}

/** Roots of the features of a whole photograph, with their signs. @param {Float32Array} feature_F */
export const frameFeatures = (feature_F) => Array.from(feature_F, (x) => Math.sign(x) * Math.sqrt(Math.abs(x)));
