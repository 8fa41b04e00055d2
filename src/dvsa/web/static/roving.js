/** Roving tabindex: a group has one tab stop; arrow keys, Home and End move inside the group. */

/**
 * @param {Element} group @param {string} items selects the group's items
 * @param {() => number} [columns] the columns of a grid; without it, all arrow keys move along one line
 */
export function makeRoving(group, items, columns) {
  group.addEventListener("keydown", (event) => {
    if (!event.target.matches(items) || event.ctrlKey || event.altKey || event.metaKey) return;
    const all = [...group.querySelectorAll(items)];
    const row = columns ? columns() : 1;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -row, ArrowDown: row, Home: -Infinity, End: Infinity };
    if (!(event.key in steps)) return;

    event.preventDefault();
    const here = all.indexOf(/** @type {Element} */ (event.target));
    const there = here + steps[event.key];
    if (Number.isFinite(there)) all[there]?.focus();
    else all.at(there < 0 ? 0 : -1).focus();
  });
  group.addEventListener("focusin", (event) => {
    if (event.target.matches(items)) setTabStop(group, items, /** @type {Element} */ (event.target));
  });
}

/**
 * Makes one item the tab stop; the first one by default.
 * @param {Element} group @param {string} items selects the group's items @param {Element} [chosen]
 */
export function setTabStop(group, items, chosen) {
  [...group.querySelectorAll(items)].forEach((item, k) => {
    item.setAttribute("tabindex", (chosen ? item === chosen : k === 0) ? "0" : "-1");
  });
}
