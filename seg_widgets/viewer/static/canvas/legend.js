// The list of classes: chips that hide and show, a search, a menu with a threshold for each class.

import { button, icon, make, setAttribute, setText } from "../shared/dom.js";
import { scoreColor } from "./colors.js";
import { openClassMenu } from "./class_menu.js";
import { moveFocus, setColor, swatch, wordButton } from "./dom.js";
import { fadeEnds } from "./fade.js";
import { classThreshold, countClasses, findClasses } from "./instances.js";
import { thresholdText } from "./threshold_text.js";

/** @import {Actions} from "./actions.js" */
/** @import {MenuParts} from "./class_menu.js" */
/** @import {ClassInfo, Filter, Header} from "./types.js" */
/** @import {Popover} from "./popover.js" */
/** @import {Sync} from "./sync.js" */

/** So many classes in one image are easier to find by name than by eye. */
const MANY_CLASSES = 13;

/**
 * One class's elements.
 *
 * @typedef {object} Chip
 * @property {string} name
 * @property {string} color
 * @property {HTMLElement} element
 * @property {HTMLButtonElement} main
 * @property {HTMLButtonElement} more
 * @property {HTMLElement} dot
 * @property {HTMLElement} count
 * @property {HTMLElement} threshold
 */

export class Legend {
  /** @type {HTMLElement} */
  element;
  /** @type {Sync} */
  #sync;
  /** @type {Actions} */
  #actions;
  /** What a class's menu needs. @type {MenuParts} */
  #menu;
  /** By class id, in the order in which they stand. @type {Map<number, Chip>} */
  #chips = new Map();
  #list = make("div", "sgw-legend", { role: "group", "aria-label": "Classes" });
  #search = make("input", "sgw-search-field", {
    type: "search",
    placeholder: "Find a class",
    "aria-label": "Find a class by a part of its name; Enter shows only those found",
  });
  /** "Only these", or "Show all". @type {HTMLButtonElement} */
  #only;
  #found = make("span", "sgw-count", { role: "status" });
  /** @type {HTMLElement} */
  #finder;
  #hint = make("p", "sgw-hint", { text: "Click hides, double-click shows alone." });
  /** The colours of scores. */
  #scale = make("div", "sgw-scale", { hidden: "" });
  /** Shows that the list goes on. */
  #fade = fadeEnds(this.#list);
  /** The hidden classes that `#only` was last made for. @type {string[]} */
  #offered = [];

  /**
   * @param {Sync} sync
   * @param {Actions} actions
   * @param {Popover} popover
   */
  constructor(sync, actions, popover) {
    this.#sync = sync;
    this.#actions = actions;
    this.#menu = { sync, actions, popover };
    this.#only = wordButton("sgw-link", "Only these", { onclick: () => this.#showOnlyFound() });
    this.#finder = make("div", "sgw-finder", { hidden: "" }, this.#search, this.#only, this.#found);
    this.#list.addEventListener("keydown", (event) => this.#key(event));
    this.#search.addEventListener("input", () => this.#find());
    this.#search.addEventListener("keydown", (event) => this.#searchKey(event));

    const gradient = make("span", "sgw-gradient");
    const stops = [0, 0.25, 0.5, 0.75, 1].map(scoreColor);
    gradient.style.background = `linear-gradient(to right, ${stops})`;
    this.#scale.append("0", gradient, "1");
    const parts = [this.#finder, this.#list, this.#scale, this.#hint];
    this.element = make("div", "sgw-classes", {}, ...parts);
  }

  /** @param {Header} header */
  build(header) {
    const rows = countClasses(header, []);
    this.#chips = new Map(rows.map((row, at) => [row.id, this.#chip(row, at === 0)]));
    this.#list.replaceChildren(...[...this.#chips.values()].map((chip) => chip.element));
    this.#hint.hidden = rows.length < 2;
    // What was looked for stays for the next image, like the classes that are hidden.
    this.#finder.hidden = rows.length < MANY_CLASSES;
    if (this.#finder.hidden) this.#search.value = "";
    this.#find();
  }

  /**
   * @param {Header} header
   * @param {Required<Filter>} filter
   * @param {number[]} shown
   * @param {string} colorBy
   */
  update(header, filter, shown, colorBy) {
    const names = new Set(filter.hiddenClasses);
    for (const row of countClasses(header, shown)) {
      const chip = this.#chips.get(row.id);
      if (!chip) continue;
      const hidden = names.has(row.name);
      const threshold = classThreshold(filter.classThresholds, row.name);
      setText(chip.count, `${row.shown} / ${row.total}`);
      setAttribute(chip.main, "aria-pressed", String(!hidden));
      chip.element.classList.toggle("sgw-off", hidden);
      chip.element.classList.toggle("sgw-none", !hidden && !row.shown);
      setColor(chip.dot, colorBy === "class" ? row.color : "");
      chip.threshold.hidden = threshold === undefined;
      setText(chip.threshold, threshold === undefined ? "" : `≥ ${thresholdText(threshold)}`);
    }
    this.#scale.hidden = colorBy !== "score";
    // Not for each step of the slider, which hides no class.
    const changed = this.#offered !== filter.hiddenClasses;
    if (!this.#finder.hidden && changed) this.#offer(filter.hiddenClasses);
  }

  /** The chips whose names have what was typed. */
  #matches() {
    return findClasses([...this.#chips.values()], this.#search.value);
  }

  #find() {
    const found = new Set(this.#matches());
    const [first] = found;
    for (const chip of this.#chips.values()) {
      chip.element.hidden = !found.has(chip);
      chip.main.tabIndex = chip === first ? 0 : -1;
    }
    const searching = this.#search.value.trim();
    setText(this.#found, searching ? `${found.size} of ${this.#chips.size}` : "");
    this.#offer(this.#sync.get("hidden_classes"));
    this.#fade.update();
  }

  destroy() {
    this.#fade.destroy();
  }

  /**
   * "Only these" for what was found; "Show all" where only that shows, or other classes are hidden.
   *
   * @param {string[]} hidden
   * @returns {string[]} what the button would hide
   */
  #offer(hidden) {
    this.#offered = hidden;
    const names = this.#matches().map(({ name }) => name);
    const all = [...this.#chips.values()].map(({ name }) => name);
    const others = all.filter((name) => !names.includes(name));
    const othersHidden = others.every((name) => hidden.includes(name));
    const alone = othersHidden && !names.some((name) => hidden.includes(name));
    const some = hidden.some((name) => all.includes(name));
    this.#only.hidden = alone ? !some : !names.length;
    const showsAll = alone || !others.length;
    setText(this.#only, showsAll ? "Show all" : "Only these");
    return showsAll ? [] : others;
  }

  #showOnlyFound() {
    if (!this.#matches().length) return;
    this.#sync.write({ hidden_classes: this.#offer(this.#sync.get("hidden_classes")) });
  }

  /** @param {KeyboardEvent} event */
  #searchKey(event) {
    if (event.key === "Enter") this.#showOnlyFound();
    else if (event.key === "Escape" && this.#search.value) {
      this.#search.value = "";
      this.#find();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /**
   * @param {ClassInfo} known
   * @param {boolean} first
   * @returns {Chip}
   */
  #chip({ name, color }, first) {
    const dot = swatch(color);
    const count = make("span", "sgw-count");
    const threshold = make("span", "sgw-class-threshold", { hidden: "" });
    const main = make(
      "button",
      "sgw-chip-main",
      {
        type: "button",
        tabindex: first ? "0" : "-1",
        title: `${name}: click hides or shows it, double-click shows it alone`,
        onclick: (/** @type {MouseEvent} */ event) => {
          if (event.shiftKey) this.#actions.isolateClass(name);
          else this.#actions.toggleClass(name);
        },
        ondblclick: () => this.#actions.isolateClass(name),
        oncontextmenu: (/** @type {MouseEvent} */ event) => {
          event.preventDefault();
          openClassMenu(this.#menu, chip);
        },
      },
      dot,
      make("span", "sgw-name", { text: name }),
      threshold,
      count,
    );
    const settings = { tabindex: "-1", onclick: () => openClassMenu(this.#menu, chip) };
    const more = button("sgw-more", `Threshold of ${name}, and more`, settings, icon("more"));
    const element = make("div", "sgw-chip", {}, main, more);
    const chip = { name, color, element, main, more, dot, count, threshold };
    return chip;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const chips = [...this.#chips.values()];
    const chip = chips.find(({ main }) => main === document.activeElement);
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (chip && event.key.toLowerCase() === "t" && plain) {
      event.preventDefault();
      event.stopPropagation();
      chip.more.click();
      return;
    }
    const focused = moveFocus(this.#list, event, ".sgw-chip-main");
    if (!focused) return;
    for (const { main } of chips) main.tabIndex = main === focused ? 0 : -1;
  }
}
