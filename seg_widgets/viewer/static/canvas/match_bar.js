// The bar above the image while something is compared: which side, the IoU threshold, what came of
// it (which is the legend, too), and how both sides are shown.

import { make, setAttribute, setText } from "../shared/dom.js";
import { wordButton } from "./dom.js";
import { MATCH } from "./matching.js";
import { MATCH_LINES, OUTCOMES, outcomeCounts, outcomeName } from "./match_styles.js";

/** @import {Comparison} from "./comparison.js" */
/** @import {Compared, LineStyle, OtherScene} from "./types.js" */

export class MatchBar {
  element = make("div", "sgw-match", { hidden: "", role: "group", "aria-label": "Comparison" });
  /** Between both sides on the stage, while they stand side by side. */
  divider = make("div", "sgw-divider", { hidden: "", "aria-hidden": "true" });
  /** @type {Comparison} */
  #comparison;
  #sides = make("select", "sgw-match-sides", { "aria-label": "Compare with" });
  #iou = make("input", "sgw-range", { type: "range", min: 0.1, max: 1, step: 0.05 });
  /** The slider says its value itself. */
  #iouValue = make("span", "sgw-match-value", { "aria-hidden": "true" });
  #scores = make("span", "sgw-match-scores");
  /** By outcome. @type {Map<number, {chip: HTMLButtonElement, text: HTMLElement}>} */
  #chips = new Map();
  /** @type {HTMLButtonElement} */
  #swipe;
  /** @type {HTMLButtonElement} */
  #blink;
  #edge = make("input", "sgw-range", { type: "range", min: 0, max: 1, step: 0.01 });
  /** What the sides were listed for. @type {OtherScene[] | null} */
  #listed = null;

  /** @param {Comparison} comparison */
  constructor(comparison) {
    this.#comparison = comparison;
    this.#iou.setAttribute("aria-label", "IoU threshold");
    this.#edge.setAttribute("aria-label", "Share of the prediction");
    this.#swipe = modeButton("Swipe", "Both sides beside each other", () =>
      comparison.show(this.#edge.hidden ? "swipe" : "both"),
    );
    this.#blink = modeButton("Blink", "Both sides in turns (B: one step)", () =>
      comparison.blink(),
    );
    const chips = OUTCOMES.map((state) => this.#chip(state));
    const iou = make("label", "sgw-match-field", {}, "IoU", this.#iou, this.#iouValue);
    const outcomes = make("div", "sgw-match-chips", { role: "group", "aria-label": "Matches" });
    outcomes.append(...chips);
    const modes = make("div", "sgw-match-modes", {}, this.#edge, this.#swipe, this.#blink);
    this.element.append(this.#sides, iou, outcomes, this.#scores, modes);
    this.#listen();
  }

  /**
   * @param {Compared | null} compared
   * @param {OtherScene[]} others all sides that there are
   * @param {number} iou threshold
   */
  update(compared, others, iou) {
    this.element.hidden = !compared;
    const swipes = compared?.mode === "swipe";
    this.divider.hidden = !swipes;
    if (!compared) return;
    this.#list(others, compared.side);
    const text = String(iou);
    if (this.#iou.value !== text) this.#iou.value = text;
    setText(this.#iouValue, iou.toFixed(2));
    setText(this.#scores, scoreWords(compared));

    const counts = outcomeCounts(compared.matched);
    for (const [state, { chip, text: words }] of this.#chips) {
      const count = counts[state];
      chip.hidden = state === MATCH.ignored && !count;
      setText(words, `${count} ${outcomeName(compared.side.header, state, count)}`);
      setAttribute(chip, "aria-pressed", String(compared.only === state));
    }
    this.#edge.hidden = !swipes;
    this.#edge.value = String(compared.edge);
    setAttribute(this.#swipe, "aria-pressed", String(swipes));
    setAttribute(this.#blink, "aria-pressed", String(this.#comparison.blinks));
    this.divider.style.left = `${100 * compared.edge}%`;
  }

  #listen() {
    this.#iou.addEventListener("input", () => this.#comparison.setIou(Number(this.#iou.value)));
    this.#edge.addEventListener("input", () => this.#comparison.setEdge(Number(this.#edge.value)));
    this.#sides.addEventListener("change", () => this.#comparison.choose(this.#sides.value));
    this.divider.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.divider.setPointerCapture(event.pointerId);
    });
    this.divider.addEventListener("pointermove", (event) => {
      if (!this.divider.hasPointerCapture(event.pointerId)) return;
      const box = this.divider.parentElement?.getBoundingClientRect();
      if (box) this.#comparison.setEdge((event.clientX - box.left) / box.width);
    });
  }

  /**
   * @param {OtherScene[]} others
   * @param {OtherScene} side
   */
  #list(others, side) {
    if (this.#listed !== others) {
      this.#listed = others;
      const options = others.map(({ header: { kind, name } }) =>
        make("option", "", { value: kind, text: `vs ${name}` }),
      );
      this.#sides.replaceChildren(...options);
    }
    this.#sides.hidden = others.length < 2;
    this.#sides.value = side.header.kind;
  }

  /** @param {number} state */
  #chip(state) {
    const text = make("span", "");
    const chip = wordButton("sgw-match-chip", "", {
      title: "List only these; again: all",
      "aria-pressed": "false",
      "data-match": Object.keys(MATCH)[state],
      onclick: () => this.#comparison.listOnly(state),
    });
    chip.append(lineSample(MATCH_LINES[state]), text);
    this.#chips.set(state, { chip, text });
    return chip;
  }
}

/**
 * @param {string} label
 * @param {string} title
 * @param {() => void} onclick
 */
function modeButton(label, title, onclick) {
  return wordButton("sgw-toggle", label, { title, "aria-pressed": "false", onclick });
}

/**
 * A piece of a line, as the image has it.
 *
 * @param {LineStyle} style
 */
function lineSample({ color, dash, width }) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 30 10");
  svg.setAttribute("class", "sgw-match-line");
  svg.setAttribute("aria-hidden", "true");
  for (const [stroke, thick] of [
    ["#000000", width + 2],
    [color, width],
  ]) {
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    line.setAttribute("d", "M2 5h26");
    line.setAttribute("style", `stroke: ${stroke}; stroke-width: ${thick}`);
    line.setAttribute("stroke-dasharray", dash.join(" "));
    svg.append(line);
  }
  return svg;
}

/** @param {Compared} compared */
function scoreWords({ side, matched }) {
  const shown = (/** @type {number | null} */ value) => (value === null ? "–" : value.toFixed(2));
  // Between two models none is right: F1 then is how far they agree.
  if (side.header.kind === "versus") return `agreement ${shown(matched.f1)}`;
  const { precision, recall, f1 } = matched;
  return `precision ${shown(precision)} · recall ${shown(recall)} · F1 ${shown(f1)}`;
}
