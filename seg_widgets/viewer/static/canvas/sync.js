// The traits that the browser and the kernel share, and which side wins when both change one.
//
// - The browser changes a trait at once in its own model, so that the page never waits.
// - The kernel hears of it at once (`write`) or when the hand rests (`writeSoon`).
// - Until then the browser's value stands: the kernel's echo of an older value is put right again.
// - After the save the kernel's word counts, whatever it says.
// - A new image ends what was pending for the last one: then the kernel's values stand.

import { STYLE_TRAITS } from "./layers.js";

/** @import {Changes, Filter, Model} from "./types.js" */
/** @import {StyleValues} from "./layers.js" */

const SAVE_DELAY_MS = 80;

/** The traits that decide which instances are shown, with their names in `Filter`. */
const FILTER_TRAITS = {
  threshold: "threshold",
  classThresholds: "class_thresholds",
  hiddenClasses: "hidden_classes",
  hiddenInstances: "hidden_instances",
  tidy: "tidy",
};

/** The traits that decide what is drawn, separated by spaces. */
export const DRAWN = [
  ...Object.values(FILTER_TRAITS),
  ...Object.values(STYLE_TRAITS),
  "selected",
  "hovered",
  "iou_threshold",
  "compare_with",
].join(" ");

export class Sync {
  /** @type {Model} */
  #model;
  /** What the page shows and the kernel has not been sent yet. @type {Changes} */
  #unsaved = {};
  /** The content message that `#unsaved` is about. @type {DataView | null} */
  #content = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {(() => void)[]} */
  #stops = [];

  /** @param {Model} model */
  constructor(model) {
    this.#model = model;
    // Registered first: the other listeners draw what it leaves.
    this.on(`${DRAWN} zoom pan`, () => this.#keepUnsaved());
  }

  /** The content that is shown or being decoded. */
  get content() {
    return this.#content;
  }

  /**
   * @param {string} name
   * @returns {any}
   */
  get(name) {
    return this.#model.get(name);
  }

  /** @returns {Required<Filter>} */
  filter() {
    return /** @type {any} */ (this.#values(FILTER_TRAITS));
  }

  /** How instances are drawn. @returns {StyleValues} */
  style() {
    return /** @type {any} */ (this.#values(STYLE_TRAITS));
  }

  /** @param {Record<string, string>} traits by the names that their values get */
  #values(traits) {
    return Object.fromEntries(
      Object.entries(traits).map(([name, trait]) => [name, this.get(trait)]),
    );
  }

  /**
   * Calls `callback` when one of the traits changes, on whichever side.
   *
   * @param {string} names separated by spaces
   * @param {() => void} callback
   */
  on(names, callback) {
    for (const name of names.split(" ")) {
      this.#model.on(`change:${name}`, callback);
      this.#stops.push(() => this.#model.off(`change:${name}`, callback));
    }
  }

  /**
   * Changes traits here and in the kernel.
   *
   * @param {Changes} changes
   */
  write(changes) {
    this.#change(changes);
    this.save();
  }

  /**
   * Changes traits here at once, and in the kernel when the hand rests.
   *
   * @param {Changes} changes
   */
  writeSoon(changes) {
    this.#change(changes);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.save(), SAVE_DELAY_MS);
  }

  /** Sends what is pending. */
  save() {
    clearTimeout(this.#timer);
    this.#unsaved = {};
    this.#model.save_changes();
  }

  /** Takes the kernel's content and lets its other values stand. Returns the content. */
  takeContent() {
    this.#content = this.get("content");
    this.#unsaved = {};
    return this.#content;
  }

  destroy() {
    clearTimeout(this.#timer);
    for (const stop of this.#stops) stop();
  }

  /** @param {Changes} changes */
  #change(changes) {
    Object.assign(this.#unsaved, changes);
    for (const [name, value] of Object.entries(changes)) this.#model.set(name, value);
  }

  /** The kernel echoes what it was sent; that must not undo what the hand has done since. */
  #keepUnsaved() {
    // Another image has come: the pending changes were about the last one.
    if (this.get("content") !== this.#content) return;
    for (const [name, value] of Object.entries(this.#unsaved)) {
      if (this.get(name) !== value) this.#model.set(name, value);
    }
  }
}
