// What the curves above the threshold slider are: each has a colour and a line of its own.

import { make } from "../shared/dom.js";
import { path, svg } from "./svg.js";
import { thresholdText } from "./threshold_text.js";

/** @import {Judgement} from "./evidence.js" */

/** The lines of the curves in words, in their order; the style sheet draws them. */
const LINES = ["dashed line", "dotted line", "solid line"];

/** @param {number} at the curve's place in its judgement */
export function curveClass(at) {
  return `sgw-curve sgw-curve-${at % LINES.length}`;
}

/**
 * The entries of the legend.
 *
 * @param {Judgement} judgement
 */
export function legendEntries({ curves, marks }) {
  const lines = curves.map(({ name }, at) => {
    const line = path(curveClass(at));
    line.setAttribute("d", "M0 50H100");
    return entry(svg(line), name, `, ${LINES[at % LINES.length]}`);
  });
  const places = marks.map(({ name, threshold }) => {
    const mark = make("span", "sgw-mark", { "aria-hidden": "true" });
    return entry(mark, name, ` at ${thresholdText(threshold)}`);
  });
  return [...lines, ...places];
}

/**
 * @param {Node} sample
 * @param {string} name
 * @param {string} words for those who don't see the sample
 */
function entry(sample, name, words) {
  const more = make("span", "sgw-offscreen", { text: words });
  return make("span", "sgw-strip-entry", { role: "listitem" }, sample, name, more);
}
