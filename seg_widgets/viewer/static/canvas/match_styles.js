// How the outcomes of matching look: each has a colour and a line of its own, so that no kind of
// colour vision is needed to tell them apart; and what they are called.

import { MATCH } from "./matching.js";

/** @import {LineStyle, Matched, Other} from "./types.js" */

/** By `MATCH`; dashes in CSS pixels. @type {Record<number, LineStyle>} */
export const MATCH_LINES = {
  [MATCH.hit]: { color: "#3ddc97", dash: [], width: 2.2 },
  [MATCH.falseAlarm]: { color: "#ff7a1a", dash: [9, 5], width: 2.4 },
  [MATCH.wrongClass]: { color: "#f7e14b", dash: [10, 4, 2, 4], width: 2.4 },
  [MATCH.missed]: { color: "#ff8ad1", dash: [2, 4], width: 2.6 },
  [MATCH.ignored]: { color: "#c3c8cf", dash: [2, 8], width: 2.2 },
};

/** The outcomes in the order of the legend. */
export const OUTCOMES = [
  MATCH.hit,
  MATCH.falseAlarm,
  MATCH.wrongClass,
  MATCH.missed,
  MATCH.ignored,
];

const WITH_TRUTH = {
  [MATCH.hit]: ["hit", "hits"],
  [MATCH.falseAlarm]: ["false alarm", "false alarms"],
  [MATCH.wrongClass]: ["wrong class", "wrong classes"],
  [MATCH.missed]: ["missed", "missed"],
  [MATCH.ignored]: ["ignored", "ignored"],
};
const WITH_MODEL = {
  [MATCH.hit]: ["in both", "in both"],
  [MATCH.falseAlarm]: ["only here", "only here"],
  [MATCH.wrongClass]: ["other class", "other classes"],
  [MATCH.missed]: ["only there", "only there"],
  [MATCH.ignored]: ["ignored", "ignored"],
};

/**
 * What an outcome is called.
 *
 * @param {Other} other
 * @param {number} state one of `MATCH`
 * @param {number} count
 */
export function outcomeName(other, state, count = 1) {
  const names = (other.kind === "truth" ? WITH_TRUTH : WITH_MODEL)[state];
  return names[count === 1 ? 0 : 1];
}

/**
 * How often each outcome occurs, by `MATCH`.
 *
 * @param {Matched} matched
 * @returns {Record<number, number>}
 */
export function outcomeCounts(matched) {
  let ignored = 0;
  for (const state of matched.ofFound) ignored += Number(state === MATCH.ignored);
  return {
    [MATCH.hit]: matched.hits,
    [MATCH.falseAlarm]: matched.falseAlarms,
    [MATCH.wrongClass]: matched.wrongClasses,
    [MATCH.missed]: matched.misses,
    [MATCH.ignored]: ignored,
  };
}
