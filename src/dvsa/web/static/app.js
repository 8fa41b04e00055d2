/** The page. The address decides what it shows, so the browser's back and forward buttons work. */

import * as api from "./api.js";
import { compareAddress, gameAddress, parse, photoAddress, searchAddress } from "./address.js";
import { AlignmentView } from "./alignment.js";
import { CaptionMethods, showCaption, showPhrases } from "./captions.js";
import { Comparison } from "./compare.js";
import { byId } from "./dom.js";
import { Game } from "./game.js";
import { pin, trackPointer } from "./highlight.js";
import { Link } from "./link.js";
import { announce, announceRetries, showError, showNotice } from "./notice.js";
import { MAX_OPEN, OpenPhotos, sourceOf } from "./open_photos.js";
import { paint } from "./palette.js";
import { listenForPhotos } from "./photo_input.js";
import { PhotographView } from "./photograph.js";
import { save } from "./save.js";
import { SearchResults } from "./search.js";
import { SentenceInput } from "./sentence.js";
import { showOrigin, showStart } from "./start.js";
import { Strip } from "./strip.js";
import { prepareThings, showThings } from "./things.js";
import { Tour } from "./tour.js";
import { Why } from "./why.js";

/** @typedef {import("./api.js").Photo} Photo @typedef {import("./open_photos.js").Entry} Entry */

const SECTIONS = ["start", "photo-view", "found", "compare", "game", "problem"];

class Page {
  constructor() {
    /** @type {Entry | null} what is shown */
    this.entry = null;
    /** @type {import("./api.js").Health} */
    this.health = { model: "", digest: "", index: null, search_paths: false };
    /** @type {import("./api.js").Sample[]} */
    this.samples = [];
    this.opening = 0;
    this.photos = new OpenPhotos();
    this.photograph = new PhotographView();
    this.view = new AlignmentView();
    this.why = new Why(this.view, showError);
    this.sentence = new SentenceInput(this.view, {
      announce,
      showError,
      explain: (button) => this.why.explainWord(button),
    });
    this.strip = new Strip(this.photos, {
      open: (entry) => this.open(entry),
      closed: (entry) => this.closed(entry),
    });
    this.captions = new CaptionMethods({
      showError,
      align: (text) => this.align(text),
      updated: () => paint(this.view.colours),
    });
    this.search = new SearchResults({
      open: (hit, query) => this.openHit(hit, query),
      search: (query) => (location.hash = searchAddress(query)),
    });
    this.link = new Link(this.view, () => this.entry);
    this.comparison = new Comparison(this.photos, () => this.samples);
    this.game = new Game();
    this.tour = new Tour({
      prepare: () => this.prepareTour(),
      setBeta: (beta) => this.view.setBeta(beta ?? this.view.defaultBeta),
    });
    this.listen();
  }

  /** The photograph that is shown. @returns {Photo | null} */
  get photo() {
    return this.entry?.photo ?? null;
  }

  async start() {
    trackPointer();
    prepareThings();
    announceRetries();
    listenForPhotos((files) => this.openFiles(files));

    try {
      [this.health, this.samples] = await Promise.all([api.health(), api.samples()]);
      showStart(this.health, this.samples, (name) => this.open(this.photos.entry({ sample: name })));
      this.search.filters.offerPaths(this.health.search_paths);
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

  listen() {
    this.view.addEventListener("change", () => {
      this.photograph.showAligned([...new Set(this.view.segmentation?.region_T)]);
    });
    this.photograph.addEventListener("search", ({ detail: box }) => {
      location.hash = searchAddress({ photo: this.photo.id, box: box.map((edge) => edge.toFixed(4)).join() });
    });
    byId("search-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const q = byId("query").value.trim();
      if (q) location.hash = searchAddress({ q });
    });
    byId("to-compare").addEventListener("click", () => {
      location.hash = compareAddress({ a: sourceOf(this.entry), sentence: byId("sentence").value });
    });
    byId("to-game").addEventListener("click", () => (location.hash = gameAddress(sourceOf(this.entry))));

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
    const place = parse(location.hash);
    this.opening += 1; // an answer that comes later shows nothing
    document.body.classList.remove("loading");
    try {
      if (place.section === "photo") return await this.openAddress(place);
      if (place.section === "problem") return this.showProblem(place.reason);
      if (place.section === "search") {
        this.showSection("found");
        return await this.search.show(place.query);
      }
      this.showSection(place.section);
      if (place.section === "compare") return await this.comparison.show(place);
      if (place.section === "game") {
        const photo = await this.photos.open(this.photos.entry(place.of));
        this.game.start(photo, photoAddress(place.of));
      }
    } catch (error) {
      if (isGone(error)) this.showProblem("A photograph of this address is not open any more. Open it again.");
      else showError(error);
    }
    return undefined;
  }

  /** @param {{source: import("./address.js").Source, state: import("./address.js").State}} place */
  async openAddress({ source, state }) {
    const entry = this.photos.entry(source);
    const kept = photoAddress(source, entry.state);
    if (photoAddress(source, state) !== photoAddress(source)) entry.state = state;
    const unchanged = entry === this.entry && photoAddress(source, entry.state) === kept;
    if (unchanged && this.photo) this.showSection("photo-view");
    else await this.open(entry);
  }

  /** Opens files; the first one is shown. @param {File[]} files */
  async openFiles(files) {
    if (!files.length) return showNotice("There is no photograph in this folder.", "error");
    const added = this.photos.addFiles(files);
    if (!added.length) return showNotice(`${MAX_OPEN} photographs are open: close some first.`, "error");
    for (const entry of added) {
      if ((await this.open(entry)) || !entry.failed) break; // the next one only if this photograph is broken
    }
    if (added.length < files.length) {
      showNotice(`${files.length} photographs were given. The first ${added.length} are opened.`);
    }
    await this.photos.openWaiting();
  }

  /** Opens a photograph that a search found, with the question laid on it.
   * @param {import("./api.js").Hit} hit @param {Record<string, string>} query */
  openHit({ id, name }, query) {
    const entry = this.photos.entry({ hit: id, name });
    entry.state = query.q ? { sentence: query.q } : undefined;
    entry.back = { address: location.hash, question: query.q ?? "a part of a photograph" };
    return this.open(entry);
  }

  /**
   * Opens a photograph and shows it, unless the user opens another one before the server answers.
   * @param {Entry} entry @returns {Promise<boolean>} whether it could be opened
   */
  async open(entry) {
    const opening = (this.opening += 1);
    const previous = this.entry;
    showNotice("");
    document.body.classList.add("loading");
    try {
      if (entry.file && !entry.photo) {
        this.showSection("photo-view");
        this.photograph.preview(entry.file);
      }
      const photo = await this.photos.open(entry);
      if (opening === this.opening) await this.show(entry, photo);
      return true;
    } catch (error) {
      if (opening === this.opening) await this.failed(entry, previous, error);
      return false;
    } finally {
      if (opening === this.opening) document.body.classList.remove("loading");
    }
  }

  /** @param {Entry} entry @param {Entry | null} previous @param {unknown} error */
  async failed(entry, previous, error) {
    if (!entry.photo && this.photos.entries.filter((other) => other.file).length < 2) this.photos.remove(entry);
    if (isGone(error) && !entry.file) {
      this.photos.remove(entry);
      const reason = entry.sample ? `There is no sample “${entry.sample}”` : "This photograph is not open any more";
      return this.showProblem(`${reason}. Open a photograph again, or try a sample.`);
    }
    if (entry.file && previous?.photo) await this.show(previous, previous.photo);
    else if (!this.photo || entry.file) {
      history.replaceState(null, "", "#/");
      this.showSection("start");
    }
    return showError(error);
  }

  /** @param {Entry} entry @param {Photo} photo */
  async show(entry, photo) {
    this.entry = entry;
    await this.photograph.show(photo, api.image(photo.id), Boolean(this.health.index));
    showCaption(photo);
    showPhrases(photo);
    showThings(photo);
    showOrigin(entry, this.samples);
    this.why.setPhoto(photo);
    this.showSection("photo-view");
    this.strip.setCurrent(entry);
    const here = photoAddress(sourceOf(entry), entry.state);
    const before = parse(location.hash);
    const same = before.section === "photo" && photoAddress(before.source) === photoAddress(sourceOf(entry));
    if (!same) history.pushState(null, "", here);

    const aligned = this.sentence.setPhoto(photo, entry.state);
    this.captions.setPhoto(photo);
    document.title = `${photo.caption.text} · dvsa`;
    announce(`${photo.name}: ${photo.caption.text}`);
    await aligned;
  }

  /** Has a photograph shown for the tour, the first sample if there is none. */
  async prepareTour() {
    if (this.photo && !byId("photo-view").hidden) return true;
    return this.samples.length > 0 && this.open(this.photos.entry({ sample: this.samples[0].name }));
  }

  /** Aligns one of the captions. @param {string} text */
  align(text) {
    byId("sentence").value = text;
    this.sentence.resetChanges();
    this.sentence.alignText(text).then(() => byId("sentence").scrollIntoView({ block: "center" }));
  }

  /** A photograph was closed: shows another one if it was the current one. @param {Entry} entry */
  closed(entry) {
    if (entry !== this.entry) return;
    this.entry = null;
    const next = this.photos.entries.find((other) => other.photo);
    if (next) this.open(next);
    else location.hash = "#/";
  }

  /** Says what is wrong with an address. @param {string} reason */
  showProblem(reason) {
    byId("problem-reason").textContent = reason;
    this.showSection("problem");
    announce(reason);
  }

  /** @param {string} section */
  showSection(section) {
    for (const name of SECTIONS) byId(name).hidden = name !== section;
    if (section !== "photo-view") this.tour.end();
    pin(null);
    window.scrollTo(0, 0);
  }
}

/** The server has forgotten a photograph, or never had it. @param {unknown} error */
const isGone = (error) => error instanceof api.ApiError && error.status === 404;

new Page().start();
