// How the shown instances are drawn at this moment.

import { shownInstances } from "./tidy.js";

/** @import {Parts} from "./parts.js" */
/** @import {Filter, Look, Scene} from "./types.js" */

/**
 * @param {Parts} parts
 * @param {Scene} scene
 * @param {Filter} filter
 * @param {string} font of the labels
 * @returns {Look}
 */
export function lookOf({ sync, actions, navigation, comparison }, scene, filter, font) {
  const shown = shownInstances(scene, filter);
  const visible = new Set(shown);
  const hovered = sync.get("hovered");
  /** @type {number[]} */
  const selected = sync.get("selected");
  return {
    shown,
    hovered: visible.has(hovered) ? hovered : null,
    selected: selected.filter((index) => visible.has(index)),
    ...sync.style(),
    font,
    hideMasks: actions.hideMasks,
    moving: navigation.moving,
    compared: comparison.current(),
  };
}
