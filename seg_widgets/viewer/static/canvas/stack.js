// The layers of the shown instances, one above the other.

import { Composite, MANY } from "./composite.js";
import { LAYER_EDGE } from "./layers.js";

/** @import {Layers} from "./layers.js" */
/** @import {Look, Mask, Scene, Size, Viewport} from "./types.js" */

/** The opacity of instances beside the hovered one. */
const DIMMED = 0.22;

/**
 * What is drawn, and where.
 *
 * @typedef {object} Frame
 * @property {Scene} scene
 * @property {Viewport} view
 * @property {Look} look
 * @property {number} ratio screen pixels for a CSS pixel
 * @property {Size} stage CSS pixels
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
   * @param {CanvasRenderingContext2D} context without a transform
   * @param {Frame} frame
   * @param {Set<number>} shown
   */
  draw(context, frame, shown) {
    if (shown.size >= MANY) this.#drawMany(context, frame, shown);
    else this.#drawEach(context, frame, shown);
    context.globalAlpha = 1;
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Frame} frame
   * @param {Set<number>} shown
   */
  #drawEach(context, frame, shown) {
    const { scene, look } = frame;
    for (const index of scene.order) {
      if (!shown.has(index)) continue;
      context.globalAlpha = look.selected.includes(index) ? 1 : alphaOf(look, index);
      this.#drawLayer(context, frame, index);
    }
  }

  /**
   * The layers as one; what stands out lies on it.
   *
   * @param {CanvasRenderingContext2D} context
   * @param {Frame} frame
   * @param {Set<number>} shown
   */
  #drawMany(context, frame, shown) {
    const { scene, view, look } = frame;
    const key = JSON.stringify([view, look.moving, this.#layers.key]);
    const all = this.#composite.update(scene, context.canvas, key, shown, {
      draw: (onto, index) => this.#drawLayer(onto, frame, index),
      placeOf: (index) => this.#placeOf(frame, index),
    });
    context.globalAlpha = look.hovered === null ? 1 : DIMMED;
    context.drawImage(all, 0, 0);
    context.globalAlpha = 1;
    if (look.hovered === null) return;
    for (const index of new Set([...look.selected, look.hovered])) {
      if (shown.has(index)) this.#drawLayer(context, frame, index);
    }
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Frame} frame
   * @param {number} index
   */
  #drawLayer(context, frame, index) {
    const layer = this.#layerOf(frame, index);
    if (!layer) return;
    const { canvas, grow, x, y } = layer;
    // At the layer's own resolution whole pixels stay sharp, and copying them is several times faster.
    if (grow === 1) context.drawImage(canvas, Math.round(x), Math.round(y));
    else context.drawImage(canvas, x, y, canvas.width * grow, canvas.height * grow);
  }

  /**
   * The screen pixels that an instance's layer may touch.
   *
   * @param {Frame} frame
   * @param {number} index
   */
  #placeOf(frame, index) {
    const layer = this.#layerOf(frame, index);
    if (!layer) return null;
    const { canvas, grow, x, y } = layer;
    const [left, top] = [Math.floor(x) - 1, Math.floor(y) - 1];
    const right = left + Math.ceil(canvas.width * grow) + 3;
    return { left, top, right, bottom: top + Math.ceil(canvas.height * grow) + 3 };
  }

  /**
   * @param {Frame} frame
   * @param {number} index
   */
  #layerOf({ scene, view, look, ratio, stage }, index) {
    const mask = scene.masks[index];
    if (!mask.width || !isInView(mask, view, stage)) return null;
    const { canvas, scale, edge } = this.#layers.instance(scene, view.scale, look, index);
    const grow = (view.scale * ratio) / scale;
    const x = (mask.x * view.scale + view.x) * ratio - edge * grow;
    const y = (mask.y * view.scale + view.y) * ratio - edge * grow;
    return { canvas, grow, x, y };
  }
}

/**
 * Whether any of the crop's pixels lies on the stage, or its outline does.
 *
 * @param {Mask} mask
 * @param {Viewport} view
 * @param {Size} stage
 */
export function isInView(mask, view, stage) {
  const x = mask.x * view.scale + view.x;
  const y = mask.y * view.scale + view.y;
  const [right, bottom] = [x + mask.width * view.scale, y + mask.height * view.scale];
  const inside = bottom >= -LAYER_EDGE && right >= -LAYER_EDGE;
  return inside && x <= stage.width + LAYER_EDGE && y <= stage.height + LAYER_EDGE;
}

/**
 * Dimmed beside a hovered instance.
 *
 * @param {Look} look
 * @param {number} index
 */
export function alphaOf(look, index) {
  return look.hovered !== null && index !== look.hovered ? DIMMED : 1;
}
