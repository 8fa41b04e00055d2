/** Names that a bundle was taught after its training, each with a vector of its own; as dvsa.taught. */

import { EngineError } from "./arrays.js";

/** @typedef {import("./sentence.js").Sentence} Sentence */

export class Taught {
  /** @param {Map<string, Float32Array>} vectors */
  constructor(vectors = new Map()) {
    this.vectors = vectors;
    const lengths = [...vectors.keys()].map((name) => name.split(" ").length);
    this.lengths = [...new Set(lengths)].sort((a, b) => b - a);
  }

  /** The words of a sentence, those of a name as one; the longest name counts. @param {readonly string[]} words */
  joined(words) {
    /** @type {string[]} */
    const found = [];
    for (let n = 0; n < words.length; ) {
      const parts = this.lengths.map((length) => words.slice(n, n + length).join(" "));
      const word = parts.find((part) => this.vectors.has(part)) ?? words[n];
      found.push(word);
      n += word.split(" ").length;
    }
    return found;
  }

  /** The sentence with the vectors of the names in it. @param {Sentence} sentence @returns {Sentence} */
  known(sentence) {
    if (!sentence.words.some((word) => this.vectors.has(word))) return sentence;
    let n = 0;
    const s_T = sentence.words.map((word, t) => {
      const own = sentence.known_T[t] ? sentence.s_N[n++] : null;
      return this.vectors.get(word) ?? own;
    });
    return {
      ...sentence,
      known_T: s_T.map(Boolean),
      s_N: s_T.flatMap((s_D) => s_D ?? []),
    };
  }

  /** Reads the content of a file. @param {Uint8Array} content @param {number} embedding @param {string} source */
  static parse(content, embedding, source) {
    /** @type {Record<string, unknown>} */
    let found = {};
    try {
      found = JSON.parse(new TextDecoder().decode(content));
    } catch {
      throw new EngineError(`${source} cannot be read: teach the names again`);
    }
    for (const [name, vector] of Object.entries(found)) {
      if (!Array.isArray(vector) || vector.length !== embedding || !vector.every(Number.isFinite)) {
        throw new EngineError(`${source}: '${name}' is no name with ${embedding} numbers: teach it again`);
      }
    }
    const rows = /** @type {[string, number[]][]} */ (Object.entries(found));
    return new Taught(new Map(rows.map(([name, vector]) => [name, Float32Array.from(vector)])));
  }
}
