// What a click, a key or a menu item changes. Pure: from the traits' values to their new values.

/**
 * The list without the item, or with it at its end.
 *
 * @template Item
 * @param {Item[]} list
 * @param {Item} item
 */
export function toggled(list, item) {
  return list.includes(item) ? list.filter((one) => one !== item) : [...list, item];
}

/**
 * The selection after a click on an instance; null when the click changes nothing.
 *
 * @param {number[]} selected
 * @param {number | null} index null: beside all instances
 * @param {boolean} add with Shift or Ctrl: one more, or one less
 * @returns {number[] | null}
 */
export function selectionAfter(selected, index, add) {
  if (index === null) return add ? null : [];
  if (add) return toggled(selected, index);
  const alone = selected.length === 1 && selected[0] === index;
  return alone ? [] : [index];
}

/**
 * Hides one instance; what is hidden can't be selected.
 *
 * @param {number[]} hidden
 * @param {number[]} selected
 * @param {number} index
 */
export function hideInstance(hidden, selected, index) {
  return {
    hidden_instances: [...hidden, index],
    selected: selected.filter((one) => one !== index),
  };
}

/**
 * Shows one instance alone; a second time, all that were shown before.
 *
 * @param {number} count instances of the image
 * @param {number[]} hidden
 * @param {number[] | null} previousHidden what was hidden before the first was shown alone
 * @param {number} index
 * @returns {{changes: Record<string, number[]>, previousHidden: number[] | null}}
 */
export function isolateInstance(count, hidden, previousHidden, index) {
  const others = Array.from({ length: count }, (_, one) => one).filter((one) => one !== index);
  const alone = hidden.length === others.length && !hidden.includes(index);
  if (alone) return { changes: { hidden_instances: previousHidden ?? [] }, previousHidden: null };

  // From one alone to the next: what was hidden before the first is what comes back.
  const fromSome = hidden.length < others.length;
  const kept = fromSome ? hidden.filter((one) => one !== index) : previousHidden;
  return { changes: { hidden_instances: others, selected: [index] }, previousHidden: kept };
}

/**
 * The hidden classes after one class is shown alone; a second time, none.
 *
 * @param {string[]} names all classes of the image
 * @param {string[]} hidden
 * @param {string} name
 */
export function isolateClass(names, hidden, name) {
  const others = names.filter((one) => one !== name);
  const alone = others.every((one) => hidden.includes(one)) && !hidden.includes(name);
  return alone ? [] : others;
}

/**
 * The class thresholds with one more, or without one.
 *
 * @param {Record<string, number>} thresholds
 * @param {string} name
 * @param {number | null} value null: the common threshold
 */
export function withClassThreshold(thresholds, name, value) {
  const { [name]: _, ...others } = thresholds;
  return value === null ? others : { ...others, [name]: value };
}

/**
 * What is drawn after one kind of mark is switched on or off, in the order of `all`.
 *
 * @param {string[]} all
 * @param {string[]} show
 * @param {string} name
 */
export function toggledMarks(all, show, name) {
  return all.filter((one) => (one === name) !== show.includes(one));
}
