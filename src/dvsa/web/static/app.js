/** The page: what it shows follows the address, so that the browser's own back and forward work. */

import * as api from "./api.js";
import { AlignmentView } from "./alignment.js";
import { welcome } from "./arrivals.js";
import { showCaption, showPhrases, Ways } from "./captions.js";
import { byId, el, plural } from "./dom.js";
import { announce, fail, notice, watchQueue } from "./notice.js";
import { paint } from "./palette.js";
import { Photograph } from "./photograph.js";
import { save } from "./save.js";
import { Search } from "./search.js";
import { Sentence } from "./sentence.js";
import { pin, watch } from "./spotlight.js";

/** @typedef {import("./api.js").Photo} Photo */

const VIEWS = ["start", "look", "found"];

class Page {
  constructor() {
    /** @type {Photo | null} */
    this.photo = null;
    /** @type {{model: string, digest: string, index: number | null}} */
    this.health = { model: "", digest: "", index: null };
    this.opening = 0;
    this.photograph = new Photograph();
    this.view = new AlignmentView();
    this.sentence = new Sentence(this.view, { announce, fail });
    this.ways = new Ways({ fail, use: (text) => this.use(text), built: () => paint(this.view.colours) });
    this.search = new Search({ open: (hit) => this.open(() => api.openHit(hit)) });
    this.listen();
  }

  async begin() {
    watch();
    watchQueue();
    welcome((file) => this.open(() => api.upload(file), file));
    try {
      const [health, samples] = await Promise.all([api.health(), api.samples()]);
      this.health = health;
      this.introduce(samples);
    } catch (error) {
      fail(error);
    }
    window.addEventListener("hashchange", () => this.route());
    byId("skip").addEventListener("click", (event) => {
      event.preventDefault();
      byId("main").focus();
    });
    await this.route();
  }

  /** @param {{name: string, title: string}[]} samples */
  introduce(samples) {
    const { model, digest, index } = this.health;
    byId("about").textContent = `Model ${model}, ${digest.slice(0, 12)}. Nothing leaves this machine.`;
    byId("samples-title").hidden = !samples.length;
    byId("samples").replaceChildren(...samples.map((sample) => this.sample(sample)));
    byId("search-form").hidden = !index;
    if (index) byId("query").placeholder = `Search ${plural(index, "photograph")} by a sentence`;
  }

  /** @param {{name: string, title: string}} sample */
  sample({ name, title }) {
    const picture = el("img", { src: `/static/samples/${encodeURIComponent(name)}`, alt: "" });
    const button = el("button", { type: "button" }, picture, el("span", {}, title));
    button.addEventListener("click", () => this.open(() => api.openSample(name)));
    return el("li", {}, button);
  }

  listen() {
    this.view.addEventListener("change", () => this.photograph.mark([...new Set(this.view.reading?.region_T)]));
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
        const { alignment, reading, beta, colours } = this.view;
        const shown = { photo: this.photo, alignment, reading, beta, colours, model: this.health.model };
        save(button.dataset.save, shown, { captions: this.ways.said }).catch(fail);
      });
    }
  }

  async route() {
    const [, place, rest] = /^#\/(photo|search)[/?](.+)$/.exec(location.hash) ?? [];
    try {
      if (place === "search") {
        this.turnTo("found");
        await this.search.show(Object.fromEntries(new URLSearchParams(rest)));
      } else if (place === "photo") {
        const id = decodeURIComponent(rest);
        if (id === this.photo?.id) this.turnTo("look");
        else await this.open(() => api.photo(id));
      } else this.turnTo("start");
    } catch (error) {
      if (place === "search") byId("found-summary").textContent = "";
      fail(error);
    }
  }

  /** Shows a photograph once the server has looked at it. @param {() => Promise<Photo>} ask @param {File} [file] */
  async open(ask, file) {
    const opening = (this.opening += 1);
    const before = this.photo;
    notice("");
    document.body.classList.add("looking");
    try {
      if (file) {
        this.turnTo("look");
        this.photo = null;
        this.photograph.preview(file);
      }
      const photo = await ask();
      if (opening === this.opening) await this.show(photo);
    } catch (error) {
      if (opening !== this.opening) return;
      if (file && before) await this.show(before);
      else if (file || location.hash.startsWith("#/photo")) {
        history.replaceState(null, "", "#/");
        this.turnTo("start");
      }
      fail(error);
    } finally {
      if (opening === this.opening) document.body.classList.remove("looking");
    }
  }

  /** @param {Photo} photo */
  async show(photo) {
    this.photo = photo;
    await this.photograph.show(photo, api.image(photo.id), Boolean(this.health.index));
    showCaption(photo);
    showPhrases(photo);
    this.turnTo("look");
    this.sentence.begin(photo);
    this.ways.begin(photo);
    document.title = `${photo.caption.text} · dvsa`;
    announce(`${photo.name}: ${photo.caption.text}`);
    const here = `#/photo/${encodeURIComponent(photo.id)}`;
    if (location.hash !== here) history.pushState(null, "", here);
  }

  /** @param {string} text */
  use(text) {
    byId("sentence").value = text;
    this.sentence.settle();
    this.sentence.say(text).then(() => byId("sentence").scrollIntoView({ block: "center" }));
  }

  /** @param {string} view */
  turnTo(view) {
    for (const name of VIEWS) byId(name).hidden = name !== view;
    pin(null);
    window.scrollTo(0, 0);
  }
}

/** @param {string} place @param {Record<string, string>} query */
const address = (place, query) => `#/${place}?${new URLSearchParams(query)}`;

new Page().begin();
