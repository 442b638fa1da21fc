// What came of matching, in words.

import { classOf } from "./instances.js";
import { MATCH } from "./matching.js";
import { OUTCOMES, outcomeCounts, outcomeName } from "./match_styles.js";

/** @import {Compared, Header} from "./types.js" */

/**
 * How often each outcome occurs.
 *
 * @param {Compared} compared
 */
export function matchWords({ side, matched }) {
  const counts = outcomeCounts(matched);
  return OUTCOMES.filter((state) => state !== MATCH.ignored || counts[state])
    .map((state) => `${counts[state]} ${outcomeName(side.header, state, counts[state])}`)
    .join(", ");
}

/**
 * The outcome and the partner of what is hovered, on whichever side; "" where nothing is.
 *
 * @param {Header} header of the prediction
 * @param {Compared} compared
 * @param {number | null} hovered instance of the prediction
 */
export function partnerWords(header, { side, matched, hovered: other }, hovered) {
  if (other !== null) {
    const back = matched.back[other];
    const state = outcomeName(side.header, matched.ofOther[other]);
    if (back < 0) return state;
    return `${state}, with ${classOf(header, back).name} ${header.scores[back].toFixed(2)}, IoU ${matched.ious[back].toFixed(2)}`;
  }
  if (hovered === null) return "";
  const state = outcomeName(side.header, matched.ofFound[hovered]);
  const partner = matched.partners[hovered];
  if (partner < 0) return state;
  return `${state}, with ${classOf(side.header, partner).name}, IoU ${matched.ious[hovered].toFixed(2)}`;
}
