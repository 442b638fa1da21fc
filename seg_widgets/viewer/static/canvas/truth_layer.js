// The other side of a comparison on the image: what was missed, or all of it.

import { labelCount } from "./labels.js";
import { Layers } from "./layers.js";
import { MATCH } from "./matching.js";
import { MATCH_LINES, outcomeName } from "./match_styles.js";
import { Stack } from "./stack.js";
import { drawMarks, drawRing, isInView } from "./stamps.js";

/** @import {Compared, Look, Scene} from "./types.js" */
/** @import {Lines} from "./stack.js" */
/** @import {Marked, Target} from "./stamps.js" */

/** Of the ring around a partner. */
const PARTNER_DASH = [6, 4];

export class TruthLayer {
  #layers = new Layers();
  /** What the prediction lacks. */
  #lacking = new Stack(this.#layers);
  /** All of it. */
  #all = new Stack(this.#layers);

  /** Another image comes. */
  forget() {
    this.#layers.forget();
    this.#lacking.forget();
    this.#all.forget();
  }

  /**
   * What was missed, and the regions that count neither way: as lines.
   *
   * @param {Target} target
   * @param {Compared} compared
   * @param {Look} look
   */
  drawLacking(target, { side, matched }, look) {
    const lines = { ...look, show: ["outlines"] };
    this.#layers.prepare(lines, target.ratio);
    /** @type {Lines} */
    const lacking = new Map();
    matched.ofOther.forEach((state, index) => {
      const lacks = state === MATCH.missed || state === MATCH.ignored;
      if (lacks) lacking.set(index, MATCH_LINES[state]);
    });
    this.#lacking.draw(target, side, lines, lacking, look.hovered === null ? null : []);
  }

  /**
   * The other side with all of its instances that count.
   *
   * @param {Target} target
   * @param {Compared} compared
   * @param {Look} look
   */
  drawOther(target, compared, look) {
    const { side, matched, counting } = compared;
    this.#layers.prepare(look, target.ratio);
    const drawn = new Map(counting.map((index) => [index, MATCH_LINES[matched.ofOther[index]]]));
    this.#all.draw(target, side, look, drawn, null);
    if (look.show.includes("labels")) {
      const marked = side.order.filter((index) => drawn.has(index));
      const calm = { ...look, hovered: null };
      drawMarks(target, this.#otherMarks(compared, marked, target), calm, null);
    }
    const hovered = compared.hovered ?? partnerOf(look);
    if (hovered !== null && drawn.has(hovered)) {
      drawRing(target, side, look, hovered);
    }
  }

  /**
   * A ring around the hovered instance's partner on the other side, or around that of the other
   * side's hovered one.
   *
   * @param {Target} target
   * @param {Scene} scene
   * @param {Compared} compared
   * @param {Look} look
   */
  drawPartner(target, scene, compared, look) {
    const other = compared.hovered ?? partnerOf(look);
    if (other === null) return;
    drawRing(target, compared.side, look, other, PARTNER_DASH);
    const back = compared.matched.back[other];
    const isShown = compared.hovered !== null && back >= 0 && look.shown.includes(back);
    if (isShown) drawRing(target, scene, look, back);
  }

  /**
   * The instances in view that were missed; of many, the largest.
   *
   * @param {Target} target
   * @param {Look} look
   */
  missedMarks(target, { compared }) {
    if (compared?.mode !== "both") return [];
    const { matched, side } = compared;
    const missed = side.order.filter((index) => matched.ofOther[index] === MATCH.missed);
    return this.#otherMarks(compared, missed, target);
  }

  /**
   * @param {Compared} compared
   * @param {number[]} indices of the other side
   * @param {Target} target
   * @returns {Marked[]}
   */
  #otherMarks({ side, matched }, indices, target) {
    const inView = indices.filter((index) => isInView(target, side.masks[index]));
    return inView.slice(0, labelCount(inView.length)).map((index) => {
      const words = outcomeName(side.header, matched.ofOther[index]);
      return { scene: side, layers: this.#layers, index, words };
    });
  }
}

/**
 * The hovered instance's partner on the other side, or null.
 *
 * @param {Look} look
 */
function partnerOf({ compared, hovered }) {
  const partner = compared && hovered !== null ? compared.matched.partners[hovered] : -1;
  return partner >= 0 ? partner : null;
}
