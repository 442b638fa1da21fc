// The image that is being segmented, over what was shown before.

import { make } from "../shared/dom.js";
import { contextOf } from "./dom.js";
import { sceneOf } from "./scene.js";
import { fitView } from "./viewport.js";

/** @import {Header, Scene} from "./types.js" */

export class Preview {
  element = make("canvas", "sgw-layer sgw-preview", { hidden: "" });
  /** What is shown, or null. @type {Scene | null} */
  #scene = null;
  /** What is shown or being decoded. @type {DataView | null} */
  #message = null;
  /** Whether what is shown stays until its result has been decoded. */
  held = false;
  /** @type {() => void} */
  #onchange;

  /** @param {() => void} onchange called when another image is shown, or none any more */
  constructor(onchange) {
    this.#onchange = onchange;
  }

  /** Of the image that is shown, or null. @returns {Header | null} */
  get header() {
    return this.#scene?.header ?? null;
  }

  /**
   * Shows an image, or what was there before. One that can't be decoded is not shown: its result
   * says why.
   *
   * @param {DataView | null | undefined} message a content message without instances; none where the
   *   kernel is gone, which finishes nothing: then the last result is worth more
   */
  async show(message) {
    if (!message?.byteLength) {
      if (!this.held && this.#message) this.#set(null, null);
    } else if (message !== this.#message) {
      this.#message = message;
      const scene = await sceneOf(message).catch(() => null);
      // It may be over, or another one begun, by now.
      if (this.#message === message) this.#set(message, scene);
    }
  }

  /**
   * @param {DataView | null} message
   * @param {Scene | null} scene
   */
  #set(message, scene) {
    this.#message = message;
    this.#scene = scene;
    this.#onchange();
  }

  /**
   * @param {number} width of the stage, in CSS pixels
   * @param {number} height of the stage, in CSS pixels
   * @param {number} ratio screen pixels for a CSS pixel
   */
  draw(width, height, ratio) {
    const scene = this.#scene;
    this.element.hidden = !scene;
    if (!scene) return;
    this.element.width = Math.max(1, Math.round(width * ratio));
    this.element.height = Math.max(1, Math.round(height * ratio));
    this.element.style.width = `${width}px`;
    this.element.style.height = `${height}px`;
    const { x, y, scale } = fitView(scene.header, width, height);
    const context = contextOf(this.element);
    context.imageSmoothingQuality = "high";
    const { width: columns, height: rows } = scene.header;
    const [left, top] = [x * ratio, y * ratio];
    context.drawImage(scene.bitmap, left, top, columns * scale * ratio, rows * scale * ratio);
  }
}
