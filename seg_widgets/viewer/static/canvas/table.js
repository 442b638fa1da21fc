// The list of instances that meet their threshold: sortable, linked with the image.

import { make, setAttribute } from "../shared/dom.js";
import { keyOf } from "./dom.js";
import { sortInstances } from "./instances.js";
import { matchedRows } from "./match_rows.js";
import { ROW_HEIGHT } from "./row.js";
import { Rows } from "./rows.js";
import { TableHead } from "./table_head.js";
import { listedInstances } from "./tidy.js";

/** @import {Actions} from "./actions.js" */
/** @import {Filter, Header, Look, SortKey} from "./types.js" */
/** @import {Comparison} from "./comparison.js" */
/** @import {Hover} from "./hover.js" */
/** @import {Row} from "./row.js" */
/** @import {Sync} from "./sync.js" */

export class Table {
  /** @type {HTMLElement} */
  element;
  /** @type {Sync} */
  #sync;
  /** @type {Actions} */
  #actions;
  /** @type {Hover} */
  #hover;
  /** @type {Header | null} */
  #header = null;
  /** @type {SortKey} */
  #by = "score";
  #descending = true;
  /** All indices, sorted. @type {number[]} */
  #ranked = [];
  /** The index of the row that the keys are on. @type {number | null} */
  #active = null;
  /** @type {Required<Filter> | null} */
  #filter = null;
  /** @type {Look | null} */
  #look = null;
  /** Indices hidden one by one. @type {Set<number>} */
  #hidden = new Set();
  /** Indices that are selected and shown. @type {Set<number>} */
  #selected = new Set();
  /** The selection when a row was last brought into sight. @type {string | undefined} */
  #revealed;
  /** @type {TableHead} */
  #head;
  /** @type {Rows} */
  #rows;
  /** @type {Comparison} */
  #comparison;
  /** Begins the ids of the rows. */
  #name = `sgw-${Math.random().toString(36).slice(2)}`;

  /**
   * @param {Sync} sync
   * @param {Actions} actions
   * @param {Hover} hover
   * @param {Comparison} comparison
   */
  constructor(sync, actions, hover, comparison) {
    this.#comparison = comparison;
    this.#sync = sync;
    this.#actions = actions;
    this.#hover = hover;
    this.#head = new TableHead((by) => this.#sort(by));
    const show = (/** @type {Row} */ row, /** @type {number} */ index) => this.#show(row, index);
    this.#rows = new Rows(this.#head.element, this.#name, show, () => this.#refresh());
    const labels = { "aria-label": "Instances", "aria-multiselectable": "true" };
    const settings = { role: "grid", tabindex: "0", ...labels };
    this.element = make("div", "sgw-table", settings, this.#rows.element);
    this.element.style.setProperty("--sgw-row-height", `${ROW_HEIGHT}px`);
    this.#listen();
  }

  /** @param {Header} header */
  build(header) {
    this.#active = null;
    this.#rows.toTop();
    this.rebuild(header);
  }

  /**
   * The same instances with other masks.
   *
   * @param {Header} header
   */
  rebuild(header) {
    this.#header = header;
    this.#rank();
  }

  /**
   * @param {Required<Filter>} filter
   * @param {Look} look
   */
  update(filter, look) {
    this.#filter = filter;
    this.#look = look;
    this.#refresh();
  }

  /**
   * Puts the keys on an instance and scrolls its row into sight.
   *
   * @param {number} index
   */
  activate(index) {
    this.#active = index;
    this.#rows.reveal(index);
  }

  destroy() {
    this.#rows.destroy();
  }

  #listen() {
    const rows = this.#rows.spacer;
    rows.addEventListener("pointermove", (event) => this.#point(event));
    rows.addEventListener("pointerleave", () => {
      if (!this.#hover.leave()) return;
      this.#comparison.hover(null);
      this.#actions.schedule();
    });
    rows.addEventListener("click", (event) => this.#click(event));
    rows.addEventListener("dblclick", (event) => this.#doubleClick(event));
    this.element.addEventListener("keydown", (event) => this.#key(event));
  }

  /** @param {SortKey} by */
  #sort(by) {
    const startsDescending = by === "score" || by === "area";
    this.#descending = this.#by === by ? !this.#descending : startsDescending;
    this.#by = by;
    this.#rank();
    this.#actions.schedule();
  }

  #rank() {
    if (!this.#header) return;
    const all = this.#header.scores.map((_, index) => index);
    this.#ranked = sortInstances(this.#header, all, this.#by, this.#descending);
    this.#head.mark(this.#by, this.#descending);
  }

  #refresh() {
    const [header, filter, look] = [this.#header, this.#filter, this.#look];
    if (!this.#rows.visible || !header || !filter || !look) return;
    const listed = new Set(listedInstances(header, filter, look.shown));
    const ranked = this.#ranked.filter((index) => listed.has(index));
    const { compared } = look;
    this.element.classList.toggle("sgw-matching", compared !== null);
    setAttribute(this.element, "aria-colcount", compared ? "6" : "5");
    const order = this.#by === "match" ? this.#descending : null;
    this.#rows.set(compared ? matchedRows(header, compared, ranked, order) : ranked);
    this.#hidden = new Set(filter.hiddenInstances);
    this.#selected = new Set(look.selected);
    setAttribute(this.element, "aria-rowcount", String(this.#rows.indices.length + 1));

    const selection = this.#sync.get("selected").join();
    if (selection !== this.#revealed) {
      this.#revealed = selection;
      if (look.selected.length === 1) this.#rows.reveal(look.selected[0]);
    }
    this.#fill();
  }

  #fill() {
    this.#rows.fill();
    const active = this.#active !== null && this.#rows.indices.includes(this.#active);
    const name = "aria-activedescendant";
    if (active) setAttribute(this.element, name, `${this.#name}-${this.#active}`);
    else this.element.removeAttribute(name);
  }

  /**
   * @param {Row} row
   * @param {number} index
   */
  #show(row, index) {
    if (!this.#header || !this.#look) return;
    const { compared } = this.#look;
    const other = index - this.#header.scores.length;
    if (other >= 0 && compared) {
      row.setInstance(compared.side.header, index, other);
      row.setOther(this.#look, compared, other, this.#active === index);
      return;
    }
    row.setInstance(this.#header, index, index);
    row.setMatch(compared, index);
    const [selected, hidden] = [this.#selected.has(index), this.#hidden.has(index)];
    row.setState(this.#look, { selected, hidden, active: this.#active === index });
  }

  /** @param {PointerEvent} event */
  #point(event) {
    if (this.#hover.isPointerStale(event)) return;
    const index = indexOf(event);
    const other = this.#otherOf(index);
    this.#comparison.hover(other);
    if (other !== null) {
      this.#hover.setFromOutside(null);
      return;
    }
    // What is hidden one by one can't be hovered in the image.
    this.#hover.setFromOutside(index !== null && this.#hidden.has(index) ? null : index);
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const index = indexOf(event);
    if (index === null) return;
    this.#active = index;
    if (this.#otherOf(index) !== null) return;
    const add = event.shiftKey || event.ctrlKey || event.metaKey;
    if (isOnEye(event)) this.#actions.toggleInstance(index);
    else this.#actions.select(index, add);
  }

  /** @param {MouseEvent} event */
  #doubleClick(event) {
    const index = indexOf(event);
    if (index !== null && this.#otherOf(index) === null && !isOnEye(event))
      this.#actions.isolateInstance(index);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const indices = this.#rows.indices;
    if (event.target !== this.element || !indices.length) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = keyOf(event);
    const last = indices.length - 1;
    const at = this.#active === null ? -1 : indices.indexOf(this.#active);
    const to = rowMoves(at, last, this.#rows.page)[key];
    const current = at < 0 || this.#otherOf(this.#active) !== null ? null : this.#active;
    const action = keyActions(this.#actions, current, event.shiftKey)[key];
    if (to !== undefined) this.#moveTo(indices[Math.max(0, Math.min(last, to))]);
    else if (action) action();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /**
   * The instance of the other side that a row stands for, or null.
   *
   * @param {number | null} index
   */
  #otherOf(index) {
    const count = this.#header?.scores.length ?? 0;
    return index !== null && index >= count ? index - count : null;
  }

  /** @param {number} index */
  #moveTo(index) {
    this.#active = index;
    const other = this.#otherOf(index);
    this.#comparison.hover(other);
    this.#hover.setByKey(other !== null || this.#hidden.has(index) ? null : index);
    this.#rows.reveal(index);
    this.#fill();
  }
}

/**
 * The index of the row below the pointer.
 *
 * @param {Event} event
 */
function indexOf(event) {
  /** @type {HTMLElement | null} */
  const row = /** @type {Element} */ (event.target).closest(".sgw-row");
  return row ? Number(row.dataset.index) : null;
}

/** @param {Event} event */
function isOnEye(event) {
  return Boolean(/** @type {Element} */ (event.target).closest(".sgw-eye"));
}

/**
 * Where the keys lead from the row `at`.
 *
 * @param {number} at -1: none
 * @param {number} last
 * @param {number} page rows of a page
 * @returns {Record<string, number>}
 */
function rowMoves(at, last, page) {
  return {
    ArrowDown: at + 1,
    ArrowUp: at < 0 ? last : at - 1,
    PageDown: at + page,
    PageUp: at - page,
    Home: 0,
    End: last,
  };
}

/**
 * What keys do with the active row.
 *
 * @param {Actions} actions
 * @param {number | null} index null: there is none, or it is not the prediction's
 * @param {boolean} shift
 * @returns {Record<string, () => void>}
 */
function keyActions(actions, index, shift) {
  const always = { Escape: () => actions.clearSelection() };
  if (index === null) return always;
  return {
    ...always,
    Enter: () => actions.select(index, shift),
    " ": () => actions.select(index, shift),
    h: () => actions.toggleInstance(index),
    s: () => actions.isolateInstance(index),
  };
}
