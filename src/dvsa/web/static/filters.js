/** The conditions of a search: dates, camera, place, fields, path, what must not be shown, and the order. */

import { byId } from "./dom.js";

export class Filters {
  /** @param {(query: Record<string, string>) => void} search is called with the whole query */
  constructor(search) {
    this.form = byId("filters");
    /** @type {Record<string, string>} */
    this.query = {};
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      search(this.asked());
    });
  }

  /** Shows the conditions of a query. @param {Record<string, string>} query */
  show(query) {
    this.query = query;
    for (const input of this.inputs()) input.value = query[input.name] ?? input.dataset.usual ?? "";
    byId("filter-box").open = this.inputs().some((input) => input.name in query);
  }

  /** Shows the condition of a path only where the service allows it. @param {boolean} allowed */
  offerPaths(allowed) {
    byId("filter-path").hidden = !allowed;
  }

  /** The query with the conditions of the form. */
  asked() {
    const query = { ...this.query };
    for (const { name, value, dataset } of this.inputs()) {
      delete query[name];
      if (value.trim() && value !== dataset.usual) query[name] = value.trim();
    }
    return query;
  }

  /** @returns {(HTMLInputElement | HTMLSelectElement)[]} */
  inputs() {
    return [...this.form.querySelectorAll("[name]")];
  }
}
