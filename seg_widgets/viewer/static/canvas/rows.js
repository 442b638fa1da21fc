// The rows of the table, scrolled: only those that are seen are on the page.

import { make } from "../shared/dom.js";
import { ROW_HEIGHT, Row } from "./row.js";

/** Rows that are ready above and below those that are seen. */
const SPARE_ABOVE = 2;
const SPARE_BELOW = 3;

export class Rows {
  /** What scrolls. @type {HTMLElement} */
  element;
  /** As high as all rows together. */
  spacer = make("div", "sgw-spacer", { role: "rowgroup" });
  /** What stands in them, from the top. @type {number[]} */
  #indices = [];
  /** @type {Row[]} */
  #pool = [];
  /** Begins each row's id. @type {string} */
  #name;
  /** Fills a row. @type {(row: Row, index: number) => void} */
  #show;
  // Both are kept: to ask for them between two changes would lay out the whole page each time.
  #height = 0;
  #scrollTop = 0;
  /** @type {ResizeObserver} */
  #sizes;

  /**
   * @param {HTMLElement} head stays in sight
   * @param {string} name
   * @param {(row: Row, index: number) => void} show fills a row with the instance `index`
   * @param {() => void} onresize
   */
  constructor(head, name, show, onresize) {
    this.#name = name;
    this.#show = show;
    const top = make("div", "sgw-top", { role: "rowgroup" }, head);
    this.element = make("div", "sgw-rows", { role: "presentation" }, top, this.spacer);
    const scrolled = () => {
      this.#scrollTop = this.element.scrollTop;
      this.fill();
    };
    this.element.addEventListener("scroll", scrolled, { passive: true });
    this.#sizes = new ResizeObserver(() => {
      this.#height = this.element.clientHeight;
      onresize();
    });
    this.#sizes.observe(this.element);
  }

  /** Whether there is room for any row. */
  get visible() {
    return this.#height > 0;
  }

  /** Rows that fit in the table at once, its head and one row less. */
  get page() {
    return Math.max(1, Math.floor(this.element.clientHeight / ROW_HEIGHT) - 2);
  }

  get indices() {
    return this.#indices;
  }

  /** @param {number[]} indices */
  set(indices) {
    if (indices.length !== this.#indices.length || !this.#pool.length) {
      this.spacer.style.height = `${indices.length * ROW_HEIGHT}px`;
    }
    this.#indices = indices;
  }

  toTop() {
    this.element.scrollTop = 0;
  }

  /**
   * Scrolls a row into sight, unless it is there.
   *
   * @param {number} index
   */
  reveal(index) {
    const top = this.#indices.indexOf(index) * ROW_HEIGHT;
    if (top < 0) return;
    const body = this.element;
    const room = body.clientHeight - ROW_HEIGHT; // below the head, which stays
    const bottom = top + ROW_HEIGHT;
    if (top < body.scrollTop) body.scrollTop = top;
    else if (bottom > body.scrollTop + room) body.scrollTop = bottom - room;
  }

  /** Makes and fills the rows that are seen. */
  fill() {
    if (!this.visible) return;
    const first = Math.max(0, Math.floor(this.#scrollTop / ROW_HEIGHT) - SPARE_ABOVE);
    const seen = Math.ceil(this.#height / ROW_HEIGHT) + SPARE_ABOVE + SPARE_BELOW;
    const count = Math.max(0, Math.min(this.#indices.length - first, seen));
    while (this.#pool.length < count) this.#add();
    this.#pool.forEach((row, at) => {
      row.element.hidden = at >= count;
      if (at >= count) return;
      this.#show(row, this.#indices[first + at]);
      row.moveTo(first + at);
    });
  }

  destroy() {
    this.#sizes.disconnect();
  }

  #add() {
    const row = new Row(this.#name);
    this.spacer.append(row.element);
    this.#pool.push(row);
  }
}
