/** A photograph as the model sees it: its regions, captions, phrases and alignments; as dvsa.model.view. */

import { align, locate } from "./aligning.js";
import { descending, numbers, rowsOf } from "./arrays.js";
import { nms, toPixels } from "./boxes.js";
import { frameFeatures } from "./familiar.js";
import { ofClasses, said } from "./seeing.js";
import { surer } from "./surer.js";

/**
 * @typedef {import("./captioning.js").Caption} Caption
 * @typedef {import("./sentence.js").Sentence} Sentence
 */

/** The graph from features to the probabilities of classes. */
const CLASSES = "classes";

export class View {
  /**
   * @param {import("./model.js").Model} model
   * @param {{name: string, width: number, height: number, proposer: string}} photo
   * @param {{box_I: import("./boxes.js").Box[], score_I: number[], feature_1IF: import("./arrays.js").Tensor,
   *   v_I: Float32Array[]}} found the last region is the frame
   */
  constructor(model, photo, { box_I, score_I, feature_1IF, v_I }) {
    this.model = model;
    this.photo = photo;
    this.box_I = box_I;
    this.score_I = score_I;
    this.feature_1IF = feature_1IF;
    this.v_I = v_I;
  }

  /** The index of the frame. */
  get frame() {
    return this.box_I.length - 1;
  }

  /** The regions in the order in which they were chosen, the frame last. */
  get regions() {
    const { width, height } = this.photo;
    return this.box_I.map((box, index) => ({
      index, box: Array.from(box), pixels: toPixels(box, width, height), score: this.score_I[index],
    }));
  }

  /** How far the photograph is from those that the model knows, above 1 if it is unlike them; null if unknown. */
  get distance() {
    const { familiar, manifest } = this.model.bundle;
    if (!familiar || !manifest.familiar) return null;
    const feature_F = rowsOf(numbers(this.feature_1IF), this.feature_1IF.dims[2])[this.frame];
    return familiar.distance(frameFeatures(feature_F)) / manifest.familiar;
  }

  get familiar() {
    return (this.distance ?? 0) <= 1;
  }

  /** The best sentence for the whole photograph; a short one if it is unlike those that the model knows. */
  async caption() {
    const found = await this.captions();
    return this.familiar ? found[0] : surer(this, found);
  }

  /** Sentences for the whole photograph, the best first. @param {number} [beam] */
  async captions(beam) {
    const [found] = await this.model.write(this, [this.frame], "frame", beam);
    return found;
  }

  /** Indices of the best regions that overlap little. @param {number} count */
  bestRegions(count = 5) {
    return nms(this.box_I.slice(0, -1), descending(this.score_I.slice(0, -1)), 0.5, count);
  }

  /** Aligns a sentence. @param {string | Sentence} sentence @param {number} [beta] the bundle's default without it */
  async align(sentence, beta) {
    const { manifest } = this.model.bundle;
    const read = typeof sentence === "string" ? await this.model.read(sentence) : sentence;
    return align(read, this.v_I, beta ?? manifest.beta, manifest.support);
  }

  /** The region of a sentence with a known word. @param {Sentence} sentence */
  locate({ s_N }) {
    return locate(s_N, this.v_I, this.box_I, this.model.bundle.manifest.sharpness);
  }

  /** At most ten things that the photograph shows, the most probable first. @param {Caption[]} captions */
  async things(captions) {
    return said([...(await this.ofClasses()), ...(await this.ofWords(captions))]);
  }

  async ofClasses() {
    const { graphs, manifest } = this.model.bundle;
    if (!manifest.things.length || !(`${CLASSES}.onnx` in manifest.files)) return [];
    const [p_1IC] = await graphs.run(CLASSES, { features: this.feature_1IF });
    return ofClasses(this.model.names, await this.model.namesRead(), this.v_I, p_1IC, manifest.things);
  }

  /** Nouns with a region that supports them. @param {Caption[]} captions */
  async ofWords(captions) {
    const { names, things } = this.model;
    const texts = new Set(captions.filter(({ words }) => words.length).map(({ text }) => text));
    const aligned = await Promise.all([...texts].map((text) => this.align(text)));
    return aligned.flatMap(({ words }) => words).flatMap(({ text, region, supported, probability }) => {
      if (!supported || region === null || !things.has(text)) return [];
      const thing = { name: text, region, probability: probability ?? 1 };
      return [{ thing, classes: names.meant.get(text) ?? [], everyday: true }];
    });
  }
}
