// What is put on the image: prepared layers, rings, boxes, labels.

import { instanceColor } from "./colors.js";
import { LABEL_HEIGHT, placeLabels } from "./labels.js";
import { LAYER_EDGE, OUTLINE, stroke } from "./layers.js";
import { pathOf } from "./scene.js";

/** @import {Layers} from "./layers.js" */
/** @import {LineStyle, Look, Mask, Scene, Viewport} from "./types.js" */

/**
 * Where it is drawn.
 *
 * @typedef {object} Target
 * @property {CanvasRenderingContext2D} context
 * @property {Viewport} view
 * @property {number} ratio screen pixels for a CSS pixel
 * @property {number} width CSS pixels of the stage
 * @property {number} height CSS pixels of the stage
 */

/** The opacity of instances beside the hovered one. */
export const DIMMED = 0.22;

// Widths in CSS pixels and opacities of the lines.
const RING = { width: 3.5, alpha: 1 };
const RING_SHADOW = { width: 5.5, alpha: 0.55 };
const BOX_WIDTH = 1.5;

/**
 * An instance with a label.
 *
 * @typedef {object} Marked
 * @property {Scene} scene
 * @property {Layers} layers
 * @property {number} index
 * @property {string} words in place of the score
 */

/**
 * @param {Target} target
 * @param {Layers} layers
 * @param {Scene} scene
 * @param {Look} look
 * @param {number} index
 * @param {LineStyle | null} line in place of the outline
 */
export function drawLayer(target, layers, scene, look, index, line) {
  const mask = scene.masks[index];
  if (!mask.width || !isInView(target, mask)) return;
  const { context, view, ratio } = target;
  const { canvas, scale, edge } = layers.instance(scene, view.scale, look, index, line);
  const grow = (view.scale * ratio) / scale;
  const x = (mask.x * view.scale + view.x) * ratio - edge * grow;
  const y = (mask.y * view.scale + view.y) * ratio - edge * grow;
  context.setTransform(1, 0, 0, 1, 0, 0);
  // At the layer's own resolution whole pixels stay sharp, and copying them is several times faster.
  if (grow === 1) context.drawImage(canvas, Math.round(x), Math.round(y));
  else context.drawImage(canvas, x, y, canvas.width * grow, canvas.height * grow);
}

/**
 * A bright outline around a selected or hovered instance.
 *
 * @param {Target} target
 * @param {Scene} scene
 * @param {Look} look
 * @param {number} index
 * @param {number[]} dash CSS pixels
 */
export function drawRing({ context, view, ratio }, scene, look, index, dash = []) {
  const scale = view.scale * ratio;
  context.setTransform(scale, 0, 0, scale, view.x * ratio, view.y * ratio);
  context.lineJoin = "round";
  const path = pathOf(scene, index, scale);
  const unit = ratio / scale;
  context.setLineDash(dash.map((length) => length * unit));
  stroke(context, path, "#000000", RING_SHADOW, unit);
  stroke(context, path, "#ffffff", RING, unit);
  context.setLineDash([]);
  if (dash.length) return;
  stroke(context, path, instanceColor(scene.header, index, look.colorBy), OUTLINE, unit);
}

/**
 * @param {Target} target
 * @param {Scene} scene
 * @param {Look} look
 */
export function drawBoxes({ context, view, ratio }, scene, look) {
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.lineWidth = BOX_WIDTH;
  for (const index of look.shown) {
    const [left, top, right, bottom] = scene.header.boxes[index];
    context.globalAlpha = alphaOf(look, index);
    context.strokeStyle = instanceColor(scene.header, index, look.colorBy);
    context.strokeRect(
      left * view.scale + view.x,
      top * view.scale + view.y,
      (right - left) * view.scale,
      (bottom - top) * view.scale,
    );
  }
  context.globalAlpha = 1;
}

/**
 * Labels, the most important first.
 *
 * @param {Target} target
 * @param {Marked[]} marked
 * @param {Look} look
 * @param {Layers | null} own the layers of the prediction, whose instances are dimmed one by one
 */
export function drawMarks(target, marked, look, own) {
  const { context, view, ratio } = target;
  const wanted = marked.map((mark) => {
    const { width } = mark.layers.label(mark.scene, look, mark.index, mark.words);
    const mask = mark.scene.masks[mark.index];
    const x = mask.x * view.scale + view.x;
    const y = mask.y * view.scale + view.y;
    const [right, bottom] = [x + mask.width * view.scale, y + mask.height * view.scale];
    return { x, y, right, bottom, width, height: LABEL_HEIGHT };
  });

  const places = placeLabels(wanted, target.width, target.height);
  context.setTransform(1, 0, 0, 1, 0, 0);
  marked.forEach((mark, rank) => {
    const place = places[rank];
    if (!place) return;
    context.globalAlpha = alphaOf(look, mark.layers === own ? mark.index : -1);
    const { canvas } = mark.layers.label(mark.scene, look, mark.index, mark.words);
    const [left, top] = [place.x * ratio, place.y * ratio];
    context.drawImage(canvas, Math.round(left), Math.round(top));
  });
  context.globalAlpha = 1;
}

/**
 * Whether any of the crop's pixels lies on the stage, or its outline does.
 *
 * @param {Pick<Target, "view" | "width" | "height">} stage
 * @param {Mask} mask
 */
export function isInView({ view, width, height }, mask) {
  const x = mask.x * view.scale + view.x;
  const y = mask.y * view.scale + view.y;
  const [right, bottom] = [x + mask.width * view.scale, y + mask.height * view.scale];
  const inside = bottom >= -LAYER_EDGE && right >= -LAYER_EDGE;
  return inside && x <= width + LAYER_EDGE && y <= height + LAYER_EDGE;
}

/**
 * Dimmed beside a hovered instance.
 *
 * @param {Look} look
 * @param {number} index
 */
function alphaOf(look, index) {
  return look.hovered !== null && index !== look.hovered ? DIMMED : 1;
}
