// All shown instances as one image. With many instances a step of the threshold draws only where
// something changes, a hovered one lies on the dimmed whole, and a view that moves takes the image
// along: these then cost as much as the change, not as much as the scene.

import { contextOf, makeCanvas } from "./dom.js";

/** @import {LineStyle, Scene, Viewport} from "./types.js" */
/** @import {Lines} from "./stack.js" */
/** @import {Target} from "./stamps.js" */

/** So many shown instances are worth it; below, each is drawn anew. */
export const MANY = 300;
/** The share of the shown instances from which on drawing all of them anew is quicker. */
const MOST_CHANGED = 0.06;
/** The share of the stage's width and height that has to be covered while the view moves. */
const LEAST_COVERED = 0.75;

/**
 * Where a layer lies, in whole screen pixels.
 *
 * @typedef {{left: number, top: number, right: number, bottom: number}} Place
 */

/**
 * How the layers are drawn.
 *
 * @typedef {object} Drawing
 * @property {(context: CanvasRenderingContext2D, index: number, line: LineStyle | null, origin?: {x: number, y: number}) => void} draw
 *   `origin`: the context's corner, in whole screen pixels of the stage
 * @property {(index: number, line: LineStyle | null) => Place | null} placeOf null: it has no pixel
 */

export class Composite {
  /** @type {HTMLCanvasElement | null} */
  #canvas = null;
  /** How the layers looked. */
  #key = "";
  /** @type {Scene | null} */
  #scene = null;
  /** Where the image lay. @type {Viewport} */
  #view = { scale: 1, x: 0, y: 0 };
  /** What it shows. @type {Lines} */
  #shown = new Map();

  forget() {
    this.#canvas = null;
    this.#scene = null;
  }

  /**
   * Draws the canvas with all shown instances, and says where the image lies in it. While the view
   * moves, that is where it lay before, as long as the stage is not much larger than what it shows.
   *
   * @param {Target} target where it will be seen
   * @param {Scene} scene
   * @param {string} key what decides how a layer looks
   * @param {boolean} moving
   * @param {Lines} shown
   * @param {Drawing} drawing
   */
  update(target, scene, key, moving, shown, drawing) {
    const { width, height } = target.context.canvas;
    const before = this.#canvas;
    const fits = before?.width === width && before.height === height;
    const canvas = before && fits ? before : makeCanvas(width, height);
    const context = contextOf(canvas);
    context.setTransform(1, 0, 0, 1, 0, 0);
    const isSame = fits && this.#scene === scene && this.#key === key;
    const changed = isSame ? [...changedOf(this.#shown, shown)] : [];
    const isInPlace = isSameView(this.#view, target.view);
    if (isSame && !isInPlace && moving && !changed.length && covers(target, this.#view)) {
      return { canvas, view: this.#view };
    }
    if (isSame && isInPlace && changed.length <= MOST_CHANGED * shown.size) {
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
    this.#view = target.view;
    this.#shown = shown;
    return { canvas, view: target.view };
  }
}

/**
 * @param {Viewport} one
 * @param {Viewport} other
 */
function isSameView(one, other) {
  return one.scale === other.scale && one.x === other.x && one.y === other.y;
}

/**
 * Whether what was drawn for another view covers most of the stage.
 *
 * @param {Target} target
 * @param {Viewport} before
 */
function covers({ view, width, height }, before) {
  const grow = view.scale / before.scale;
  const [x, y] = [view.x - before.x * grow, view.y - before.y * grow];
  const across = Math.min(width, x + width * grow) - Math.max(0, x);
  const down = Math.min(height, y + height * grow) - Math.max(0, y);
  return across >= LEAST_COVERED * width && down >= LEAST_COVERED * height;
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
