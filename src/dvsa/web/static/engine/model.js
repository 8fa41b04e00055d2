/** A trained model: it opens photographs, reads sentences and writes captions; as dvsa.model. */

import { EngineError, descending, floats, length, numbers, repeated, rowsOf } from "./arrays.js";
import { Captioner, toCaption } from "./captioning.js";
import { defrag, score } from "./maxsim.js";
import { crops, squash } from "./photo.js";
import { choose } from "./regions.js";
import { readNames } from "./seeing.js";
import { checkLength, withNearest } from "./sentence.js";
import { pad, words } from "./text.js";
import { View } from "./view.js";

/**
 * @typedef {import("./arrays.js").Tensor} Tensor
 * @typedef {import("./boxes.js").Box} Box
 * @typedef {import("./captioning.js").Caption} Caption
 * @typedef {import("./sentence.js").Sentence} Sentence
 * @typedef {{name: string, width: number, height: number, picture: import("./photo.js").Picture}} Photo
 *   a decoded photograph, and its size in its file
 */

/** Names of classes that are read at once. */
const NAMES_PER_BATCH = 250;

export class Model {
  /**
   * @param {import("./bundle.js").Bundle} bundle
   * @param {{classes: string, things: string}} lists the contents of classes.tsv and things.txt
   */
  constructor(bundle, lists) {
    this.bundle = bundle;
    this.things = new Set(lists.things.split(/\s+/));
    this.names = readNames(lists.classes, bundle.vocabulary);
    /** @type {Promise<Float32Array[]> | null} */
    this.directions = null;
  }

  /**
   * Opens a photograph.
   * @param {Photo} photo
   * @param {{box_I: Box[], score_I: number[]}} [given] regions in place of the bundle's own, the frame last
   */
  async open(photo, given) {
    const { proposer, nms, size } = this.bundle.manifest;
    const pixels = squash(photo.picture, size);
    const [fine, coarse, scores, boxes] = await this.look(pixels);
    const own = () => choose(proposer, numbers(scores), rowsOf(numbers(boxes), 4), nms);
    return this.view(photo, pixels, [fine, coarse], given ?? own(), given ? "given" : proposer);
  }

  /**
   * A photograph with its regions.
   * @param {Photo} photo @param {Uint8Array} pixels the square @param {Tensor[]} maps of the network
   * @param {{box_I: Box[], score_I: number[]}} regions @param {string} proposer
   */
  async view({ name, width, height, picture }, pixels, [fine, coarse], { box_I, score_I }, proposer) {
    const [features, v] = await this.encode(fine, coarse, box_I, picture, pixels);
    const v_I = rowsOf(numbers(v), v.dims[2]).map((v_D) => v_D.slice());
    return new View(this, { name, width, height, proposer }, { box_I, score_I, feature_1IF: features, v_I });
  }

  /** Two feature maps, and scores and boxes of candidates. @param {Uint8Array} pixels a square in RGB */
  look(pixels) {
    const { graphs, manifest } = this.bundle;
    const dims = [1, manifest.size, manifest.size, 3];
    return graphs.run("look", { pixels: { type: "uint8", data: pixels, dims } });
  }

  /** Features for the captioners, and region vectors. @param {Tensor} fine @param {Tensor} coarse @param {Box[]} box_I
   * @param {import("./photo.js").Picture} picture @param {Uint8Array} pixels the square */
  async encode(fine, coarse, box_I, picture, pixels) {
    const { graphs, manifest } = this.bundle;
    /** @type {Record<string, Tensor>} */
    const given = { fine, coarse, boxes: floats(box_I.flatMap((box) => Array.from(box)), [1, box_I.length, 4]) };
    if (manifest.crops) {
      const { size, context, full_resolution } = manifest.crops;
      const side = manifest.size;
      const from = full_resolution ? picture : { data: pixels, width: side, height: side, channels: 3 };
      const cut = Uint8Array.from(crops(from, box_I, size, context).flatMap((crop) => [...crop]));
      const dims = [box_I.length, size, size, 3];
      const [{ data, dims: found }] = await graphs.run("crop", { crops: { type: "uint8", data: cut, dims } });
      given.shown = { type: "float32", data, dims: [1, ...found] };
    }
    const names = await graphs.inputs("encode");
    return graphs.run("encode", Object.fromEntries(names.map((name) => [name, given[name]])));
  }

  /** Tokenises and encodes a sentence. @param {string} text @returns {Promise<Sentence>} */
  async read(text) {
    checkLength(text, words(text));
    const [read] = await this.readMany([text]);
    return withNearest(read, this.bundle.vocabulary);
  }

  /**
   * Tokenises and encodes sentences in one batch, of any lengths.
   * @param {string[]} texts @returns {Promise<Sentence[]>}
   */
  async readMany(texts) {
    const { taught, vocabulary } = this.bundle;
    const words_L = texts.map((text) => taught.joined(words(text)));
    const s_L = await this.wordVectors(words_L);
    return texts.map((text, l) => {
      const known_T = words_L[l].map((word) => vocabulary.has(word));
      return taught.known({ text, words: words_L[l], known_T, s_N: s_L[l], nearest: {} });
    });
  }

  /** The vectors of the known words of tokenised sentences. @param {readonly (readonly string[])[]} sentence_L */
  async wordVectors(sentence_L) {
    const id_L = sentence_L.map((tokens) => this.bundle.vocabulary.encode(tokens));
    if (!id_L.some((ids) => ids.length)) return id_L.map(() => /** @type {Float32Array[]} */ ([]));
    const [s] = await this.bundle.graphs.run("sentence", pad(id_L));
    const [, T, D] = s.dims;
    const s_N = rowsOf(numbers(s), D);
    return id_L.map((ids, l) => ids.map((_, t) => s_N[l * T + t].slice()));
  }

  /** @param {"frame" | "region"} subject */
  captioner(subject) {
    const { fluency, graphs, manifest } = this.bundle;
    const voice = manifest.voices[subject];
    const what = { frame: "photographs", region: "regions" }[subject];
    if (!voice) throw new EngineError(`bundle ${manifest.name} has no captioner of ${what}: use another bundle`);
    return new Captioner(graphs, voice, fluency);
  }

  /**
   * Captions of one photograph, or of some of its regions, the best first.
   * @param {View} view @param {number[]} focus_B the regions; the last one of the photograph is its frame
   * @param {"frame" | "region"} subject @param {number} [width] of the beam @returns {Promise<Caption[][]>}
   */
  async write(view, focus_B, subject, width) {
    const { beam, length_power, rerank } = this.bundle.manifest;
    const captioner = this.captioner(subject);
    const state = await captioner.start(repeated(view.feature_1IF, focus_B.length), focus_B);
    const found = await captioner.search(state, width ?? beam, length_power);
    const written = found.map((own) => own.map((one) => toCaption(one, this.bundle.spoken)));
    if (subject === "region" || !rerank) return written;
    return Promise.all(written.map((captions) => this.reranked(captions, view.v_I)));
  }

  /** Captions of the whole photograph, drawn by chance. @param {View} view @param {number} count
   * @param {number} temperature @param {number} seed */
  async draw(view, count, temperature, seed) {
    const captioner = this.captioner("frame");
    const focus_B = Array.from({ length: count }, () => view.frame);
    const state = await captioner.start(repeated(view.feature_1IF, count), focus_B);
    const found = await captioner.draw(state, temperature, seed);
    return found.map((one) => toCaption(one, this.bundle.spoken));
  }

  /** Sorts by log-probability / length ** power + `rerank` times the score. @param {Caption[]} captions
   * @param {readonly Float32Array[]} v_I */
  async reranked(captions, v_I) {
    const { length_power, rerank, score: kind } = this.bundle.manifest;
    const s_L = await this.wordVectors(captions.map((caption) => caption.words));
    const fit = kind === "defrag" ? defrag : score;
    const value_L = captions.map(({ logprob, logprobs }, l) =>
      logprob / logprobs.length ** length_power + rerank * fit(v_I, s_L[l]));
    return descending(value_L).map((l) => captions[l]);
  }

  /** The directions of the names of classes; reading them takes seconds, once. */
  namesRead() {
    this.directions ??= this.readDirections();
    return this.directions;
  }

  async readDirections() {
    const { words_N } = this.names;
    /** @type {Float32Array[]} */
    const u_N = [];
    for (let n = 0; n < words_N.length; n += NAMES_PER_BATCH) {
      for (const s_T of await this.wordVectors(words_N.slice(n, n + NAMES_PER_BATCH))) {
        const sum_D = s_T[0].map((_, d) => s_T.reduce((sum, s_D) => sum + s_D[d], 0));
        u_N.push(sum_D.map((x) => x / Math.max(length(sum_D), 1e-9)));
      }
    }
    return u_N;
  }
}
