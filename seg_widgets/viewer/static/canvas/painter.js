// Draws the scene on two canvases: the image below, all that lies on it above.

import { instanceColor } from "./colors.js";
import { contextOf } from "./dom.js";
import { LABEL_HEIGHT, labelCount, placeLabels } from "./labels.js";
import { Layers, OUTLINE, stroke } from "./layers.js";
import { PIXELS_SEEN, pathOf } from "./scene.js";
import { Stack, alphaOf, isInView } from "./stack.js";

/** @import {Look, Scene, Viewport} from "./types.js" */

// Widths in CSS pixels and opacities of the lines.
const RING = { width: 3.5, alpha: 1 };
const RING_SHADOW = { width: 5.5, alpha: 0.55 };
const BOX_WIDTH = 1.5;

/**
 * Each instance is painted once into a layer of its own, at the resolution of the screen, when it is
 * first shown. A step of the threshold then only copies layers.
 */
export class Painter {
  /** CSS pixels of the stage. */
  width = 0;
  height = 0;
  /** Screen pixels for a CSS pixel. */
  #ratio = 1;
  /** @type {HTMLCanvasElement} */
  #base;
  /** @type {HTMLCanvasElement} */
  #marks;
  #layers = new Layers();
  #stack = new Stack(this.#layers);
  /** The view that the image was drawn for. */
  #baseKey = "";

  /**
   * @param {HTMLCanvasElement} base for the image
   * @param {HTMLCanvasElement} marks for all that lies on it
   */
  constructor(base, marks) {
    this.#base = base;
    this.#marks = marks;
  }

  /** Forgets all that was prepared: another image comes. */
  forget() {
    this.#layers.forget();
    this.#stack.forget();
    this.#baseKey = "";
  }

  /**
   * @param {number} width CSS pixels
   * @param {number} height CSS pixels
   * @param {number} ratio screen pixels for a CSS pixel
   */
  resize(width, height, ratio) {
    for (const canvas of [this.#base, this.#marks]) {
      canvas.width = Math.max(1, Math.round(width * ratio));
      canvas.height = Math.max(1, Math.round(height * ratio));
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    this.width = width;
    this.height = height;
    this.#ratio = ratio;
    this.#baseKey = "";
  }

  clear() {
    for (const canvas of [this.#base, this.#marks]) {
      contextOf(canvas).clearRect(0, 0, canvas.width, canvas.height);
    }
    this.#baseKey = "";
  }

  /**
   * @param {Scene} scene
   * @param {Viewport} view
   * @param {Look} look
   */
  draw(scene, view, look) {
    this.#drawBase(scene, view);
    this.#layers.prepare(look, this.#ratio);
    const context = contextOf(this.#marks);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.#marks.width, this.#marks.height);
    if (look.hideMasks) return;

    const shown = new Set(look.shown);
    this.#stack.draw(context, { scene, view, look, ratio: this.#ratio, stage: this }, shown);

    for (const index of look.selected) {
      if (shown.has(index)) this.#drawRing(context, scene, view, look, index);
    }
    if (look.hovered !== null && shown.has(look.hovered)) {
      this.#drawRing(context, scene, view, look, look.hovered);
    }
    if (look.show.includes("boxes")) this.#drawBoxes(context, scene, view, look);
    if (look.show.includes("labels")) this.#drawLabels(context, scene, view, look);
  }

  /**
   * @param {Scene} scene
   * @param {Viewport} view
   */
  #drawBase(scene, view) {
    const key = `${view.scale} ${view.x} ${view.y}`;
    if (this.#baseKey === key) return;
    this.#baseKey = key;
    const ratio = this.#ratio;
    const scale = view.scale * ratio;
    const context = contextOf(this.#base);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.#base.width, this.#base.height);
    context.setTransform(scale, 0, 0, scale, view.x * ratio, view.y * ratio);
    // Real pixels, not a blur, once each is several screen pixels large.
    context.imageSmoothingEnabled = scale < PIXELS_SEEN;
    context.imageSmoothingQuality = "high";
    context.drawImage(scene.bitmap, 0, 0);
  }

  /**
   * A bright outline around a selected or hovered instance.
   *
   * @param {CanvasRenderingContext2D} context
   * @param {Scene} scene
   * @param {Viewport} view
   * @param {Look} look
   * @param {number} index
   */
  #drawRing(context, scene, view, look, index) {
    const scale = view.scale * this.#ratio;
    context.setTransform(scale, 0, 0, scale, view.x * this.#ratio, view.y * this.#ratio);
    context.lineJoin = "round";
    const path = pathOf(scene, index, scale);
    const unit = this.#ratio / scale;
    stroke(context, path, "#000000", RING_SHADOW, unit);
    stroke(context, path, "#ffffff", RING, unit);
    stroke(context, path, instanceColor(scene.header, index, look.colorBy), OUTLINE, unit);
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Scene} scene
   * @param {Viewport} view
   * @param {Look} look
   */
  #drawBoxes(context, scene, view, look) {
    context.setTransform(this.#ratio, 0, 0, this.#ratio, 0, 0);
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
   * The hovered instance's label first, then those of the selected, then the best scores'. Of many
   * instances only the best have one; zooming in leaves fewer in view, and so brings back the others.
   *
   * @param {CanvasRenderingContext2D} context
   * @param {Scene} scene
   * @param {Viewport} view
   * @param {Look} look
   */
  #drawLabels(context, scene, view, look) {
    const { scores } = scene.header;
    /** @type {(index: number) => number} */
    const priority = (index) => {
      if (index === look.hovered) return 2;
      return look.selected.includes(index) ? 1 : 0;
    };
    const inView = look.shown.filter((index) => isInView(scene.masks[index], view, this));
    const ranked = inView
      .sort((a, b) => priority(b) - priority(a) || scores[b] - scores[a] || a - b)
      .filter((index, rank) => priority(index) > 0 || rank < labelCount(inView.length));
    const wanted = ranked.map((index) => {
      const { width } = this.#layers.label(scene, look, index);
      const mask = scene.masks[index];
      const x = mask.x * view.scale + view.x;
      const y = mask.y * view.scale + view.y;
      const [right, bottom] = [x + mask.width * view.scale, y + mask.height * view.scale];
      return { x, y, right, bottom, width, height: LABEL_HEIGHT };
    });

    const places = placeLabels(wanted, this.width, this.height);
    context.setTransform(1, 0, 0, 1, 0, 0);
    ranked.forEach((index, rank) => {
      const place = places[rank];
      if (!place) return;
      context.globalAlpha = alphaOf(look, index);
      const { canvas } = this.#layers.label(scene, look, index);
      const [left, top] = [place.x * this.#ratio, place.y * this.#ratio];
      context.drawImage(canvas, Math.round(left), Math.round(top));
    });
    context.globalAlpha = 1;
  }
}
