// What the instances are compared with: which side, the matches of this moment, and how both are
// shown: together, one beside the other, or in turns.

import { maskHas } from "./masks.js";
import { MATCH, matchInstances, othersThatCount } from "./matching.js";
import { shownInstances } from "./tidy.js";

/** @import {Actions} from "./actions.js" */
/** @import {Compared, ComparisonMode, OtherScene, Scene} from "./types.js" */
/** @import {Sync} from "./sync.js" */

const BLINK_MS = 900;

export class Comparison {
  /** @type {Sync} */
  #sync;
  /** @type {Actions} */
  #actions;
  /** How both sides are shown. @type {ComparisonMode} */
  #mode = "both";
  /** The share of the stage that shows the prediction, while both stand side by side. */
  #edge = 0.5;
  /** The one outcome that the table lists, one of `MATCH`; null: all. @type {number | null} */
  #only = null;
  /** The hovered instance of the other side. @type {number | null} */
  #hovered = null;
  /** The matches that were found last, with all that they depend on. @type {{scene: Scene, key: string, found: Compared} | null} */
  #known = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #clock;

  /**
   * @param {Sync} sync
   * @param {Actions} actions
   */
  constructor(sync, actions) {
    this.#sync = sync;
    this.#actions = actions;
  }

  /**
   * The other side with the matches of what is shown; null where there is none.
   *
   * @returns {Compared | null}
   */
  current() {
    const { scene } = this.#actions;
    const side = scene && sideOf(scene, this.#sync.get("compare_with"));
    if (!scene || !side) return null;
    // What was hovered is in another image.
    if (this.#known && this.#known.scene.others !== scene.others) this.#hovered = null;
    const filter = this.#sync.filter();
    const iou = this.#sync.get("iou_threshold");
    const key = JSON.stringify([side.header.kind, iou, filter]);
    if (this.#known?.scene !== scene || this.#known.key !== key) {
      const counting = othersThatCount(side.header, filter);
      // What tidying up hides takes no part; the overlaps are those of the model's masks, even where
      // it changes masks.
      const shown = shownInstances(scene, filter);
      const matched = matchInstances(scene.header, side.header, shown, counting, iou);
      const found = { side, matched, counting, ...this.#state() };
      this.#known = { scene, key, found };
    }
    Object.assign(this.#known.found, this.#state());
    return this.#known.found;
  }

  #state() {
    return { mode: this.#mode, edge: this.#edge, only: this.#only, hovered: this.#hovered };
  }

  destroy() {
    clearInterval(this.#clock);
  }

  /** @param {number} iou */
  setIou(iou) {
    this.#sync.writeSoon({ iou_threshold: iou });
  }

  /** @param {string} kind */
  choose(kind) {
    this.#hovered = null;
    this.#sync.write({ compare_with: kind });
  }

  /** @param {number | null} state the one outcome to list; the same again: all */
  listOnly(state) {
    this.#only = this.#only === state ? null : state;
    this.#actions.schedule();
  }

  /** @param {ComparisonMode} mode */
  show(mode) {
    clearInterval(this.#clock);
    this.#clock = undefined;
    this.#mode = mode;
    this.#actions.schedule();
  }

  /** Shows one side alone; again: the other one. */
  flip() {
    this.show(this.#mode === "found" ? "other" : "found");
  }

  get blinks() {
    return this.#clock !== undefined;
  }

  /** Shows both sides in turns; again: both at once. */
  blink() {
    if (this.blinks) {
      this.show("both");
      return;
    }
    this.show("other");
    this.#clock = setInterval(() => {
      this.#mode = this.#mode === "found" ? "other" : "found";
      this.#actions.schedule();
    }, BLINK_MS);
  }

  /** @param {number} edge 0 to 1 */
  setEdge(edge) {
    this.#edge = Math.min(1, Math.max(0, edge));
    this.#actions.schedule();
  }

  /** @param {number | null} index of the other side */
  hover(index) {
    if (this.#hovered === index) return;
    this.#hovered = index;
    this.#actions.schedule();
  }

  /**
   * The instance of the other side that is drawn at a pixel of the image: the smallest.
   *
   * @param {number} column
   * @param {number} row
   */
  otherAt(column, row) {
    const compared = this.current();
    if (!compared || compared.mode === "found") return null;
    const { side, matched, counting } = compared;
    const drawn = new Set(counting);
    for (let at = side.order.length - 1; at >= 0; at--) {
      const index = side.order[at];
      const isMiss = matched.ofOther[index] === MATCH.missed;
      if (!drawn.has(index) || (compared.mode === "both" && !isMiss)) continue;
      if (maskHas(side.masks[index], column, row)) return index;
    }
    return null;
  }

  /**
   * Whether the stage shows the other side alone at a place.
   *
   * @param {number} share of the stage's width
   */
  showsOther(share) {
    if (this.#mode === "swipe") return share > this.#edge && this.current() !== null;
    return this.#mode === "other" && this.current() !== null;
  }

  /**
   * The next fault: what is wrong with a detection, by score, then what was missed, by size.
   *
   * @param {number} by 1 or -1
   * @returns {{found: number, other: null} | {found: null, other: number} | null}
   */
  nextFault(by) {
    const { scene } = this.#actions;
    const compared = this.current();
    if (!scene || !compared) return null;
    const { matched, side } = compared;
    const { scores } = scene.header;
    const { areas } = side.header;
    const wrong = indicesOf(matched.ofFound, [MATCH.falseAlarm, MATCH.wrongClass]);
    wrong.sort((a, b) => scores[b] - scores[a] || a - b);
    const missed = indicesOf(matched.ofOther, [MATCH.missed]);
    missed.sort((a, b) => areas[b] - areas[a] || a - b);
    /** @type {({found: number, other: null} | {found: null, other: number})[]} */
    const all = [
      ...wrong.map((found) => /** @type {const} */ ({ found, other: null })),
      ...missed.map((other) => /** @type {const} */ ({ found: null, other })),
    ];
    if (!all.length) return null;
    const hovered = this.#sync.get("hovered");
    const at = all.findIndex(({ found, other }) =>
      this.#hovered === null ? found !== null && found === hovered : other === this.#hovered,
    );
    const to = at < 0 && by < 0 ? all.length - 1 : at + by;
    return all[(to + all.length) % all.length];
  }
}

/**
 * @param {Scene} scene
 * @param {string} kind
 * @returns {OtherScene | undefined}
 */
function sideOf(scene, kind) {
  return scene.others.find(({ header }) => header.kind === kind) ?? scene.others[0];
}

/**
 * @param {Int32Array} states
 * @param {number[]} wanted
 */
function indicesOf(states, wanted) {
  /** @type {number[]} */
  const found = [];
  states.forEach((state, index) => {
    if (wanted.includes(state)) found.push(index);
  });
  return found;
}
