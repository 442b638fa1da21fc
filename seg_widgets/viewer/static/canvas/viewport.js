// Where the image lies. "image": the image's own pixels; "stage": CSS pixels of the box that shows it.
// The view {scale, x, y} maps image to stage.

/** @import {Size, Viewport} from "./types.js" */

const MAX_HEIGHT = 640; // CSS pixels: an image and its legend fit on a laptop's screen
const MIN_HEIGHT = 200;
const MAX_ENLARGEMENT = 3; // a thumbnail is shown larger, but not as a mosaic
const MAX_SCALE = 40; // CSS pixels for a pixel of the image

/**
 * How high the stage is for an image, in CSS pixels.
 *
 * @param {Size} image
 * @param {number} stageWidth
 */
export function stageHeight(image, stageWidth) {
  const scale = Math.min(stageWidth / image.width, MAX_ENLARGEMENT);
  return Math.round(Math.min(MAX_HEIGHT, Math.max(MIN_HEIGHT, image.height * scale)));
}

/**
 * The view in which the whole image lies in the middle of the stage.
 *
 * @param {Size} image
 * @param {number} stageWidth
 * @param {number} height
 * @returns {Viewport}
 */
export function fitView(image, stageWidth, height) {
  const scale = Math.min(stageWidth / image.width, height / image.height, MAX_ENLARGEMENT);
  return {
    scale,
    x: (stageWidth - image.width * scale) / 2,
    y: (height - image.height * scale) / 2,
  };
}

/**
 * The view after zooming by `factor` around the stage's point (x, y): from the fit to 40 : 1.
 *
 * @param {Viewport} view
 * @param {Viewport} fit
 * @param {number} factor
 * @param {number} x
 * @param {number} y
 * @returns {Viewport}
 */
export function zoomView(view, fit, factor, x, y) {
  const scale = Math.min(Math.max(view.scale * factor, fit.scale), Math.max(MAX_SCALE, fit.scale));
  if (scale === fit.scale) return fit;
  const ratio = scale / view.scale;
  return { scale, x: x - (x - view.x) * ratio, y: y - (y - view.y) * ratio };
}

/**
 * The view that shows the image `zoom` times as large as it fits, with its point `pan` in the middle.
 *
 * @param {number} zoom 1 or more
 * @param {number[]} pan x and y as fractions of the image, 0 to 1
 * @param {Viewport} fit
 * @param {Size} image
 * @param {number} stageWidth
 * @param {number} height
 * @returns {Viewport}
 */
export function viewOf(zoom, pan, fit, image, stageWidth, height) {
  if (zoom <= 1) return fit;
  const scale = Math.min(fit.scale * zoom, Math.max(MAX_SCALE, fit.scale));
  const x = stageWidth / 2 - pan[0] * image.width * scale;
  const y = height / 2 - pan[1] * image.height * scale;
  return holdView({ scale, x, y }, image, stageWidth, height);
}

/**
 * The inverse of `viewOf`, rounded so that equal views give equal numbers.
 *
 * @param {Viewport} view
 * @param {Viewport} fit
 * @param {Size} image
 * @param {number} stageWidth
 * @param {number} height
 */
export function zoomOf(view, fit, image, stageWidth, height) {
  if (view.scale <= fit.scale) return { zoom: 1, pan: [0.5, 0.5] };
  /** @type {(value: number) => number} */
  const round = (value) => Math.round(Math.min(1, Math.max(0, value)) * 1e5) / 1e5;
  const pan = [
    round((stageWidth / 2 - view.x) / view.scale / image.width),
    round((height / 2 - view.y) / view.scale / image.height),
  ];
  return { zoom: Math.max(1, Math.round((view.scale / fit.scale) * 1e4) / 1e4), pan };
}

/**
 * The view moved back so that the image covers the stage; an image smaller than the stage is centred.
 *
 * @param {Viewport} view
 * @param {Size} image
 * @param {number} stageWidth
 * @param {number} height
 * @returns {Viewport}
 */
export function holdView(view, image, stageWidth, height) {
  /** @type {(offset: number, size: number, room: number) => number} */
  const hold = (offset, size, room) =>
    size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, offset));
  return {
    scale: view.scale,
    x: hold(view.x, image.width * view.scale, stageWidth),
    y: hold(view.y, image.height * view.scale, height),
  };
}
