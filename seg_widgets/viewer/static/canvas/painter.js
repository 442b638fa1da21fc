// Draws the scene on two canvases: the image below, all that lies on it above.

import { contextOf } from "./dom.js";
import { labelCount } from "./labels.js";
import { Layers } from "./layers.js";
import { MATCH_LINES } from "./match_styles.js";
import { PIXELS_SEEN } from "./scene.js";
import { Stack } from "./stack.js";
import { drawBoxes, drawMarks, drawRing, isInView } from "./stamps.js";
import { TruthLayer } from "./truth_layer.js";

/** @import {Marked, Target} from "./stamps.js" */
/** @import {LineStyle, Look, Scene, Viewport} from "./types.js" */

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
  /** Those of the other side. */
  #truth = new TruthLayer();
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
    this.#truth.forget();
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
    const context = contextOf(this.#marks);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.#marks.width, this.#marks.height);
    if (look.hideMasks) return;
    const { width, height } = this;
    const target = { context, view, ratio: this.#ratio, width, height };
    const { compared } = look;
    if (!compared || compared.mode === "both") {
      this.#drawFound(target, scene, look);
      return;
    }
    // One side left of the edge, the other one right of it.
    const share = { swipe: compared.edge, found: 1, other: 0 }[compared.mode];
    const edge = Math.round(share * this.#marks.width);
    this.#within(context, 0, edge, () => this.#drawFound(target, scene, look));
    this.#within(context, edge, this.#marks.width, () => {
      this.#truth.drawOther(target, compared, look);
    });
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {number} left screen pixels
   * @param {number} right screen pixels
   * @param {() => void} draw
   */
  #within(context, left, right, draw) {
    if (right <= left) return;
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.beginPath();
    context.rect(left, 0, right - left, this.#marks.height);
    context.clip();
    draw();
    context.restore();
  }

  /**
   * The prediction, and of what it is compared with the instances that it lacks.
   *
   * @param {Target} target
   * @param {Scene} scene
   * @param {Look} look
   */
  #drawFound(target, scene, look) {
    this.#layers.prepare(look, this.#ratio);
    const { compared } = look;
    const shown = new Set(look.shown);
    const raised = look.hovered === null ? null : [...new Set([...look.selected, look.hovered])];
    this.#stack.draw(target, scene, look, linesOf(look), raised);
    if (compared?.mode === "both") this.#truth.drawLacking(target, compared, look);

    for (const index of look.selected) {
      if (shown.has(index)) drawRing(target, scene, look, index);
    }
    if (look.hovered !== null && shown.has(look.hovered)) {
      drawRing(target, scene, look, look.hovered);
    }
    if (compared) this.#truth.drawPartner(target, scene, compared, look);
    if (look.show.includes("boxes")) drawBoxes(target, scene, look);
    if (look.show.includes("labels")) this.#drawLabels(target, scene, look);
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
   * The hovered instance's label first, then those of the selected, then the best scores'. Of many
   * instances only the best have one; zooming in leaves fewer in view, and so brings back the others.
   *
   * @param {Target} target
   * @param {Scene} scene
   * @param {Look} look
   */
  #drawLabels(target, scene, look) {
    const { scores } = scene.header;
    /** @type {(index: number) => number} */
    const priority = (index) => {
      if (index === look.hovered) return 2;
      return look.selected.includes(index) ? 1 : 0;
    };
    const inView = look.shown.filter((index) => isInView(target, scene.masks[index]));
    const ranked = inView
      .sort((a, b) => priority(b) - priority(a) || scores[b] - scores[a] || a - b)
      .filter((index, rank) => priority(index) > 0 || rank < labelCount(inView.length));
    /** @type {Marked[]} */
    const marked = ranked.map((index) => ({ scene, layers: this.#layers, index, words: "" }));
    marked.push(...this.#truth.missedMarks(target, look));
    drawMarks(target, marked, look, this.#layers);
  }
}

/**
 * The shown instances, each with the line of its outcome in place of its outline; null where nothing
 * is compared.
 *
 * @param {Look} look
 * @returns {Map<number, LineStyle | null>}
 */
function linesOf({ shown, compared }) {
  return new Map(
    shown.map((index) => [index, compared ? MATCH_LINES[compared.matched.ofFound[index]] : null]),
  );
}
