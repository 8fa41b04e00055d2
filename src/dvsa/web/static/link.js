/** The address follows the sentence and the slider, so that it can be kept, or sent to others. */

import { parse, photoAddress } from "./address.js";
import { byId } from "./dom.js";
import { showNotice } from "./notice.js";
import { sourceOf } from "./open_photos.js";

/** Milliseconds after a change; browsers refuse to change the address too often. */
const PAUSE = 250;

export class Link {
  /**
   * @param {import("./alignment.js").AlignmentView} view
   * @param {() => import("./open_photos.js").Entry | null} shown the photograph that is shown
   */
  constructor(view, shown) {
    this.view = view;
    this.shown = shown;
    this.timer = 0;
    view.addEventListener("change", () => {
      clearTimeout(this.timer);
      this.timer = window.setTimeout(() => this.remember(), PAUSE);
    });
    byId("copy-link").addEventListener("click", () => this.copy());
  }

  /** Puts the sentence and the slider into the address, unless they are the usual ones. */
  remember() {
    const entry = this.shown();
    const place = parse(location.hash);
    if (!entry?.photo || place.section !== "photo" || document.body.classList.contains("loading")) return;
    if (photoAddress(place.source) !== photoAddress(sourceOf(entry))) return;
    const sentence = byId("sentence").value;
    const { beta, defaultBeta } = this.view;
    entry.state = {
      sentence: sentence === entry.photo.caption.text ? undefined : sentence,
      beta: beta === defaultBeta ? undefined : beta,
    };
    history.replaceState(null, "", photoAddress(sourceOf(entry), entry.state));
  }

  async copy() {
    this.remember();
    const lasting = this.shown().sample
      ? "It brings back this sample, the sentence and the slider."
      : "It works on this machine, as long as the photograph is open. Links to samples work everywhere.";
    try {
      await navigator.clipboard.writeText(location.href);
      showNotice(`The link is copied. ${lasting}`);
    } catch {
      showNotice(`The browser does not let this page copy: copy its address yourself. ${lasting}`);
    }
  }
}
