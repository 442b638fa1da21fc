// The side: summary, classes, instances, what is selected, and the buttons of the menus.

import { make, setText } from "../shared/dom.js";
import { wordButton } from "./dom.js";
import { describeInstance } from "./instances.js";

/** @import {Actions} from "./actions.js" */
/** @import {Menus} from "./menus.js" */
/** @import {Header} from "./types.js" */

export class Side {
  /** @type {HTMLElement} */
  element;
  /** @type {HTMLButtonElement} */
  exportButton;
  #summary = make("p", "sgw-summary");
  #details = make("div", "sgw-details", { hidden: "" });
  /** @type {HTMLButtonElement} */
  #unhide;

  /**
   * @param {HTMLElement} legend
   * @param {HTMLElement} table
   * @param {Menus} menus
   * @param {Actions} actions
   */
  constructor(legend, table, menus, actions) {
    const menu = { "aria-haspopup": "true", "aria-expanded": "false" };
    const openStyle = { ...menu, onclick: () => menus.openStyle(style) };
    const openExports = { ...menu, onclick: () => menus.openExports(this.exportButton) };
    const style = wordButton("sgw-toggle", "View", openStyle, true);
    this.exportButton = wordButton("sgw-toggle sgw-export", "Export", openExports, true);
    this.#unhide = wordButton("sgw-link", "", { onclick: () => actions.showAllInstances() });
    const tools = make("div", "sgw-tools", {}, style, this.exportButton);
    const parts = [this.#summary, legend, this.#unhide, table, this.#details, tools];
    this.element = make("div", "sgw-side", {}, ...parts);
  }

  /**
   * @param {Header} header
   * @param {string} summary
   * @param {number} hiddenCount instances hidden one by one
   * @param {number[]} selected
   */
  update(header, summary, hiddenCount, selected) {
    setText(this.#summary, summary);
    this.#unhide.hidden = !hiddenCount;
    setText(this.#unhide, `Show ${hiddenCount} hidden one by one`);
    this.#details.hidden = selected.length !== 1;
    if (selected.length !== 1) return;

    const { name, score, area, box } = describeInstance(header, selected[0]);
    const facts = { Selected: `${name} ${score}`, Area: area, Box: box };
    const cells = Object.entries(facts).flatMap(([term, text]) => [
      make("span", "sgw-term", { text: term }),
      make("span", "", { text }),
    ]);
    this.#details.replaceChildren(...cells);
  }
}
