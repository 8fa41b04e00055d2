/** The page. The address decides what it shows, so the browser's back and forward buttons work. */

import * as api from "./api.js";
import { AlignmentView } from "./alignment.js";
import { CaptionMethods, showCaption, showPhrases } from "./captions.js";
import { byId, el, plural } from "./dom.js";
import { pin, trackPointer } from "./highlight.js";
import { announce, announceRetries, showError, showNotice } from "./notice.js";
import { paint } from "./palette.js";
import { listenForPhotos } from "./photo_input.js";
import { PhotographView } from "./photograph.js";
import { save } from "./save.js";
import { SearchResults } from "./search.js";
import { SentenceInput } from "./sentence.js";
import { prepareThings, showThings } from "./things.js";

/** @typedef {import("./api.js").Photo} Photo */

const SECTIONS = ["start", "photo-view", "found"];

class Page {
  constructor() {
    /** @type {Photo | null} */
    this.photo = null;
    /** @type {import("./api.js").Health} */
    this.health = { model: "", digest: "", index: null, search_paths: false };
    this.opening = 0;
    this.photograph = new PhotographView();
    this.view = new AlignmentView();
    this.sentence = new SentenceInput(this.view, { announce, showError });
    this.captions = new CaptionMethods({
      showError,
      align: (text) => this.align(text),
      updated: () => paint(this.view.colours),
    });
    this.search = new SearchResults({
      open: (hit) => this.open(() => api.openHit(hit)),
      search: (query) => (location.hash = address("search", query)),
    });
    this.listen();
  }

  async start() {
    trackPointer();
    prepareThings();
    announceRetries();
    listenForPhotos((file) => this.open(() => api.upload(file), file));

    try {
      const [health, samples] = await Promise.all([api.health(), api.samples()]);
      this.health = health;
      this.showStart(samples);
    } catch (error) {
      showError(error);
    }

    window.addEventListener("hashchange", () => this.route());
    byId("skip").addEventListener("click", (event) => {
      event.preventDefault();
      byId("main").focus();
    });
    await this.route();
  }

  /** @param {{name: string, title: string}[]} samples */
  showStart(samples) {
    const { model, digest, index } = this.health;
    byId("about").textContent = `Model ${model}, ${digest.slice(0, 12)}. Nothing leaves this machine.`;
    byId("samples-title").hidden = !samples.length;
    byId("samples").replaceChildren(...samples.map((sample) => this.sample(sample)));
    byId("search-form").hidden = !index;
    this.search.filters.offerPaths(this.health.search_paths);
    if (index) byId("query").placeholder = `Search ${plural(index, "photograph")} by a sentence`;
  }

  /** @param {{name: string, title: string}} sample */
  sample({ name, title }) {
    const picture = el("img", { src: api.sampleImage(name), alt: "" });
    const button = el("button", { type: "button" }, picture, el("span", {}, title));
    button.addEventListener("click", () => this.open(() => api.openSample(name)));
    return el("li", {}, button);
  }

  listen() {
    this.view.addEventListener("change", () => {
      this.photograph.showAligned([...new Set(this.view.segmentation?.region_T)]);
    });
    this.photograph.addEventListener("search", ({ detail: box }) => {
      location.hash = address("search", { photo: this.photo.id, box: box.map((edge) => edge.toFixed(4)).join() });
    });
    byId("search-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const q = byId("query").value.trim();
      if (q) location.hash = address("search", { q });
    });

    for (const button of document.querySelectorAll("[data-save]")) {
      button.addEventListener("click", () => {
        const { alignment, segmentation, beta, colours } = this.view;
        const state = { photo: this.photo, alignment, segmentation, beta, colours, model: this.health.model };
        save(button.dataset.save, state, { captions: this.captions.shown }).catch(showError);
      });
    }
  }

  /** Shows what the address names. */
  async route() {
    const [, section, rest] = /^#\/(photo|search)[/?](.+)$/.exec(location.hash) ?? [];
    try {
      if (section === "search") {
        this.showSection("found");
        await this.search.show(Object.fromEntries(new URLSearchParams(rest)));
      } else if (section === "photo") {
        const id = decodeURIComponent(rest);
        if (id === this.photo?.id) this.showSection("photo-view");
        else await this.open(() => api.photo(id));
      } else this.showSection("start");
    } catch (error) {
      if (section === "search") byId("found-summary").textContent = "";
      showError(error);
    }
  }

  /**
   * Opens a photograph and shows it, unless the user opens another one before the server answers.
   * @param {() => Promise<Photo>} request @param {File} [file] a local file, which is shown at once
   */
  async open(request, file) {
    const opening = (this.opening += 1);
    const previous = this.photo;
    showNotice("");
    document.body.classList.add("loading");

    try {
      if (file) {
        this.showSection("photo-view");
        this.photo = null;
        this.photograph.preview(file);
      }
      const photo = await request();
      if (opening === this.opening) await this.show(photo);
    } catch (error) {
      if (opening !== this.opening) return;
      if (file && previous) await this.show(previous);
      else if (file || location.hash.startsWith("#/photo")) {
        history.replaceState(null, "", "#/");
        this.showSection("start");
      }
      showError(error);
    } finally {
      if (opening === this.opening) document.body.classList.remove("loading");
    }
  }

  /** @param {Photo} photo */
  async show(photo) {
    this.photo = photo;
    await this.photograph.show(photo, api.image(photo.id), Boolean(this.health.index));
    showCaption(photo);
    showPhrases(photo);
    showThings(photo);
    this.showSection("photo-view");
    this.sentence.setPhoto(photo);
    this.captions.setPhoto(photo);

    document.title = `${photo.caption.text} · dvsa`;
    announce(`${photo.name}: ${photo.caption.text}`);
    const here = `#/photo/${encodeURIComponent(photo.id)}`;
    if (location.hash !== here) history.pushState(null, "", here);
  }

  /** Aligns one of the captions. @param {string} text */
  align(text) {
    byId("sentence").value = text;
    this.sentence.resetChanges();
    this.sentence.alignText(text).then(() => byId("sentence").scrollIntoView({ block: "center" }));
  }

  /** @param {string} section */
  showSection(section) {
    for (const name of SECTIONS) byId(name).hidden = name !== section;
    pin(null);
    window.scrollTo(0, 0);
  }
}

/** @param {string} section @param {Record<string, string>} query */
const address = (section, query) => `#/${section}?${new URLSearchParams(query)}`;

new Page().start();
