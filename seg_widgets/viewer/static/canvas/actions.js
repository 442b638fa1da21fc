// What a person can do with the scene; pointer, keys, legend, table and menus all come here.

import {
  hideInstance,
  isolateClass,
  isolateInstance,
  selectionAfter,
  toggled,
} from "./commands.js";
import { shownInstances } from "./tidy.js";

/** @import {Scene} from "./types.js" */
/** @import {Hover} from "./hover.js" */
/** @import {Sync} from "./sync.js" */

export class Actions {
  /** What is shown, or null before the first image. @type {Scene | null} */
  #scene = null;
  /** @type {Sync} */
  #sync;
  /** @type {Hover} */
  #hover;
  /** What was hidden before an instance was shown alone. @type {number[] | null} */
  #previousHidden = null;
  /** The image alone: while Space is held, or since its button was pressed. */
  #masksOff = { held: false, on: false };
  /** Draws in the next frame. @type {() => void} */
  schedule;

  /**
   * @param {Sync} sync
   * @param {Hover} hover
   * @param {() => void} schedule draws in the next frame
   */
  constructor(sync, hover, schedule) {
    this.#sync = sync;
    this.#hover = hover;
    this.schedule = schedule;
  }

  get scene() {
    return this.#scene;
  }

  set scene(scene) {
    this.#scene = scene;
    if (scene) this.#previousHidden = null;
  }

  /**
   * The same scene with other masks.
   *
   * @param {Scene} scene
   */
  reshape(scene) {
    this.#scene = scene;
  }

  /** The indices that are shown. */
  shown() {
    return this.#scene ? shownInstances(this.#scene, this.#sync.filter()) : [];
  }

  /** Whether the image shows alone. */
  get hideMasks() {
    return this.#masksOff.held || this.#masksOff.on;
  }

  toggleMasks() {
    this.#setMasksOff({ on: !this.#masksOff.on });
  }

  /** @param {boolean} held */
  holdMasks(held) {
    this.#setMasksOff({ held });
  }

  /**
   * @param {number | null} index null: beside all instances
   * @param {boolean} add one more, or one less
   */
  select(index, add) {
    const selected = selectionAfter(this.#sync.get("selected"), index, add);
    if (selected) this.#sync.write({ selected });
  }

  clearSelection() {
    this.#hover.set(null);
    this.#sync.write({ selected: [] });
  }

  /** @param {number} index */
  hideInstance(index) {
    this.#hover.set(null);
    const { hiddenInstances } = this.#sync.filter();
    this.#sync.write(hideInstance(hiddenInstances, this.#sync.get("selected"), index));
  }

  /** @param {number} index */
  toggleInstance(index) {
    const { hiddenInstances } = this.#sync.filter();
    if (!hiddenInstances.includes(index)) this.hideInstance(index);
    else this.#sync.write({ hidden_instances: toggled(hiddenInstances, index) });
  }

  /**
   * Shows one instance alone; a second time, all that were shown before.
   *
   * @param {number} index
   */
  isolateInstance(index) {
    if (!this.#scene) return;
    const count = this.#scene.header.scores.length;
    const { hiddenInstances } = this.#sync.filter();
    const next = isolateInstance(count, hiddenInstances, this.#previousHidden, index);
    this.#previousHidden = next.previousHidden;
    this.#sync.write(next.changes);
  }

  showAllInstances() {
    this.#sync.write({ hidden_instances: [] });
  }

  /** @param {string} name */
  toggleClass(name) {
    this.#sync.write({ hidden_classes: toggled(this.#sync.filter().hiddenClasses, name) });
  }

  /**
   * Shows one class alone; a second time, all of them.
   *
   * @param {string} name
   */
  isolateClass(name) {
    if (!this.#scene) return;
    const names = this.#scene.header.classes.map((known) => known.name);
    const { hiddenClasses } = this.#sync.filter();
    this.#sync.write({ hidden_classes: isolateClass(names, hiddenClasses, name) });
  }

  /** @param {{held?: boolean, on?: boolean}} change */
  #setMasksOff(change) {
    const [before, next] = [this.#masksOff, { ...this.#masksOff, ...change }];
    if (next.held === before.held && next.on === before.on) return;
    this.#masksOff = next;
    this.schedule();
  }
}
