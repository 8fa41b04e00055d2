/** The sentence that the user types or edits word by word. */

import { align, ApiError } from "./api.js";
import { byId, el, plural } from "./dom.js";
import { verdict } from "./evidence.js";
import { changeInNumbers, scoreChanges } from "./score_changes.js";

/** Milliseconds without typing after which the sentence is aligned. */
const TYPING_PAUSE = 150;

export class SentenceInput {
  /**
   * @param {import("./alignment.js").AlignmentView} view
   * @param {{announce: (text: string) => void, showError: (error: unknown) => void,
   *   explain: (word: HTMLElement) => void}} callbacks
   */
  constructor(view, callbacks) {
    this.view = view;
    this.callbacks = callbacks;
    this.input = byId("sentence");
    this.id = "";
    /** @type {import("./api.js").Alignment | null} the alignment that changes are compared with */
    this.before = null;
    this.request = new AbortController();
    this.timer = 0;
    this.listen();
  }

  /**
   * Starts with a new photograph and its caption, or with another sentence and the slider elsewhere.
   * @param {import("./api.js").Photo} photo @param {import("./address.js").State} [state]
   */
  async setPhoto(photo, { sentence, beta } = {}) {
    this.stop();
    this.id = photo.id;
    const text = sentence ?? photo.caption.text;
    const known = text === photo.caption.text;
    this.input.value = text;
    this.view.setPhoto(photo, known ? photo.alignment : null, beta);
    this.resetChanges();
    if (!known) await this.alignText(text);
    this.resetChanges();
  }

  /** Compares later changes with the current alignment. */
  resetChanges() {
    this.before = this.view.alignment;
    byId("changes").replaceChildren();
    byId("score-change").textContent = "";
  }

  /** Aligns a sentence and shows it. @param {string} text @returns {Promise<void>} */
  async alignText(text) {
    this.stop();
    const { signal } = this.request;
    if (!text.trim()) return this.clear();

    byId("words").classList.add("waiting");
    try {
      const alignment = await align(this.id, text, signal);
      this.view.show(alignment);
      byId("changes").replaceChildren(...scoreChanges(this.before, alignment));
      byId("score-change").textContent = changeInNumbers(this.before, alignment);
      const count = plural(this.view.segmentation.segments.length, "segment");
      this.callbacks.announce(`${verdict(alignment.words)} ${count}.`);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && error.status === 422) this.clear(error.message);
      else this.callbacks.showError(error);
    } finally {
      if (!signal.aborted) byId("words").classList.remove("waiting");
    }
  }

  /** Leaves nothing of an earlier sentence. @param {string} [reason] why there is no alignment */
  clear(reason = "") {
    this.view.showReason(reason);
    this.resetChanges();
    this.callbacks.announce(reason || "No sentence.");
  }

  stop() {
    clearTimeout(this.timer);
    this.request.abort();
    this.request = new AbortController();
    byId("words").classList.remove("waiting");
  }

  listen() {
    const { input } = this;
    input.addEventListener("focus", () => this.resetChanges());
    input.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.alignText(input.value), TYPING_PAUSE);
    });
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.alignText(input.value).then(() => this.resetChanges());
    });

    byId("words").addEventListener("click", (event) => {
      const word = event.target.closest("button.word");
      if (word) this.callbacks.explain(word);
      // A touch screen has no hover: the first touch highlights the word, the second one edits it.
      if (word && (event.pointerType !== "touch" || word === this.touched)) this.edit(word);
      this.touched = word;
    });
  }

  /** Replaces a word's button by a text field, until the user leaves it. @param {HTMLButtonElement} button */
  edit(button) {
    const t = Number(button.dataset.t);
    const words = this.view.alignment.words.map((word) => word.text);
    const label = `Another word for ${words[t]}`;
    const field = el("input", { class: "edit", "aria-label": label, maxlength: 60, autocomplete: "off" });
    field.value = words[t];
    field.size = Math.max(words[t].length, 4);
    field.addEventListener("input", () => (field.size = Math.max(field.value.length, 4)));

    let open = true;
    const close = async (/** @type {boolean} */ accept) => {
      if (!open) return;
      open = false;
      const refocus = document.activeElement === field;
      const text = words.with(t, field.value.trim()).join(" ").trim();
      field.replaceWith(button);
      if (accept && text && field.value.trim() !== words[t]) {
        this.input.value = text;
        this.resetChanges();
        await this.alignText(text);
      }
      if (refocus) (this.view.words.querySelector(`[data-t="${t}"]`) ?? this.input).focus();
    };

    field.addEventListener("keydown", (event) => {
      event.stopPropagation(); // arrow keys move inside the word, not between words
      if (event.key === "Enter") close(true);
      if (event.key === "Escape") close(false);
    });
    field.addEventListener("blur", () => close(true));
    button.replaceWith(field);
    field.select();
  }
}
