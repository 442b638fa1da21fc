// One row of the table of instances; rows are reused while the table scrolls.

import { icon, make, setAttribute, setText } from "../shared/dom.js";
import { instanceColor } from "./colors.js";
import { setColor } from "./dom.js";

/** @import {Header, Look, SortKey} from "./types.js" */
/** @import {describeInstance} from "./instances.js" */

/** CSS pixels; the table gives it to the style sheet. */
export const ROW_HEIGHT = 26;

/** The columns in their order, with their titles. @type {[SortKey, string][]} */
export const COLUMNS = [
  ["index", "#"],
  ["class", "Class"],
  ["score", "Score"],
  ["area", "Area"],
];

export class Row {
  /** @type {HTMLElement} */
  element;
  /** Begins each row's id. @type {string} */
  #table;
  #dot = make("span", "sgw-swatch");
  #name = make("span", "sgw-name");
  #cells = COLUMNS.map(([by]) => make("div", `sgw-cell sgw-cell-${by}`, { role: "gridcell" }));
  #eye = make("button", "sgw-eye", { type: "button", tabindex: "-1" }, icon("eye"), icon("closed"));
  /** What it shows. @type {{header: Header, index: number} | null} */
  #shown = null;
  /** Where it stands. @type {number | null} */
  #at = null;

  /** @param {string} table */
  constructor(table) {
    this.#table = table;
    this.#cells[1].append(this.#dot, this.#name);
    const eye = make("div", "sgw-cell sgw-cell-eye", { role: "gridcell" }, this.#eye);
    this.element = make("div", "sgw-row", { role: "row" }, ...this.#cells, eye);
  }

  /**
   * Shows an instance.
   *
   * @param {Header} header
   * @param {number} index
   * @param {ReturnType<typeof describeInstance>} facts
   */
  setInstance(header, index, facts) {
    if (this.#shown?.index === index && this.#shown.header === header) return;
    this.#shown = { header, index };
    this.element.dataset.index = String(index);
    this.element.id = `${this.#table}-${index}`;
    const [number, , score, area] = this.#cells;
    setText(number, String(index));
    setText(this.#name, facts.name);
    setText(score, facts.score);
    setText(area, facts.share);
    area.title = facts.area;
  }

  /** @param {number} at counted from 0, the head not counted */
  moveTo(at) {
    if (this.#at === at) return;
    this.#at = at;
    this.element.style.transform = `translateY(${at * ROW_HEIGHT}px)`;
    this.element.setAttribute("aria-rowindex", String(at + 2));
  }

  /**
   * @param {Look} look
   * @param {{selected: boolean, active: boolean, hidden: boolean}} state
   */
  setState(look, { selected, active, hidden }) {
    if (!this.#shown) return;
    const { header, index } = this.#shown;
    setAttribute(this.element, "aria-selected", String(selected));
    this.element.classList.toggle("sgw-hovered", look.hovered === index);
    this.element.classList.toggle("sgw-active", active);
    this.element.classList.toggle("sgw-off", hidden);
    setColor(this.#dot, instanceColor(header, index, look.colorBy));
    const label = hidden ? "Show this instance" : "Hide this instance";
    if (this.#eye.title === label) return;
    this.#eye.title = label;
    this.#eye.setAttribute("aria-label", label);
  }
}
