// The layers of all shown instances as one. With many instances a step of the threshold draws only
// where something changes, and a hovered one lies on the dimmed whole: both then cost as much as the
// change, not as much as the scene.

import { contextOf, makeCanvas } from "./dom.js";

/** @import {LineStyle, Scene} from "./types.js" */
/** @import {Lines} from "./stack.js" */

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
 * @property {(context: CanvasRenderingContext2D, index: number, line: LineStyle | null) => void} draw
 * @property {(index: number, line: LineStyle | null) => Place | null} placeOf null: it has no pixel
 */

export class Composite {
  /** @type {HTMLCanvasElement | null} */
  #canvas = null;
  /** What it was drawn for, beside the instances. */
  #key = "";
  /** @type {Scene | null} */
  #scene = null;
  /** What it shows. @type {Lines} */
  #shown = new Map();

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
   * @param {Lines} shown
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
      for (const index of scene.order) {
        const line = shown.get(index);
        if (line !== undefined) drawing.draw(context, index, line);
      }
    }
    this.#canvas = canvas;
    this.#key = key;
    this.#scene = scene;
    this.#shown = shown;
    return canvas;
  }
}

/**
 * What only one of them has, and what both have with different lines; with its line of the other
 * one, where it has any.
 *
 * @param {Lines} one
 * @param {Lines} other
 */
function* changedOf(one, other) {
  for (const [index, line] of one) if (!other.has(index)) yield/** @type {const} */ ([index, line]);
  for (const [index, line] of other) {
    if (one.get(index) !== line) yield/** @type {const} */ ([index, line]);
  }
}

/**
 * Draws anew what lies below and above the instances that come or go, each in its rectangle.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {(readonly [number, LineStyle | null])[]} changed
 * @param {Lines} shown
 * @param {Drawing} drawing
 */
function drawChanges(context, scene, changed, shown, { draw, placeOf }) {
  if (!changed.length) return;
  /** In the order of drawing. @type {[number, LineStyle | null, Place][]} */
  const placed = [];
  for (const index of scene.order) {
    const line = shown.get(index);
    const place = line === undefined ? null : placeOf(index, line);
    if (place && line !== undefined) placed.push([index, line, place]);
  }
  for (const [index, line] of changed) {
    const place = placeOf(index, line);
    if (!place) continue;
    const { left, top, right, bottom } = place;
    context.save();
    context.beginPath();
    context.rect(left, top, right - left, bottom - top);
    context.clip();
    context.clearRect(left, top, right - left, bottom - top);
    for (const [other, itsLine, at] of placed) {
      const apart = at.left >= right || at.right <= left || at.top >= bottom || at.bottom <= top;
      if (!apart) draw(context, other, itsLine);
    }
    context.restore();
  }
}
