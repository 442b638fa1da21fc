// Thresholds as a person reads them, and may type them again elsewhere.

const SHOWN_DIGITS = [2, 3, 4, 5, 6];

/**
 * A threshold with as many digits as show the same instances; two are usual.
 *
 * @param {number} threshold
 */
export function thresholdText(threshold) {
  const texts = SHOWN_DIGITS.map((digits) => threshold.toFixed(digits));
  const same = texts.find((text) => Math.fround(Number(text)) === Math.fround(threshold));
  return same ?? String(threshold);
}
