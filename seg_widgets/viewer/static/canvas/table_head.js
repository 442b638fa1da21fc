// The head of the table of instances: a column's name sorts by it.

import { make } from "../shared/dom.js";
import { COLUMNS, MATCH_COLUMN } from "./row.js";

/** @import {SortKey} from "./types.js" */

export class TableHead {
  /** @type {HTMLElement} */
  element;
  /** Each sort key with the head of its column. @type {[SortKey, HTMLElement][]} */
  #columns;

  /** @param {(by: SortKey) => void} sort */
  constructor(sort) {
    // The match is seen while something is compared.
    const all = [...COLUMNS, MATCH_COLUMN];
    this.#columns = all.map(([by, label]) => [by, columnHead(by, label, () => sort(by))]);
    const shown = make("span", "sgw-offscreen", { text: "Shown" });
    const eye = make("div", "sgw-cell sgw-cell-eye", { role: "columnheader" }, shown);
    const [number, name, score, area, match] = this.#columns.map(([, cell]) => cell);
    const cells = [number, name, match, score, area, eye];
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
