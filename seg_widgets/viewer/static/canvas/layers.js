// Instances and labels, each painted once, to be copied in each frame.

import { instanceColor } from "./colors.js";
import { contextOf, makeCanvas } from "./dom.js";
import { drawLabel } from "./labels.js";
import { doubtOf, pathOf } from "./scene.js";

/** @import {LineStyle, Look, Scene} from "./types.js" */

/** The traits that decide how instances are drawn, with their names in `Look`. */
export const STYLE_TRAITS = {
  colorBy: "color_by",
  opacity: "opacity",
  show: "show",
  doubt: "doubt",
};

/**
 * Their values.
 *
 * @typedef {object} StyleValues
 * @property {string} colorBy
 * @property {number} opacity
 * @property {string[]} show
 * @property {boolean} doubt whether a band shows where a mask is uncertain
 */

/** Of all prepared layers together: 192 MB at worst. */
const LAYER_PIXELS = 48e6;
/** Half an outline with its shadow, and one pixel. */
export const LAYER_EDGE = 4;

// Widths in CSS pixels and opacities of the lines.
export const OUTLINE = { width: 1.8, alpha: 1 };
/** Keeps a colour apart from an image of the same colour. */
const OUTLINE_SHADOW = { width: 3.2, alpha: 0.35 };

/**
 * One instance, painted.
 *
 * @typedef {object} Layer
 * @property {HTMLCanvasElement} canvas
 * @property {number} scale screen pixels for a pixel of the image
 * @property {number} edge screen pixels around the mask
 * @property {LineStyle | null} line
 */

export class Layers {
  /** By index. @type {Map<number, Layer>} */
  #instances = new Map();
  /** By index. @type {Map<number, {canvas: HTMLCanvasElement, width: number, words: string}>} */
  #labels = new Map();
  /** What they were made for. */
  #key = "";
  /** Screen pixels for a CSS pixel. */
  #ratio = 1;

  /** What decides how they look. */
  get key() {
    return this.#key;
  }

  forget() {
    this.#instances.clear();
    this.#labels.clear();
  }

  /**
   * Forgets what was made for another look.
   *
   * @param {Look} look
   * @param {number} ratio screen pixels for a CSS pixel
   */
  prepare(look, ratio) {
    const style = Object.keys(STYLE_TRAITS).map(
      (name) => look[/** @type {keyof StyleValues} */ (name)],
    );
    const key = JSON.stringify([style, ratio, look.font]);
    if (key === this.#key) return;
    this.forget();
    this.#key = key;
    this.#ratio = ratio;
  }

  /**
   * The instance's own layer, made anew when the scale has changed and the view rests.
   *
   * @param {Scene} scene
   * @param {number} viewScale CSS pixels for a pixel of the image
   * @param {Look} look
   * @param {number} index
   * @param {LineStyle | null} line in place of the outline
   */
  instance(scene, viewScale, look, index, line = null) {
    const mask = scene.masks[index];
    const pixels = Math.max(1, mask.width * mask.height);
    const room = LAYER_PIXELS / Math.max(16, scene.masks.length) / pixels;
    const scale = Math.min(viewScale * this.#ratio, Math.sqrt(room));
    const ready = this.#instances.get(index);
    if (ready && ready.line === line && (ready.scale === scale || look.moving)) return ready;

    const edge = paintEdge(scene, look, index, scale, this.#ratio);
    const canvas = makeCanvas(mask.width * scale + 2 * edge, mask.height * scale + 2 * edge);
    const context = contextOf(canvas);
    context.setTransform(scale, 0, 0, scale, edge - mask.x * scale, edge - mask.y * scale);
    paintInstance(context, scene, look, index, line, scale, this.#ratio, false);
    const made = { canvas, scale, edge, line };
    this.#instances.set(index, made);
    return made;
  }

  /**
   * @param {Scene} scene
   * @param {Look} look
   * @param {number} index
   * @param {string} words in place of the score
   */
  label(scene, look, index, words = "") {
    const ready = this.#labels.get(index);
    if (ready?.words === words) return ready;
    const color = instanceColor(scene.header, index, look.colorBy);
    const drawn = drawLabel(scene.header, index, color, look.font, this.#ratio, words);
    const made = { ...drawn, words };
    this.#labels.set(index, made);
    return made;
  }
}

/**
 * Paints an instance on a context whose unit is a pixel of the image.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {Look} look
 * @param {number} index
 * @param {LineStyle | null} line in place of the outline
 * @param {number} scale screen pixels for a pixel of the image
 * @param {number} ratio screen pixels for a CSS pixel
 * @param {boolean} isOneOfMany as for `pathOf`
 */
export function paintInstance(context, scene, look, index, line, scale, ratio, isOneOfMany) {
  const mask = scene.masks[index];
  const path = pathOf(scene, index, scale, isOneOfMany);
  const color = instanceColor(scene.header, index, look.colorBy);
  const unit = ratio / scale;
  // A box in place of a mask that is still to come is an outline alone.
  if (look.show.includes("masks") && !mask.waits) {
    context.globalAlpha = look.opacity;
    context.fillStyle = color;
    context.fill(path, "evenodd");
    context.globalAlpha = 1;
  }
  context.lineJoin = "round";
  if (look.doubt && scene.soft) drawDoubt(context, scene, index, color, unit);
  if (line) strokeLine(context, path, line, unit);
  else if (look.show.includes("outlines") || mask.waits) {
    stroke(context, path, "#000000", OUTLINE_SHADOW, unit);
    stroke(context, path, color, OUTLINE, unit);
  }
}

/**
 * How far an instance's paint reaches beyond its mask's rectangle, in screen pixels.
 *
 * @param {Scene} scene
 * @param {Look} look
 * @param {number} index
 * @param {number} scale screen pixels for a pixel of the image
 * @param {number} ratio screen pixels for a CSS pixel
 */
export function paintEdge(scene, look, index, scale, ratio) {
  return LAYER_EDGE * ratio + (look.doubt ? doubtEdge(scene, index) * scale : 0);
}

/**
 * How far the band of doubt reaches beyond the mask's rectangle at most, in pixels of the image.
 *
 * @param {Scene} scene
 * @param {number} index
 */
function doubtEdge(scene, index) {
  const doubt = doubtOf(scene, index);
  if (!doubt) return 0;
  const { rectangle: outer } = doubt;
  const inner = scene.masks[index];
  return Math.max(
    0,
    inner.x - outer.x,
    inner.y - outer.y,
    outer.x + outer.width - inner.x - inner.width,
    outer.y + outer.height - inner.y - inner.height,
  );
}

/**
 * The band in which a pixel may belong to the mask or not: light, with dashed edges.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {number} index
 * @param {string} color
 * @param {number} unit image pixels for a CSS pixel
 */
function drawDoubt(context, scene, index, color, unit) {
  const doubt = doubtOf(scene, index);
  if (!doubt) return;
  context.globalAlpha = 0.4;
  context.fillStyle = "#ffffff";
  context.fill(doubt.path, "evenodd");
  context.setLineDash([3 * unit, 2 * unit]);
  stroke(context, doubt.path, color, { width: 1, alpha: 1 }, unit);
  context.setLineDash([]);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Path2D} path
 * @param {string} color
 * @param {{width: number, alpha: number}} line
 * @param {number} unit image pixels for a CSS pixel
 */
export function stroke(context, path, color, line, unit) {
  context.globalAlpha = line.alpha;
  context.strokeStyle = color;
  context.lineWidth = line.width * unit;
  context.stroke(path);
  context.globalAlpha = 1;
}

/**
 * A line of its own colour and dashes, on a dark one that keeps it apart from the image.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Path2D} path
 * @param {LineStyle} line
 * @param {number} unit image pixels for a CSS pixel
 */
function strokeLine(context, path, { color, dash, width }, unit) {
  context.setLineDash(dash.map((length) => length * unit));
  stroke(context, path, "#000000", { width: width + 2, alpha: 0.75 }, unit);
  stroke(context, path, color, { width, alpha: 1 }, unit);
  context.setLineDash([]);
}
