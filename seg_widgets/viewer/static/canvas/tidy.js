// Tidying up: overlaps, small objects, objects at the border, loose pieces and holes.
// prediction/tidy.py does the same; one generated table holds both.

import { aboveThreshold, visibleInstances } from "./instances.js";
import { MASK_THRESHOLD, pasteSoft } from "./soft.js";
import { fillHoles, largestPiece, pixelsOf, runsOf, sharedPixels } from "./runs.js";

/** @import {Filter, Header, Mask, Scene, Tidy} from "./types.js" */

/** Of each scene; a slider makes one for each of its steps. */
const KEPT_RESHAPED = 4;

/** Nothing is tidied up. @type {Tidy} */
const NO_TIDY = {
  max_overlap: 1,
  overlap_by: "iou",
  across_classes: false,
  min_area: 0,
  drop_at_border: false,
  largest_piece: false,
  fill_holes: false,
  mask_threshold: MASK_THRESHOLD,
};

/**
 * How the instances of a scene overlap: for each the others and the pixels that both have.
 *
 * @typedef {Map<number, [number, number][]>} Overlaps
 */

/** Made when first asked for. @type {WeakMap<Scene, Overlaps>} */
const overlapsOfScenes = new WeakMap();

/** The scenes with changed masks, by what was changed. @type {WeakMap<Scene, Map<string, Scene>>} */
const reshapedScenes = new WeakMap();

/**
 * All settings; those that are not given are the default ones.
 *
 * @param {Partial<Tidy> | null | undefined} tidy
 * @returns {Tidy}
 */
export function settingsOf(tidy) {
  return { ...NO_TIDY, ...tidy };
}

/**
 * Whether what a threshold brings in can take away what another one showed.
 *
 * @param {Tidy} tidy
 */
export function dropsOverlaps(tidy) {
  return tidy.max_overlap < 1;
}

/**
 * The scene with its masks as they are shown: another one where any mask changes.
 *
 * @param {Scene} scene as it came
 * @param {Tidy} tidy
 * @returns {Scene}
 */
export function reshaped(scene, tidy) {
  const { largest_piece, fill_holes, mask_threshold } = tidy;
  const soft = mask_threshold !== MASK_THRESHOLD ? scene.soft : null;
  if ((!largest_piece && !fill_holes && !soft) || !scene.header.hasMasks) return scene;
  const key = `${largest_piece} ${fill_holes} ${soft ? mask_threshold : ""}`;
  const known = reshapedScenes.get(scene) ?? new Map();
  reshapedScenes.set(scene, known);
  if (known.has(key)) return known.get(key);
  const made = withMasks(scene, (mask, index) =>
    simpler(soft ? pasteSoft(soft, scene.header, index, mask_threshold) : mask, tidy),
  );
  if (known.size >= KEPT_RESHAPED) known.clear();
  known.set(key, made);
  return made;
}

/**
 * @param {Mask} mask
 * @param {Tidy} tidy
 */
function simpler(mask, { largest_piece, fill_holes }) {
  if (mask.waits || !mask.width) return mask;
  const one = largest_piece ? largestPiece(mask) : mask;
  return fill_holes ? fillHoles(one) : one;
}

/**
 * The scene with other masks; what follows from those that change is made anew.
 *
 * @param {Scene} scene
 * @param {(mask: Mask, index: number) => Mask} change gives the mask itself where it stays
 * @returns {Scene}
 */
function withMasks(scene, change) {
  const masks = scene.masks.map(change);
  const isNew = (/** @type {number} */ index) => masks[index] !== scene.masks[index];
  const areas = scene.header.areas.map((area, index) =>
    isNew(index) ? pixelsOf(runsOf(masks[index])) : area,
  );
  return {
    ...scene,
    header: { ...scene.header, areas },
    masks,
    order: orderOf(areas),
    // A sparse list: what is drawn first is made then.
    paths: kept(scene.paths, isNew),
    exactPaths: kept(scene.exactPaths, isNew),
    coarsePaths: kept(scene.coarsePaths, isNew),
  };
}

/**
 * @param {Path2D[]} paths
 * @param {(index: number) => boolean} isNew
 */
function kept(paths, isNew) {
  /** @type {Path2D[]} */
  const others = [];
  paths.forEach((path, index) => {
    if (!isNew(index)) others[index] = path;
  });
  return others;
}

/**
 * The order of drawing: large ones first, so that the small ones lie on top, where the pointer
 * finds them.
 *
 * @param {number[]} areas
 */
export function orderOf(areas) {
  return areas.map((_, index) => index).sort((a, b) => areas[b] - areas[a] || a - b);
}

/**
 * The indices that are shown, in the prediction's order.
 *
 * @param {Scene} scene with its masks as they are shown
 * @param {Filter} filter
 */
export function shownInstances(scene, filter) {
  return tidied(scene, filter, visibleInstances(scene.header, filter));
}

/**
 * The indices that the table lists: those that are shown, and those hidden one by one.
 *
 * @param {Header} header
 * @param {Filter} filter
 * @param {number[]} shown
 */
export function listedInstances(header, filter, shown) {
  if (!filter.hiddenInstances?.length) return shown;
  const single = new Set(filter.hiddenInstances);
  const all = new Set(shown);
  return aboveThreshold(header, filter).filter((index) => all.has(index) || single.has(index));
}

/**
 * What stays of the instances that nothing else hides.
 *
 * @param {Scene} scene
 * @param {Filter} filter
 * @param {number[]} indices
 */
function tidied(scene, filter, indices) {
  const tidy = settingsOf(filter.tidy);
  const { header, masks } = scene;
  let left = indices;
  if (tidy.min_area) left = left.filter((index) => header.areas[index] >= tidy.min_area);
  if (tidy.drop_at_border) left = left.filter((index) => !isAtBorder(masks[index], header));
  return dropsOverlaps(tidy) ? withoutOverlaps(scene, tidy, left) : left;
}

/**
 * @param {Mask} mask
 * @param {{width: number, height: number}} image
 */
function isAtBorder({ x, y, width, height }, image) {
  if (!width || !height) return false;
  return x === 0 || y === 0 || x + width === image.width || y + height === image.height;
}

/**
 * The best score of those that overlap, one after the other, as NMS does it.
 *
 * @param {Scene} scene
 * @param {Tidy} tidy
 * @param {number[]} indices
 */
function withoutOverlaps(scene, tidy, indices) {
  const { scores, classIds } = scene.header;
  const overlaps = overlapsOf(scene);
  const ranked = [...indices].sort((a, b) => scores[b] - scores[a] || a - b);
  const kept = new Set();
  for (const index of ranked) {
    const rivals = overlaps.get(index) ?? [];
    const taken = rivals.some(
      ([other, shared]) =>
        kept.has(other) &&
        (tidy.across_classes || classIds[other] === classIds[index]) &&
        overlap(scene, tidy, index, other, shared) > tidy.max_overlap,
    );
    if (!taken) kept.add(index);
  }
  return indices.filter((index) => kept.has(index));
}

/**
 * @param {Scene} scene
 * @param {Tidy} tidy
 * @param {number} one
 * @param {number} other
 * @param {number} shared pixels
 */
function overlap(scene, { overlap_by }, one, other, shared) {
  const [a, b] = [pixels(scene, one), pixels(scene, other)];
  return shared / (overlap_by === "iou" ? a + b - shared : Math.min(a, b));
}

/**
 * An instance's pixels; without a mask, those of its box.
 *
 * @param {Scene} scene
 * @param {number} index
 */
function pixels({ header, masks }, index) {
  const { bits, width, height } = masks[index];
  return bits ? header.areas[index] : width * height;
}

/**
 * @param {Scene} scene
 * @returns {Overlaps}
 */
function overlapsOf(scene) {
  const known = overlapsOfScenes.get(scene);
  if (known) return known;
  /** @type {Overlaps} */
  const overlaps = new Map();
  const { masks } = scene;
  /** @type {ReturnType<typeof runsOf>[]} */
  const runs = [];
  const runsAt = (/** @type {number} */ index) => {
    runs[index] ??= runsOf(masks[index]);
    return runs[index];
  };
  // From left to right: one can only meet those that begin before it ends.
  const order = masks.map((_, index) => index).filter((index) => masks[index].width);
  order.sort((a, b) => masks[a].x - masks[b].x);
  order.forEach((index, at) => {
    const one = masks[index];
    for (let next = at + 1; next < order.length; next++) {
      const other = masks[order[next]];
      if (other.x >= one.x + one.width) break;
      if (other.y >= one.y + one.height || one.y >= other.y + other.height) continue;
      const shared = sharedPixels(runsAt(index), runsAt(order[next]));
      if (shared) addPair(overlaps, index, order[next], shared);
    }
  });
  overlapsOfScenes.set(scene, overlaps);
  return overlaps;
}

/**
 * @param {Overlaps} overlaps
 * @param {number} one
 * @param {number} other
 * @param {number} shared
 */
function addPair(overlaps, one, other, shared) {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ]) {
    const rivals = overlaps.get(from) ?? [];
    rivals.push([to, shared]);
    overlaps.set(from, rivals);
  }
}
