// The layers of all shown instances as one. With many instances a step of the threshold draws only
// where something changes, and a hovered one lies on the dimmed whole: both then cost as much as the
// change, not as much as the scene.

import { contextOf, makeCanvas } from "./dom.js";

/** @import {Scene} from "./types.js" */

/** So many shown instances are worth it; below, each is drawn anew. */
export const MANY = 300;
/** The share of the shown instances from which on drawing all of them anew is quicker. */
const MOST_CHANGED = 0.06;

/**
 * Where a layer lies, in whole screen pixels.
 *
 * @typedef {{left: number, top: number, right: number, bottom: number}} Place
 */

/**
 * How the layers are drawn.
 *
 * @typedef {object} Drawing
 * @property {(context: CanvasRenderingContext2D, index: number) => void} draw
 * @property {(index: number) => Place | null} placeOf null: it has no pixel
 */

export class Composite {
  /** @type {HTMLCanvasElement | null} */
  #canvas = null;
  /** What it was drawn for, beside the instances. */
  #key = "";
  /** @type {Scene | null} */
  #scene = null;
  /** What it shows. @type {Set<number>} */
  #shown = new Set();

  forget() {
    this.#canvas = null;
    this.#scene = null;
  }

  /**
   * The canvas with all shown instances.
   *
   * @param {Scene} scene
   * @param {{width: number, height: number}} size screen pixels
   * @param {string} key all else that decides how a layer looks and where it lies
   * @param {Set<number>} shown
   * @param {Drawing} drawing
   */
  update(scene, { width, height }, key, shown, drawing) {
    const before = this.#canvas;
    const fits = before?.width === width && before.height === height;
    const isSame = fits && this.#scene === scene && this.#key === key;
    const changed = isSame ? [...changedOf(this.#shown, shown)] : [];
    const canvas = before && fits ? before : makeCanvas(width, height);
    const context = contextOf(canvas);
    if (isSame && changed.length <= MOST_CHANGED * shown.size) {
      drawChanges(context, scene, changed, shown, drawing);
    } else {
      context.clearRect(0, 0, width, height);
      for (const index of scene.order) if (shown.has(index)) drawing.draw(context, index);
    }
    this.#canvas = canvas;
    this.#key = key;
    this.#scene = scene;
    this.#shown = shown;
    return canvas;
  }
}

/**
 * What one of them has, and the other has not.
 *
 * @param {Set<number>} one
 * @param {Set<number>} other
 */
function* changedOf(one, other) {
  for (const index of one) if (!other.has(index)) yield index;
  for (const index of other) if (!one.has(index)) yield index;
}

/**
 * Draws anew what lies below and above the instances that come or go, each in its rectangle.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {number[]} changed
 * @param {Set<number>} shown
 * @param {Drawing} drawing
 */
function drawChanges(context, scene, changed, shown, { draw, placeOf }) {
  if (!changed.length) return;
  /** In the order of drawing. @type {[number, Place][]} */
  const placed = [];
  for (const index of scene.order) {
    const place = shown.has(index) ? placeOf(index) : null;
    if (place) placed.push([index, place]);
  }
  for (const index of changed) {
    const place = placeOf(index);
    if (!place) continue;
    const { left, top, right, bottom } = place;
    context.save();
    context.beginPath();
    context.rect(left, top, right - left, bottom - top);
    context.clip();
    context.clearRect(left, top, right - left, bottom - top);
    for (const [other, at] of placed) {
      const apart = at.left >= right || at.right <= left || at.top >= bottom || at.bottom <= top;
      if (!apart) draw(context, other);
    }
    context.restore();
  }
}
