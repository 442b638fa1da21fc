// Draws the scene on two canvases: the image below, all that lies on it above.

import { instanceColor } from "./colors.js";
import { contextOf } from "./dom.js";
import { LABEL_HEIGHT, labelCount, placeLabels } from "./labels.js";
import { Layers, OUTLINE, stroke } from "./layers.js";
import { MATCH } from "./matching.js";
import { MATCH_LINES, outcomeName } from "./match_styles.js";
import { PIXELS_SEEN, pathOf } from "./scene.js";

/** @import {Compared, LineStyle, Look, Mask, Scene, Viewport} from "./types.js" */

/** The opacity of instances beside the hovered one. */
const DIMMED = 0.22;

// Widths in CSS pixels and opacities of the lines.
const RING = { width: 3.5, alpha: 1 };
const RING_SHADOW = { width: 5.5, alpha: 0.55 };
const BOX_WIDTH = 1.5;
/** Of the ring around a partner. */
const PARTNER_DASH = [6, 4];

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
  /** Those of the other side. */
  #otherLayers = new Layers();
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
    this.#otherLayers.forget();
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
    const { compared } = look;
    if (!compared || compared.mode === "both") {
      this.#drawFound(context, scene, view, look);
      return;
    }
    // One side left of the edge, the other one right of it.
    const share = { swipe: compared.edge, found: 1, other: 0 }[compared.mode];
    const edge = Math.round(share * this.#marks.width);
    this.#within(context, 0, edge, () => this.#drawFound(context, scene, view, look));
    this.#within(context, edge, this.#marks.width, () => {
      this.#drawOther(context, compared, view, look);
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
   * @param {CanvasRenderingContext2D} context
   * @param {Scene} scene
   * @param {Viewport} view
   * @param {Look} look
   */
  #drawFound(context, scene, view, look) {
    this.#layers.prepare(look, this.#ratio);
    const { compared } = look;
    const shown = new Set(look.shown);
    for (const index of scene.order) {
      if (!shown.has(index)) continue;
      const kept = look.selected.includes(index);
      context.globalAlpha = kept ? 1 : alphaOf(look, index);
      const line = compared ? MATCH_LINES[compared.matched.ofFound[index]] : null;
      this.#drawLayer(context, this.#layers, scene, view, look, index, line);
    }
    context.globalAlpha = 1;
    if (compared?.mode === "both") this.#drawLacking(context, compared, view, look);

    for (const index of look.selected) {
      if (shown.has(index)) this.#drawRing(context, scene, view, look, index);
    }
    if (look.hovered !== null && shown.has(look.hovered)) {
      this.#drawRing(context, scene, view, look, look.hovered);
    }
    if (compared) this.#drawPartner(context, scene, compared, view, look);
    if (look.show.includes("boxes")) this.#drawBoxes(context, scene, view, look);
    if (look.show.includes("labels")) this.#drawLabels(context, scene, view, look);
  }

  /**
   * What was missed, and the regions that count neither way: as lines.
   *
   * @param {CanvasRenderingContext2D} context
   * @param {Compared} compared
   * @param {Viewport} view
   * @param {Look} look
   */
  #drawLacking(context, { side, matched }, view, look) {
    const lines = { ...look, show: ["outlines"] };
    this.#otherLayers.prepare(lines, this.#ratio);
    for (const index of side.order) {
      const state = matched.ofOther[index];
      if (state !== MATCH.missed && state !== MATCH.ignored) continue;
      context.globalAlpha = look.hovered === null ? 1 : DIMMED;
      const line = MATCH_LINES[state];
      this.#drawLayer(context, this.#otherLayers, side, view, lines, index, line);
    }
    context.globalAlpha = 1;
  }

  /**
   * The other side with all of its instances that count.
   *
   * @param {CanvasRenderingContext2D} context
   * @param {Compared} compared
   * @param {Viewport} view
   * @param {Look} look
   */
  #drawOther(context, compared, view, look) {
    const { side, matched, counting } = compared;
    this.#otherLayers.prepare(look, this.#ratio);
    const drawn = new Set(counting);
    for (const index of side.order) {
      if (!drawn.has(index)) continue;
      const line = MATCH_LINES[matched.ofOther[index]];
      this.#drawLayer(context, this.#otherLayers, side, view, look, index, line);
    }
    if (look.show.includes("labels")) {
      const marked = side.order.filter((index) => drawn.has(index));
      this.#drawMarks(context, this.#otherMarks(compared, marked, view), view, {
        ...look,
        hovered: null,
      });
    }
    const hovered = compared.hovered ?? partnerOf(look);
    if (hovered !== null && drawn.has(hovered)) {
      this.#drawRing(context, side, view, look, hovered);
    }
  }

  /**
   * A ring around the hovered instance's partner on the other side, or around that of the other
   * side's hovered one.
   *
   * @param {CanvasRenderingContext2D} context
   * @param {Scene} scene
   * @param {Compared} compared
   * @param {Viewport} view
   * @param {Look} look
   */
  #drawPartner(context, scene, compared, view, look) {
    const other = compared.hovered ?? partnerOf(look);
    if (other === null) return;
    this.#drawRing(context, compared.side, view, look, other, PARTNER_DASH);
    const back = compared.matched.back[other];
    const isShown = compared.hovered !== null && back >= 0 && look.shown.includes(back);
    if (isShown) this.#drawRing(context, scene, view, look, back);
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
   * @param {CanvasRenderingContext2D} context
   * @param {Layers} layers
   * @param {Scene} scene
   * @param {Viewport} view
   * @param {Look} look
   * @param {number} index
   * @param {LineStyle | null} line in place of the outline
   */
  #drawLayer(context, layers, scene, view, look, index, line) {
    const mask = scene.masks[index];
    if (!mask.width) return;
    const { canvas, scale, edge } = layers.instance(scene, view.scale, look, index, line);
    const grow = (view.scale * this.#ratio) / scale;
    const x = (mask.x * view.scale + view.x) * this.#ratio - edge * grow;
    const y = (mask.y * view.scale + view.y) * this.#ratio - edge * grow;
    context.setTransform(1, 0, 0, 1, 0, 0);
    // At the layer's own resolution whole pixels stay sharp, and copying them is several times faster.
    if (grow === 1) context.drawImage(canvas, Math.round(x), Math.round(y));
    else context.drawImage(canvas, x, y, canvas.width * grow, canvas.height * grow);
  }

  /**
   * A bright outline around a selected or hovered instance.
   *
   * @param {CanvasRenderingContext2D} context
   * @param {Scene} scene
   * @param {Viewport} view
   * @param {Look} look
   * @param {number} index
   * @param {number[]} dash CSS pixels
   */
  #drawRing(context, scene, view, look, index, dash = []) {
    const scale = view.scale * this.#ratio;
    context.setTransform(scale, 0, 0, scale, view.x * this.#ratio, view.y * this.#ratio);
    context.lineJoin = "round";
    const path = pathOf(scene, index, scale);
    const unit = this.#ratio / scale;
    context.setLineDash(dash.map((length) => length * unit));
    stroke(context, path, "#000000", RING_SHADOW, unit);
    stroke(context, path, "#ffffff", RING, unit);
    context.setLineDash([]);
    if (dash.length) return;
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
    const inView = look.shown.filter((index) => this.#isInView(scene.masks[index], view));
    const ranked = inView
      .sort((a, b) => priority(b) - priority(a) || scores[b] - scores[a] || a - b)
      .filter((index, rank) => priority(index) > 0 || rank < labelCount(inView.length));
    /** @type {Marked[]} */
    const marked = ranked.map((index) => ({ scene, layers: this.#layers, index, words: "" }));
    marked.push(...this.#missedMarks(view, look));
    this.#drawMarks(context, marked, view, look);
  }

  /**
   * Labels, the most important first.
   *
   * @param {CanvasRenderingContext2D} context
   * @param {Marked[]} marked
   * @param {Viewport} view
   * @param {Look} look
   */
  #drawMarks(context, marked, view, look) {
    const wanted = marked.map((mark) => {
      const { width } = mark.layers.label(mark.scene, look, mark.index, mark.words);
      const mask = mark.scene.masks[mark.index];
      const x = mask.x * view.scale + view.x;
      const y = mask.y * view.scale + view.y;
      const [right, bottom] = [x + mask.width * view.scale, y + mask.height * view.scale];
      return { x, y, right, bottom, width, height: LABEL_HEIGHT };
    });

    const places = placeLabels(wanted, this.width, this.height);
    context.setTransform(1, 0, 0, 1, 0, 0);
    marked.forEach((mark, rank) => {
      const place = places[rank];
      if (!place) return;
      context.globalAlpha = alphaOf(look, mark.layers === this.#layers ? mark.index : -1);
      const { canvas } = mark.layers.label(mark.scene, look, mark.index, mark.words);
      const [left, top] = [place.x * this.#ratio, place.y * this.#ratio];
      context.drawImage(canvas, Math.round(left), Math.round(top));
    });
    context.globalAlpha = 1;
  }

  /**
   * The instances in view that were missed; of many, the largest.
   *
   * @param {Viewport} view
   * @param {Look} look
   */
  #missedMarks(view, { compared }) {
    if (compared?.mode !== "both") return [];
    const { matched, side } = compared;
    const missed = side.order.filter((index) => matched.ofOther[index] === MATCH.missed);
    return this.#otherMarks(compared, missed, view);
  }

  /**
   * @param {Compared} compared
   * @param {number[]} indices of the other side
   * @param {Viewport} view
   * @returns {Marked[]}
   */
  #otherMarks({ side, matched }, indices, view) {
    const inView = indices.filter((index) => this.#isInView(side.masks[index], view));
    return inView.slice(0, labelCount(inView.length)).map((index) => {
      const words = outcomeName(side.header, matched.ofOther[index]);
      return { scene: side, layers: this.#otherLayers, index, words };
    });
  }

  /**
   * Whether any of the crop's pixels lies on the stage.
   *
   * @param {Mask} mask
   * @param {Viewport} view
   */
  #isInView(mask, view) {
    const x = mask.x * view.scale + view.x;
    const y = mask.y * view.scale + view.y;
    const [right, bottom] = [x + mask.width * view.scale, y + mask.height * view.scale];
    return bottom >= 0 && right >= 0 && x <= this.width && y <= this.height;
  }
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

/**
 * The hovered instance's partner on the other side, or null.
 *
 * @param {Look} look
 */
function partnerOf({ compared, hovered }) {
  const partner = compared && hovered !== null ? compared.matched.partners[hovered] : -1;
  return partner >= 0 ? partner : null;
}
