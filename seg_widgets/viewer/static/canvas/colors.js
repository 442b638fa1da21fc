// Colours of instances and of the text on them.

import { classOf } from "./instances.js";

/** @import {Header} from "./types.js" */

/** @param {string} color such as "#e69f00" */
function channels(color) {
  return [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
}

/**
 * Black or white, whichever reads better on a colour (WCAG 2.2: 4.5 : 1 or more).
 *
 * @param {string} color such as "#e69f00"
 */
export function textColor(color) {
  const [red, green, blue] = channels(color).map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000000" : "#ffffff";
}

/**
 * A score's colour, from violet (0) over teal to yellow (1): viridis at five points, straight lines between.
 *
 * @param {number} score
 */
export function scoreColor(score) {
  const stops = ["#440154", "#3b528b", "#21918c", "#5ec962", "#fde725"].map(channels);
  const at = Math.min(Math.max(score, 0), 1) * 4;
  const from = Math.min(Math.floor(at), 3);
  const mixed = stops[from].map((value, part) =>
    Math.round(value + (stops[from + 1][part] - value) * (at - from)),
  );
  return `#${mixed.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/**
 * The colour of one instance.
 *
 * @param {Header} header
 * @param {number} index
 * @param {string} colorBy "class", "instance" or "score"
 */
export function instanceColor(header, index, colorBy) {
  if (colorBy === "instance") return header.colors[index];
  if (colorBy === "score") return scoreColor(header.scores[index]);
  return classOf(header, index).color;
}
