// Which instances are shown, in which order, and how they are described.

import { maskHas } from "./masks.js";
import { thresholdText } from "./threshold_text.js";

/** @import {Explanation, Filter, Header, Scene, SortKey} from "./types.js" */

/**
 * A class's own threshold, or undefined. Every object has what is called "constructor", so a plain
 * look-up would find one for a class of that name.
 *
 * @param {Record<string, number>} thresholds
 * @param {string} name
 */
export function classThreshold(thresholds, name) {
  return Object.hasOwn(thresholds, name) ? thresholds[name] : undefined;
}

/**
 * The ids of the classes that have a threshold of their own: the slider does not move them.
 *
 * @param {Header} header
 * @param {Filter} filter
 */
export function ownClasses({ classes }, { classThresholds = {} }) {
  const own = classes.filter(({ name }) => classThreshold(classThresholds, name) !== undefined);
  return new Set(own.map(({ id }) => id));
}

/**
 * The indices that meet their class's threshold and belong to a shown class.
 * Scores are float32; the thresholds are rounded to float32, too.
 *
 * @param {Header} header
 * @param {Filter} filter
 */
export function aboveThreshold(header, { threshold, classThresholds = {}, hiddenClasses = [] }) {
  const least = new Map(
    header.classes.map(({ id, name }) => [
      id,
      Math.fround(classThreshold(classThresholds, name) ?? threshold),
    ]),
  );
  const hidden = new Set(hiddenClasses); // of a large vocabulary there may be a thousand
  for (const { id, name } of header.classes) {
    if (hidden.has(name)) least.set(id, Infinity);
  }
  /** @type {number[]} */
  const above = [];
  header.scores.forEach((score, index) => {
    if (score >= (least.get(header.classIds[index]) ?? Infinity)) above.push(index);
  });
  return above;
}

/**
 * The indices that are shown, in the prediction's order: above the threshold and not hidden one by one.
 *
 * @param {Header} header
 * @param {Filter} filter
 */
export function visibleInstances(header, filter) {
  const above = aboveThreshold(header, filter);
  if (!filter.hiddenInstances?.length) return above;
  const single = new Set(filter.hiddenInstances);
  return above.filter((index) => !single.has(index));
}

/**
 * `indices` by "score", "area" or "class"; equal ones by their score, then by their index.
 *
 * @param {Header} header
 * @param {number[]} indices
 * @param {SortKey} by
 * @param {boolean} descending
 */
export function sortInstances(header, indices, by, descending) {
  const names = new Map(header.classes.map(({ id, name }) => [id, name]));
  /** @type {(index: number) => string} */
  const nameOf = (index) => names.get(header.classIds[index]) ?? "";
  /** @type {Record<SortKey, (a: number, b: number) => number>} */
  const comparisons = {
    index: (a, b) => a - b,
    score: (a, b) => header.scores[a] - header.scores[b],
    area: (a, b) => header.areas[a] - header.areas[b],
    class: (a, b) => nameOf(a).localeCompare(nameOf(b)),
    // It changes with each threshold: `matchedRows` sorts by it what this leaves by score.
    match: () => 0,
  };
  const compare = comparisons[by];
  const turn = descending ? -1 : 1;
  return [...indices].sort(
    (a, b) => turn * compare(a, b) || header.scores[b] - header.scores[a] || a - b,
  );
}

/**
 * The smallest of the shown instances that has the image's pixel (x, y), or null.
 *
 * @param {Pick<Scene, "header" | "masks">} scene
 * @param {number[]} shown
 * @param {number} x
 * @param {number} y
 * @returns {number | null}
 */
export function instanceAt(scene, shown, x, y) {
  let found = null;
  for (const index of shown) {
    if (found !== null && scene.header.areas[index] >= scene.header.areas[found]) continue;
    if (maskHas(scene.masks[index], x, y)) found = index;
  }
  return found;
}

/**
 * For each class of the image its counts, the class with the best score first. So the classes that
 * show come before those that do not at any threshold, and no row moves with the threshold.
 *
 * @param {Header} header
 * @param {number[]} shown
 */
export function countClasses(header, shown) {
  const rows = header.classes.map((known) => ({ ...known, shown: 0, total: 0, best: 0 }));
  const byId = new Map(rows.map((row) => [row.id, row]));
  header.classIds.forEach((id, index) => {
    const row = byId.get(id);
    if (!row) return;
    row.total++;
    row.best = Math.max(row.best, header.scores[index]);
  });
  for (const index of shown) {
    const row = byId.get(header.classIds[index]);
    if (row) row.shown++;
  }
  return rows.sort((a, b) => b.best - a.best || b.total - a.total || a.id - b.id);
}

/**
 * The classes whose names contain each word of `text`, in any order, whatever the case.
 *
 * @template {{name: string}} Named
 * @param {Named[]} classes
 * @param {string} text
 */
export function findClasses(classes, text) {
  const words = text
    .toLocaleLowerCase()
    .split(/[\s_]+/)
    .filter(Boolean);
  return classes.filter(({ name }) =>
    words.every((word) => name.toLocaleLowerCase().includes(word)),
  );
}

/**
 * "7 of 12 instances shown: 3 person, 2 animal, …"
 *
 * @param {Header} header
 * @param {number[]} shown
 */
export function summarize(header, shown) {
  const total = header.scores.length;
  if (!total) return "No objects found";
  const head = `${shown.length} of ${total} ${total === 1 ? "instance" : "instances"} shown`;
  const counted = countClasses(header, shown)
    .filter((row) => row.shown)
    .sort((a, b) => b.shown - a.shown || a.id - b.id);
  return counted.length
    ? `${head}: ${counted.map((row) => `${row.shown} ${row.name}`).join(", ")}`
    : head;
}

/**
 * Why a result shows no instance, and what would help; null when one shows.
 *
 * @param {Header} header
 * @param {number[]} shown
 * @param {Filter} filter
 * @returns {Explanation | null}
 */
export function explainNothing(header, shown, filter) {
  if (shown.length) return null;
  const { threshold, classThresholds = {}, hiddenClasses = [], hiddenInstances = [] } = filter;
  const scores = header.scores;
  if (!scores.length) return { text: "No objects found in this image.", button: null };
  const above = aboveThreshold(header, { threshold, classThresholds });
  if (above.length && (hiddenClasses.length || hiddenInstances.length)) {
    const counted =
      above.length === 1 ? "The one instance is" : `All ${above.length} instances are`;
    return {
      text: `${counted} hidden.`,
      button: "Show all",
      change: { hidden_classes: [], hidden_instances: [] },
    };
  }
  if (above.length) {
    const counted = above.length === 1 ? "The one instance is" : `All ${above.length} are`;
    return { text: `${counted} tidied away.`, button: "Show all", change: { tidy: {} } };
  }
  let best = 0;
  for (const score of scores) best = Math.max(best, score);
  if (best >= Math.fround(threshold)) {
    const text = "Nothing meets the threshold of its own class.";
    return { text, button: "Use one for all", change: { class_thresholds: {} } };
  }
  // Rounded down, or the button would still show nothing.
  /** @type {Record<string, unknown>} */
  const change = {
    threshold: Math.floor(best * 100) / 100,
    hidden_classes: [],
    hidden_instances: [],
  };
  if (Object.keys(classThresholds).length) change.class_thresholds = {};
  return {
    text: `Nothing above ${thresholdText(threshold)}; best is ${best.toFixed(2)}.`,
    button: "Show it",
    change,
  };
}

/**
 * The next of `shown` (best score first) after `current`, `step` further and around the ends.
 *
 * @param {Header} header
 * @param {number[]} shown
 * @param {number | null} current
 * @param {number} step
 * @returns {number | null}
 */
export function stepInstance(header, shown, current, step) {
  if (!shown.length) return null;
  const ranked = [...shown].sort((a, b) => header.scores[b] - header.scores[a] || a - b);
  const at = current === null ? -1 : ranked.indexOf(current);
  if (at < 0) return step > 0 ? ranked[0] : ranked[ranked.length - 1];
  return ranked[(at + step + ranked.length) % ranked.length];
}

/**
 * The class of one instance.
 *
 * @param {Header} header
 * @param {number} index
 */
export function classOf(header, index) {
  const id = header.classIds[index];
  const found = header.classes.find((known) => known.id === id);
  if (!found) throw new Error(`the message from the kernel names no class ${id}`);
  return found;
}

/**
 * An instance's facts in words.
 *
 * @param {Header} header
 * @param {number} index
 */
export function describeInstance(header, index) {
  const area = header.areas[index];
  const percent = (100 * area) / (header.width * header.height);
  const share = percent >= 0.1 || percent === 0 ? percent.toFixed(1) : "< 0.1";
  const [left, top, right, bottom] = header.boxes[index].map(Math.round);
  // Of a mask that is still to come nobody knows it.
  const waits = header.hasMasks && header.crops[index] === null;
  return {
    name: classOf(header, index).name,
    score: header.scores[index].toFixed(2),
    area: waits ? "…" : `${area.toLocaleString("en-US")} px (${share} %)`,
    share: waits ? "…" : `${share} %`,
    box: `${left}, ${top} – ${right}, ${bottom}`,
  };
}
