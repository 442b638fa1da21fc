// The head of the table of instances: a column's name sorts by it.

import { make } from "../shared/dom.js";
import { COLUMNS } from "./row.js";

/** @import {SortKey} from "./types.js" */

export class TableHead {
  /** @type {HTMLElement} */
  element;
  /** Each sort key with the head of its column. @type {[SortKey, HTMLElement][]} */
  #columns;

  /** @param {(by: SortKey) => void} sort */
  constructor(sort) {
    this.#columns = COLUMNS.map(([by, label]) => [by, columnHead(by, label, () => sort(by))]);
    const shown = make("span", "sgw-offscreen", { text: "Shown" });
    const eye = make("div", "sgw-cell sgw-cell-eye", { role: "columnheader" }, shown);
    // Seen while something is compared.
    const match = make("div", "sgw-cell sgw-cell-match", { role: "columnheader", text: "Match" });
    const [number, name, ...others] = this.#columns.map(([, cell]) => cell);
    const cells = [number, name, match, ...others, eye];
    this.element = make("div", "sgw-row sgw-head", { role: "row", "aria-rowindex": "1" }, ...cells);
  }

  /**
   * Says how the rows are sorted.
   *
   * @param {SortKey} by
   * @param {boolean} descending
   */
  mark(by, descending) {
    const order = descending ? "descending" : "ascending";
    for (const [one, cell] of this.#columns) {
      cell.setAttribute("aria-sort", one === by ? order : "none");
    }
  }
}

/**
 * @param {SortKey} by
 * @param {string} label
 * @param {() => void} onclick
 */
function columnHead(by, label, onclick) {
  const settings = { type: "button", text: label, onclick };
  const title = by === "index" ? { title: "The instance's index in Python, CSV and COCO" } : {};
  const sort = make("button", "sgw-sort", { ...settings, ...title });
  return make("div", `sgw-cell sgw-cell-${by}`, { role: "columnheader" }, sort);
}
