/** The sentence that somebody types, or changes word by word. */

import { align, Refusal } from "./api.js";
import { changes } from "./changes.js";
import { byId, el, number, plural } from "./dom.js";

/** Milliseconds without a key after which a sentence is looked at. */
const CALM = 150;

export class Sentence {
  /**
   * @param {import("./alignment.js").AlignmentView} view
   * @param {{announce: (text: string) => void, fail: (error: unknown) => void}} tell
   */
  constructor(view, tell) {
    this.view = view;
    this.tell = tell;
    this.input = byId("sentence");
    this.id = "";
    /** @type {import("./api.js").Alignment | null} what changes are measured from */
    this.before = null;
    this.asking = new AbortController();
    this.timer = 0;
    this.listen();
  }

  /** A new photograph: its caption is the first sentence. @param {import("./api.js").Photo} photo */
  begin(photo) {
    this.stop();
    this.id = photo.id;
    this.input.value = photo.caption.text;
    this.view.begin(photo);
    this.settle();
  }

  /** From here on changes are counted anew. */
  settle() {
    this.before = this.view.alignment;
    byId("changes").replaceChildren();
  }

  /** Looks at another sentence. @param {string} text @returns {Promise<void>} */
  async say(text) {
    this.stop();
    const { signal } = this.asking;
    if (!text.trim()) return this.view.show(null);
    byId("words").classList.add("waiting");
    try {
      const alignment = await align(this.id, text, signal);
      this.view.show(alignment);
      byId("changes").replaceChildren(...changes(this.before, alignment));
      this.tell.announce(`Score ${number(alignment.score)}, ${plural(this.view.reading.segments.length, "segment")}`);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refusal && error.status === 422) this.view.decline(error.message);
      else this.tell.fail(error);
    } finally {
      if (!signal.aborted) byId("words").classList.remove("waiting");
    }
  }

  stop() {
    clearTimeout(this.timer);
    this.asking.abort();
    this.asking = new AbortController();
    byId("words").classList.remove("waiting");
  }

  listen() {
    const { input } = this;
    input.addEventListener("focus", () => this.settle());
    input.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.say(input.value), CALM);
    });
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.say(input.value).then(() => this.settle());
    });
    byId("words").addEventListener("click", (event) => {
      const word = event.target.closest("button.word");
      // A finger cannot hover: its first touch lights the word, its second opens it.
      if (word && (event.pointerType !== "touch" || word === this.touched)) this.edit(word);
      this.touched = word;
    });
  }

  /** Opens a word for another. @param {HTMLButtonElement} button */
  edit(button) {
    const t = Number(button.dataset.t);
    const words = this.view.alignment.words.map((word) => word.text);
    const label = `Another word for ${words[t]}`;
    const field = el("input", { class: "edit", "aria-label": label, maxlength: 60, autocomplete: "off" });
    field.value = words[t];
    field.size = Math.max(words[t].length, 4);
    field.addEventListener("input", () => (field.size = Math.max(field.value.length, 4)));
    let open = true;
    const close = async (/** @type {boolean} */ keep) => {
      if (!open) return;
      open = false;
      const refocus = document.activeElement === field;
      const text = words.with(t, field.value.trim()).join(" ").trim();
      field.replaceWith(button);
      if (keep && text && field.value.trim() !== words[t]) {
        this.input.value = text;
        this.settle();
        await this.say(text);
      }
      if (refocus) (this.view.words.querySelector(`[data-t="${t}"]`) ?? this.input).focus();
    };
    field.addEventListener("keydown", (event) => {
      event.stopPropagation(); // arrow keys move inside the word, not among the words
      if (event.key === "Enter") close(true);
      if (event.key === "Escape") close(false);
    });
    field.addEventListener("blur", () => close(true));
    button.replaceWith(field);
    field.select();
  }
}
