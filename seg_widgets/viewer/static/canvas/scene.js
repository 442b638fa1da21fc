// The scene: a content message, decoded once for all views of a model.

import { maskLength, readMasks, traceMask } from "./masks.js";
import { inflate, parseContent } from "./content.js";
import { readPairs } from "./pairs.js";
import { DOUBT, pasteSoft, readSoft } from "./soft.js";
import { orderOf } from "./tidy.js";

/** @import {Header, Mask, OtherScene, Pairs, Scene, Soft} from "./types.js" */

/** Screen pixels for a pixel of the image from which single pixels are seen. */
export const PIXELS_SEEN = 6;

/** Screen pixels for a pixel of the image below which an outline of many has fewer points. */
const COARSE_SCALE = 0.5;
/** How far it may lie off, in pixels of the image: less than a quarter of a screen pixel. */
const COARSE_TOLERANCE = 0.45;

/** @type {WeakMap<DataView, Promise<Scene>>} */
const scenes = new WeakMap();

/**
 * The decoded message; all views of a model share it.
 *
 * @param {DataView} content
 * @returns {Promise<Scene>}
 */
export function sceneOf(content) {
  const known = scenes.get(content);
  if (known) return known;
  const scene = readScene(content);
  scenes.set(content, scene);
  return scene;
}

/**
 * @param {DataView} content
 * @returns {Promise<Scene>}
 */
async function readScene(content) {
  const { header, image, packed, soft } = parseContent(content);
  const [bits, bitmap, values] = await Promise.all([
    inflate(packed),
    bitmapOf(image, header.mediaType),
    soft.length ? inflate(soft) : null,
  ]);
  const end = maskLength(header);
  const { pairs, masks } = readPairs(header, bits);
  return {
    ...sideScene(header, bitmap, masks.subarray(0, end)),
    soft: values && readSoft(values, header.scores.length, header.softSize),
    others: otherScenes(header, bitmap, masks.subarray(end), pairs),
  };
}

/**
 * A side without what only the prediction has.
 *
 * @template {Header} Head
 * @param {Head} header
 * @param {ImageBitmap} bitmap
 * @param {Uint8Array} bits of its masks alone
 */
function sideScene(header, bitmap, bits) {
  const masks = readMasks(header, bits);
  return {
    header,
    bitmap,
    masks,
    order: orderOf(header.areas),
    paths: [],
    exactPaths: [],
    coarsePaths: [],
    soft: null,
    others: [],
  };
}

/**
 * What the image is compared with; its masks come one side behind the other.
 *
 * @param {Header} header
 * @param {ImageBitmap} bitmap
 * @param {Uint8Array} bits
 * @param {Pairs[]} pairs the overlaps with each side
 * @returns {OtherScene[]}
 */
function otherScenes(header, bitmap, bits, pairs) {
  let offset = 0;
  const scenes = header.others.map((other, side) => {
    const end = offset + maskLength(other);
    const { width, height } = header;
    const colorOf = new Map(other.classes.map(({ id, color }) => [id, color]));
    const colors = other.classIds.map((id) => colorOf.get(id) ?? "#888888");
    const whole = { ...other, pairs: pairs[side], width, height, colors, others: [] };
    const scene = sideScene(whole, bitmap, bits.subarray(offset, end));
    offset = end;
    return scene;
  });
  if (offset !== bits.length) throw new Error("the masks from the kernel are cut short");
  return scenes;
}

/** The image that was decoded last: a result has that of its preview. @type {{bytes: Uint8Array, bitmap: Promise<ImageBitmap>} | null} */
let lastImage = null;

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {string} type
 */
function bitmapOf(bytes, type) {
  if (lastImage && sameBytes(lastImage.bytes, bytes)) return lastImage.bitmap;
  const bitmap = createImageBitmap(new Blob([bytes], { type }));
  lastImage = { bytes, bitmap };
  return bitmap;
}

/**
 * @param {Uint8Array} one
 * @param {Uint8Array} other
 */
export function sameBytes(one, other) {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

/**
 * An instance's outline. It is exact from `PIXELS_SEEN` on, where the image shows its pixels, too; below, smooth.
 *
 * @param {Scene} scene
 * @param {number} index
 * @param {number} scale screen pixels for a pixel of the image
 * @param {boolean} isOneOfMany whether it may have fewer points where the image is small on the screen
 */
export function pathOf(scene, index, scale, isOneOfMany = false) {
  const mask = scene.masks[index];
  if (scale >= PIXELS_SEEN) {
    scene.exactPaths[index] ??= makePath(traceMask(mask));
    return scene.exactPaths[index];
  }
  if (isOneOfMany && scale < COARSE_SCALE) {
    scene.coarsePaths[index] ??= makePath(traceMask(mask, true, COARSE_TOLERANCE));
    return scene.coarsePaths[index];
  }
  scene.paths[index] ??= makePath(traceMask(mask, true));
  return scene.paths[index];
}

/** The bands of doubt by scene and index, made when first drawn. @type {WeakMap<Soft, {path: Path2D, rectangle: Mask}[]>} */
const doubts = new WeakMap();

/**
 * Between the outlines of the mask at a low and a high threshold; null without soft masks.
 *
 * @param {Scene} scene
 * @param {number} index
 */
export function doubtOf({ soft, header }, index) {
  if (!soft) return null;
  const known = doubts.get(soft) ?? [];
  doubts.set(soft, known);
  if (!known[index]) {
    const [outer, inner] = DOUBT.map((threshold) => pasteSoft(soft, header, index, threshold));
    const path = makePath([...traceMask(outer, true), ...traceMask(inner, true)]);
    known[index] = { path, rectangle: outer };
  }
  return known[index];
}

/** @param {number[][]} loops */
function makePath(loops) {
  const path = new Path2D();
  for (const loop of loops) {
    path.moveTo(loop[0], loop[1]);
    for (let at = 2; at < loop.length; at += 2) path.lineTo(loop[at], loop[at + 1]);
    path.closePath();
  }
  return path;
}
