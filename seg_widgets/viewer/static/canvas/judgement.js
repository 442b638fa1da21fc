// How good each threshold is where the truth is known: precision, recall and F1 over the threshold,
// and the best one. Pure; strip.js draws it.

import { STEPS } from "./evidence.js";
import { ownClasses } from "./instances.js";
import { MATCH, matchInstances, othersThatCount } from "./matching.js";

/** @import {Judgement} from "./evidence.js" */
/** @import {Filter, Header, Matched, Other} from "./types.js" */

/** The digits that a threshold is rounded to, the first that do. */
const DIGITS = [2, 3, 4, 5, 6];

/**
 * What a threshold is worth.
 *
 * @typedef {Pick<Matched, "precision" | "recall" | "f1">} Worth
 */

/**
 * @param {Header} header
 * @param {Other} truth
 * @param {Filter} filter its threshold does not matter
 * @param {(threshold: number) => number[]} shownAt the indices that a threshold shows
 * @param {number} iou threshold
 * @param {boolean} drops whether instances take each other away
 * @returns {Judgement}
 */
export function judgementOf(header, truth, filter, shownAt, iou, drops) {
  const counting = othersThatCount(truth, filter);
  const matchedAt = (/** @type {number} */ threshold) =>
    matchInstances(header, truth, shownAt(threshold), counting, iou);
  const steps = Array.from({ length: STEPS + 1 }, (_, step) => step / STEPS);
  const own = ownClasses(header, filter);
  // Then what a threshold brings in can take away what another one showed: each is looked at.
  const each = drops && own.size > 0;
  const { worthAt, scores } = each
    ? { worthAt: matchedAt, scores: [...steps].reverse() }
    : fromOne(header, matchedAt(0), own);
  const best = bestOf(scores, worthAt);
  const thresholds = [...new Set(best === null ? steps : [...steps, best])].sort((a, b) => a - b);
  const worths = thresholds.map((threshold) => worthAt(threshold));
  // The slider's steps are among them: nothing is matched again while it moves.
  const known = new Map(thresholds.map((threshold, at) => [threshold, worths[at]]));
  return {
    thresholds,
    valuesAt: (threshold) => {
      const { precision, recall, f1 } = known.get(threshold) ?? worthAt(threshold);
      return [precision, recall, f1];
    },
    curves: [
      { name: "precision", values: worths.map(({ precision }) => precision) },
      { name: "recall", values: worths.map(({ recall }) => recall) },
      { name: "F1", values: worths.map(({ f1 }) => f1) },
    ],
    marks: best === null ? [] : [{ name: "best F1", threshold: best }],
  };
}

/**
 * The worth of all thresholds from the matches at threshold 0: the surest detections choose first,
 * so those that a lower threshold brings in change nothing for the others.
 *
 * @param {Header} header
 * @param {Matched} matched
 * @param {Set<number>} own the classes that the slider does not move
 */
function fromOne(header, { ofFound, ofOther }, own) {
  let objects = 0;
  for (const state of ofOther)
    objects += Number(state !== MATCH.leftOut && state !== MATCH.ignored);
  /** @type {number[]} */
  const moved = [];
  let [hits, count] = [0, 0];
  ofFound.forEach((state, index) => {
    if (state === MATCH.leftOut || state === MATCH.ignored) return;
    if (!own.has(header.classIds[index])) moved.push(index);
    else [hits, count] = [hits + Number(state === MATCH.hit), count + 1];
  });
  moved.sort((a, b) => header.scores[b] - header.scores[a]);
  const scores = moved.map((index) => header.scores[index]);
  // How many of the first ones are hits, for each number of them.
  const sums = [hits];
  for (const index of moved) {
    hits += Number(ofFound[index] === MATCH.hit);
    sums.push(hits);
  }
  /** @type {(threshold: number) => Worth} */
  const worthAt = (threshold) => {
    const first = countFrom(scores, Math.fround(threshold));
    const [right, all] = [sums[first], count + first];
    return {
      precision: all ? right / all : null,
      recall: objects ? right / objects : null,
      f1: all + objects ? (2 * right) / (all + objects) : null,
    };
  };
  return { worthAt, scores };
}

/**
 * How many scores meet a threshold.
 *
 * @param {number[]} scores the highest first
 * @param {number} threshold
 */
function countFrom(scores, threshold) {
  let [low, high] = [0, scores.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (scores[middle] >= threshold) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The threshold with the highest F1, of equal ones the highest, rounded down as far as it shows the
 * same; null where nothing is right. `Curve.best` of evaluation/curves.py has the same rule.
 *
 * @param {number[]} scores the highest first
 * @param {(threshold: number) => Worth} worthAt
 */
function bestOf(scores, worthAt) {
  let [best, highest] = [-1, 0];
  scores.forEach((score, at) => {
    const f1 = scores[at - 1] === score ? null : worthAt(score).f1;
    if (f1 !== null && f1 > highest) [best, highest] = [at, f1];
  });
  if (best < 0) return null;
  const score = scores[best];
  const below = scores.find((other) => other < score) ?? -1;
  const rounded = DIGITS.map((digits) => Math.floor(score * 10 ** digits) / 10 ** digits);
  return rounded.find((threshold) => Math.fround(threshold) > below) ?? score;
}
