// Labels: how they look, and where they go, so that none covers another.

import { textColor } from "./colors.js";
import { contextOf, makeCanvas } from "./dom.js";
import { describeInstance } from "./instances.js";

/** @import {Header, WantedLabel} from "./types.js" */

/**
 * Where labels go: for each of `wanted` a corner, or null where every place is taken.
 *
 * @param {WantedLabel[]} wanted the most important first
 * @param {number} stageWidth
 * @param {number} height
 * @returns {({x: number, y: number} | null)[]}
 */
export function placeLabels(wanted, stageWidth, height) {
  /** @type {{x: number, y: number, right: number, bottom: number}[]} */
  const taken = [];
  return wanted.map((label) => {
    const left = Math.min(Math.max(label.x, 0), stageWidth - label.width);
    const right = Math.min(Math.max(label.right - label.width, 0), stageWidth - label.width);
    const middle = (label.y + label.bottom - label.height) / 2;
    const places = [
      [left, label.y - label.height],
      [left, Math.max(label.y, 0)],
      [right, label.y - label.height],
      [left, label.bottom],
      [left, middle],
      [right, label.bottom - label.height],
    ];
    for (const [x, y] of places) {
      const box = { x, y, right: x + label.width, bottom: y + label.height };
      if (x < 0 || y < 0 || box.right > stageWidth || box.bottom > height) continue;
      if (
        taken.some(
          (one) =>
            box.x < one.right && one.x < box.right && box.y < one.bottom && one.y < box.bottom,
        )
      )
        continue;
      taken.push(box);
      return { x, y };
    }
    return null;
  });
}

/** From so many instances in view on, not each has a label: the image would lie under them. */
const MANY_INSTANCES = 50;
const FEWEST_LABELS = 12;

/**
 * How many of `count` instances in view have a label: all, then fewer and fewer of the best.
 *
 * @param {number} count
 */
export function labelCount(count) {
  if (count <= MANY_INSTANCES) return count;
  return Math.max(FEWEST_LABELS, Math.round(MANY_INSTANCES ** 2 / count));
}

/** CSS pixels. */
export const LABEL_HEIGHT = 18;
const FONT_SIZE = 12;
const LABEL_RADIUS = 4;
/** CSS pixels before the name and behind the score. */
const LABEL_PADDING = 6;
/** CSS pixels between name and score. */
const LABEL_GAP = 4;

/**
 * A label, drawn; its width is in CSS pixels.
 *
 * @param {Header} header
 * @param {number} index
 * @param {string} color
 * @param {string} font
 * @param {number} ratio screen pixels for a CSS pixel
 * @param {string} words in place of the score
 */
export function drawLabel(header, index, color, font, ratio, words = "") {
  const facts = describeInstance(header, index);
  const name = facts.name;
  const score = words || facts.score;
  const bold = `600 ${FONT_SIZE}px ${font}`;
  const plain = `${FONT_SIZE}px ${font}`;
  const ruler = contextOf(makeCanvas(1, 1));
  ruler.font = bold;
  const nameWidth = ruler.measureText(name).width;
  ruler.font = plain;
  const scoreWidth = ruler.measureText(score).width;
  const width = Math.ceil(nameWidth + scoreWidth + 2 * LABEL_PADDING + LABEL_GAP);

  const canvas = makeCanvas(width * ratio, LABEL_HEIGHT * ratio);
  const context = contextOf(canvas);
  context.scale(ratio, ratio);
  context.fillStyle = color;
  context.beginPath();
  context.roundRect(0, 0, width, LABEL_HEIGHT, LABEL_RADIUS);
  context.fill();
  context.fillStyle = textColor(color);
  context.textBaseline = "middle";
  const middle = LABEL_HEIGHT / 2 + 0.5;
  context.font = bold;
  context.fillText(name, LABEL_PADDING, middle);
  context.font = plain;
  context.fillText(score, LABEL_PADDING + nameWidth + LABEL_GAP, middle);
  return { canvas, width };
}
