// Instances of a scene with many, each painted once more while the page has nothing else to do: to
// copy one takes a fraction of the time that painting it takes, but to prepare all would delay the
// first image.

import { contextOf, makeCanvas } from "./dom.js";

/** @import {LineStyle} from "./types.js" */
/** @import {Drawing} from "./composite.js" */
/** @import {Lines} from "./stack.js" */

/** Of all stamps together: 96 MB at worst. */
const STAMP_PIXELS = 24e6;
/** Of one idle moment. */
const SLICE_MS = 6;
/** Until the page is taken to be idle where the browser does not tell. */
const IDLE_MS = 60;

/** @typedef {{canvas: HTMLCanvasElement, x: number, y: number, line: LineStyle | null}} Stamp */

export class StampStore {
  /** By index. @type {Map<number, Stamp>} */
  #stamps = new Map();
  /** What they were painted for. */
  #key = "";
  #pixels = 0;
  /** Those that are still to be painted. @type {[number, LineStyle | null][]} */
  #waiting = [];
  /** Paints one. @type {Drawing | null} */
  #drawing = null;
  #scheduled = false;

  forget() {
    this.#stamps.clear();
    this.#waiting = [];
    this.#drawing = null;
    this.#key = "";
    this.#pixels = 0;
  }

  /**
   * Prepares instances, when the page is idle.
   *
   * @param {string} key what decides how they look and where they lie, beside the lines
   * @param {Lines} lines
   * @param {Drawing} drawing
   */
  prepare(key, lines, drawing) {
    if (key !== this.#key) this.forget();
    this.#key = key;
    this.#drawing = drawing;
    this.#waiting = [];
    for (const [index, line] of lines) {
      if (this.#stamps.get(index)?.line !== line) this.#waiting.push([index, line]);
    }
    if (this.#waiting.length) this.#schedule();
  }

  /**
   * Copies an instance, if it is prepared; returns whether it is.
   *
   * @param {CanvasRenderingContext2D} context
   * @param {string} key as for `prepare`
   * @param {number} index
   * @param {LineStyle | null} line
   */
  draw(context, key, index, line) {
    const stamp = key === this.#key ? this.#stamps.get(index) : undefined;
    if (stamp?.line !== line) return false;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(stamp.canvas, stamp.x, stamp.y);
    return true;
  }

  #schedule() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const work = () => {
      this.#scheduled = false;
      this.#work();
    };
    if ("requestIdleCallback" in globalThis) requestIdleCallback(work);
    else setTimeout(work, IDLE_MS);
  }

  #work() {
    const end = performance.now() + SLICE_MS;
    while (this.#drawing && this.#waiting.length && performance.now() < end) {
      const [index, line] = /** @type {[number, LineStyle | null]} */ (this.#waiting.pop());
      this.#make(this.#drawing, index, line);
    }
    if (this.#waiting.length && this.#pixels < STAMP_PIXELS) this.#schedule();
  }

  /**
   * @param {Drawing} drawing
   * @param {number} index
   * @param {LineStyle | null} line
   */
  #make({ draw, placeOf }, index, line) {
    const place = placeOf(index, line);
    if (!place) return;
    const { left: x, top: y, right, bottom } = place;
    const canvas = makeCanvas(right - x, bottom - y);
    draw(contextOf(canvas), index, line, { x, y });
    const before = this.#stamps.get(index)?.canvas;
    this.#pixels += canvas.width * canvas.height - (before ? before.width * before.height : 0);
    this.#stamps.set(index, { canvas, x, y, line });
  }
}
