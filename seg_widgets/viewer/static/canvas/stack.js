// The layers of the shown instances, one above the other.

import { Composite, MANY } from "./composite.js";
import { DIMMED, alphaOf, drawLayer, placedLayer } from "./stamps.js";

/** @import {Layers} from "./layers.js" */
/** @import {Target} from "./stamps.js" */
/** @import {LineStyle, Look, Scene} from "./types.js" */

/**
 * The shown instances by index, each with a line in place of its outline.
 *
 * @typedef {Map<number, LineStyle | null>} Lines
 */

export class Stack {
  /** @type {Layers} */
  #layers;
  #composite = new Composite();

  /** @param {Layers} layers */
  constructor(layers) {
    this.#layers = layers;
  }

  forget() {
    this.#composite.forget();
  }

  /**
   * @param {Target} target
   * @param {Scene} scene
   * @param {Look} look
   * @param {Lines} lines
   */
  draw(target, scene, look, lines) {
    if (lines.size >= MANY) this.#drawMany(target, scene, look, lines);
    else this.#drawEach(target, scene, look, lines);
    target.context.globalAlpha = 1;
  }

  /**
   * @param {Target} target
   * @param {Scene} scene
   * @param {Look} look
   * @param {Lines} lines
   */
  #drawEach(target, scene, look, lines) {
    for (const index of scene.order) {
      const line = lines.get(index);
      if (line === undefined) continue;
      target.context.globalAlpha = look.selected.includes(index) ? 1 : alphaOf(look, index);
      drawLayer(target, this.#layers, scene, look, index, line);
    }
  }

  /**
   * The layers as one; what stands out lies on it.
   *
   * @param {Target} target
   * @param {Scene} scene
   * @param {Look} look
   * @param {Lines} lines
   */
  #drawMany(target, scene, look, lines) {
    const { context, view } = target;
    const key = JSON.stringify([view, look.moving, this.#layers.key]);
    const all = this.#composite.update(scene, context.canvas, key, lines, {
      draw: (onto, index, line) =>
        drawLayer({ ...target, context: onto }, this.#layers, scene, look, index, line),
      placeOf: (index, line) => this.#placeOf(target, scene, look, index, line),
    });
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = look.hovered === null ? 1 : DIMMED;
    context.drawImage(all, 0, 0);
    context.globalAlpha = 1;
    if (look.hovered === null) return;
    for (const index of new Set([...look.selected, look.hovered])) {
      const line = lines.get(index);
      if (line !== undefined) drawLayer(target, this.#layers, scene, look, index, line);
    }
  }

  /**
   * The screen pixels that an instance's layer may touch.
   *
   * @param {Target} target
   * @param {Scene} scene
   * @param {Look} look
   * @param {number} index
   * @param {LineStyle | null} line
   */
  #placeOf(target, scene, look, index, line) {
    const placed = placedLayer(target, this.#layers, scene, look, index, line);
    if (!placed) return null;
    const { canvas, grow, x, y } = placed;
    const [left, top] = [Math.floor(x) - 1, Math.floor(y) - 1];
    const right = left + Math.ceil(canvas.width * grow) + 3;
    return { left, top, right, bottom: top + Math.ceil(canvas.height * grow) + 3 };
  }
}
