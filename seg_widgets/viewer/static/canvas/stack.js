// The layers of the shown instances, one above the other.

import { Composite, MANY } from "./composite.js";
import { paintEdge, paintInstance } from "./layers.js";
import { StampStore } from "./stamp_store.js";
import { DIMMED, drawLayer, isInView } from "./stamps.js";

/** @import {Drawing} from "./composite.js" */
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
  #stamps = new StampStore();

  /** @param {Layers} layers */
  constructor(layers) {
    this.#layers = layers;
  }

  forget() {
    this.#composite.forget();
    this.#stamps.forget();
  }

  /**
   * @param {Target} target
   * @param {Scene} scene
   * @param {Look} look
   * @param {Lines} lines
   * @param {number[] | null} raised those that stand out, beside which the others are dimmed; null:
   *   none does, and all are as bright
   */
  draw(target, scene, look, lines, raised) {
    if (lines.size >= MANY) this.#drawMany(target, scene, look, lines, raised);
    else this.#drawEach(target, scene, look, lines, raised);
    target.context.globalAlpha = 1;
  }

  /**
   * @param {Target} target
   * @param {Scene} scene
   * @param {Look} look
   * @param {Lines} lines
   * @param {number[] | null} raised
   */
  #drawEach(target, scene, look, lines, raised) {
    for (const index of scene.order) {
      const line = lines.get(index);
      if (line === undefined) continue;
      target.context.globalAlpha = !raised || raised.includes(index) ? 1 : DIMMED;
      drawLayer(target, this.#layers, scene, look, index, line);
    }
  }

  /**
   * All as one image; what stands out lies on it. They are painted in place, and from then on copied
   * where one is prepared.
   *
   * @param {Target} target
   * @param {Scene} scene
   * @param {Look} look
   * @param {Lines} lines
   * @param {number[] | null} raised
   */
  #drawMany(target, scene, look, lines, raised) {
    const { context, view, ratio } = target;
    const key = this.#layers.key;
    /** @type {Drawing} */
    const inPlace = {
      draw: (onto, index, line, origin) =>
        paintInPlace({ ...target, context: onto }, scene, look, index, line, origin),
      placeOf: (index) => placeOf(target, scene, look, index),
    };
    const stampKey = JSON.stringify([view, key]);
    const all = this.#composite.update(target, scene, key, look.moving, lines, {
      ...inPlace,
      draw: (onto, index, line) => {
        if (!this.#stamps.draw(onto, stampKey, index, line)) inPlace.draw(onto, index, line);
      },
    });
    if (!look.moving) this.#stamps.prepare(stampKey, lines, inPlace);
    const grow = view.scale / all.view.scale;
    const [x, y] = [view.x - all.view.x * grow, view.y - all.view.y * grow];
    context.setTransform(grow, 0, 0, grow, x * ratio, y * ratio);
    context.globalAlpha = raised ? DIMMED : 1;
    context.drawImage(all.canvas, 0, 0);
    context.globalAlpha = 1;
    for (const index of raised ?? []) {
      const line = lines.get(index);
      if (line !== undefined) paintInPlace(target, scene, look, index, line);
    }
  }
}

/**
 * @param {Target} target
 * @param {Scene} scene
 * @param {Look} look
 * @param {number} index
 * @param {LineStyle | null} line in place of the outline
 * @param {{x: number, y: number}} origin the context's corner, in screen pixels of the stage
 */
function paintInPlace(target, scene, look, index, line, origin = { x: 0, y: 0 }) {
  const mask = scene.masks[index];
  if (!mask.width || !isInView(target, mask)) return;
  const { context, view, ratio } = target;
  const scale = view.scale * ratio;
  const [x, y] = [view.x * ratio - origin.x, view.y * ratio - origin.y];
  context.setTransform(scale, 0, 0, scale, x, y);
  paintInstance(context, scene, look, index, line, scale, ratio, true);
}

/**
 * The screen pixels that an instance's paint may touch.
 *
 * @param {Target} target
 * @param {Scene} scene
 * @param {Look} look
 * @param {number} index
 */
function placeOf({ view, ratio, width, height }, scene, look, index) {
  const mask = scene.masks[index];
  if (!mask.width || !isInView({ view, width, height }, mask)) return null;
  const scale = view.scale * ratio;
  const edge = paintEdge(scene, look, index, scale, ratio);
  const x = mask.x * scale + view.x * ratio;
  const y = mask.y * scale + view.y * ratio;
  return {
    left: Math.floor(x - edge),
    top: Math.floor(y - edge),
    right: Math.ceil(x + mask.width * scale + edge),
    bottom: Math.ceil(y + mask.height * scale + edge),
  };
}
