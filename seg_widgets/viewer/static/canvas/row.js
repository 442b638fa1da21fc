// One row of the table of instances; rows are reused while the table scrolls.

import { icon, make, setAttribute, setText } from "../shared/dom.js";
import { instanceColor } from "./colors.js";
import { setColor } from "./dom.js";
import { describeInstance } from "./instances.js";
import { MATCH } from "./matching.js";
import { outcomeName } from "./match_styles.js";

/** @import {Compared, Header, Look, SortKey} from "./types.js" */

/** CSS pixels; the table gives it to the style sheet. */
export const ROW_HEIGHT = 26;

/** The columns in their order, with their titles. @type {[SortKey, string][]} */
export const COLUMNS = [
  ["index", "#"],
  ["class", "Class"],
  ["score", "Score"],
  ["area", "Area"],
];

/** @type {[SortKey, string]} */
export const MATCH_COLUMN = ["match", "Match"];

export class Row {
  /** @type {HTMLElement} */
  element;
  /** Begins each row's id. @type {string} */
  #table;
  #dot = make("span", "sgw-swatch");
  #name = make("span", "sgw-name");
  #cells = COLUMNS.map(([by]) => make("div", `sgw-cell sgw-cell-${by}`, { role: "gridcell" }));
  #match = make("div", "sgw-cell sgw-cell-match", { role: "gridcell" });
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
    const [number, name, ...others] = this.#cells;
    const cells = [number, name, this.#match, ...others, eye];
    this.element = make("div", "sgw-row", { role: "row" }, ...cells);
  }

  /**
   * Shows an instance.
   *
   * @param {Header} header of its side
   * @param {number} index of the row
   * @param {number} place its own index
   */
  setInstance(header, index, place) {
    if (this.#shown?.index === index && this.#shown.header === header) return;
    this.#shown = { header, index };
    const facts = describeInstance(header, place);
    this.element.dataset.index = String(index);
    this.element.id = `${this.#table}-${index}`;
    const [number, , score, area] = this.#cells;
    setText(number, String(index));
    setText(this.#name, facts.name);
    setText(score, facts.score);
    setText(area, facts.share);
    area.title = facts.area;
  }

  /**
   * Says what came of matching the instance.
   *
   * @param {Compared | null} compared
   * @param {number} index
   */
  setMatch(compared, index) {
    this.element.classList.remove("sgw-other");
    if (!compared) return;
    const { matched, side } = compared;
    const state = matched.ofFound[index];
    const words = state === MATCH.leftOut ? "" : outcomeName(side.header, state);
    setText(this.#match, words);
    const iou = matched.ious[index];
    setAttribute(
      this.#match,
      "title",
      Number.isNaN(iou) ? words : `${words}, IoU ${iou.toFixed(2)}`,
    );
  }

  /**
   * Shows an instance of the other side that was missed.
   *
   * @param {Look} look
   * @param {Compared} compared
   * @param {number} other its index there
   * @param {boolean} active
   */
  setOther(look, compared, other, active) {
    const { side, hovered } = compared;
    const [number, , score] = this.#cells;
    setText(number, "");
    if (side.header.kind === "truth") setText(score, "");
    const words = outcomeName(side.header, MATCH.missed);
    setText(this.#match, words);
    setAttribute(this.#match, "title", words);
    setAttribute(this.element, "aria-selected", "false");
    this.element.classList.add("sgw-other");
    this.element.classList.toggle("sgw-hovered", hovered === other);
    this.element.classList.toggle("sgw-active", active);
    this.element.classList.remove("sgw-off");
    setColor(this.#dot, instanceColor(side.header, other, look.colorBy));
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
