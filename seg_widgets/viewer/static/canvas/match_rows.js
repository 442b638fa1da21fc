// The rows of the table while something is compared: which there are, and their order by outcome.

import { MATCH } from "./matching.js";
import { OUTCOMES } from "./match_styles.js";

/** @import {Compared, Header} from "./types.js" */

/**
 * The rows while something is compared: those of the chosen outcome; what was missed comes last,
 * with indices behind the prediction's.
 *
 * @param {Header} header
 * @param {Compared} compared
 * @param {number[]} ranked
 * @param {boolean | null} descending sorted by outcome, or from the legend's end; null: not sorted
 */
export function matchedRows(header, compared, ranked, descending) {
  const { matched, only } = compared;
  const count = header.scores.length;
  const rows = ranked.filter((index) => only === null || matched.ofFound[index] === only);
  if (only === null || only === MATCH.missed) {
    matched.ofOther.forEach((state, index) => {
      if (state === MATCH.missed) rows.push(count + index);
    });
  }
  return descending === null ? rows : sortMatches(compared, rows, descending);
}

/**
 * The rows by outcome, in the order of the legend; those of one outcome stay in order.
 *
 * @param {Compared} compared
 * @param {number[]} rows
 * @param {boolean} descending the legend's order from its end
 */
function sortMatches({ matched }, rows, descending) {
  const count = matched.ofFound.length;
  const stateOf = (/** @type {number} */ row) =>
    row < count ? matched.ofFound[row] : matched.ofOther[row - count];
  // What is hidden one by one has no outcome, and comes last.
  const rank = new Map([...OUTCOMES, MATCH.leftOut].map((state, at) => [state, at]));
  const turn = descending ? -1 : 1;
  const rankOf = (/** @type {number} */ row) => rank.get(stateOf(row)) ?? 0;
  return [...rows].sort((a, b) => turn * (rankOf(a) - rankOf(b)));
}
