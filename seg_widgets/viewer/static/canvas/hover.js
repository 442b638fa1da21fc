// Which instance is hovered: by the pointer on the image, in the table, or by keys.

/** @import {Location} from "./types.js" */
/** @import {Sync} from "./sync.js" */

export class Hover {
  /** @type {Sync} */
  #sync;
  /** Where the pointer was when the keys took over; null: not known yet. @type {{x: number, y: number} | null} */
  #stalePlace = null;
  /** Whether the keys chose what is hovered; the pointer must move before it counts again. */
  #byKeys = false;
  /** The pointer on the image, beside which the tip stands; null: there is none. @type {Location | null} */
  location = null;

  /** @param {Sync} sync */
  constructor(sync) {
    this.#sync = sync;
  }

  /** @param {number | null} index */
  set(index) {
    if (this.#sync.get("hovered") !== index) this.#sync.writeSoon({ hovered: index });
  }

  /**
   * The pointer is on the image.
   *
   * @param {Location} location
   * @param {number | null} index
   */
  setAt(location, index) {
    this.location = location;
    this.set(index);
  }

  /**
   * Hovers an instance from outside the image, where there is no pointer for a tip.
   *
   * @param {number | null} index
   */
  setFromOutside(index) {
    this.location = null;
    this.set(index);
  }

  /**
   * Hovers by keys: it stays until the pointer moves.
   *
   * @param {number | null} index
   */
  setByKey(index) {
    this.#byKeys = true;
    this.#stalePlace = null;
    this.setFromOutside(index);
  }

  /** The pointer has left. Returns whether that counts. */
  leave() {
    if (this.#byKeys) return false;
    this.setFromOutside(null);
    return true;
  }

  /**
   * Whether the pointer has not moved since the keys took over. When the page scrolls below a
   * pointer at rest, browsers report that as a pointer that moves.
   *
   * @param {{clientX: number, clientY: number}} event
   */
  isPointerStale({ clientX: x, clientY: y }) {
    if (!this.#byKeys) return false;
    const before = this.#stalePlace;
    if (before && (before.x !== x || before.y !== y)) this.#byKeys = false;
    else this.#stalePlace = { x, y };
    return this.#byKeys;
  }
}
