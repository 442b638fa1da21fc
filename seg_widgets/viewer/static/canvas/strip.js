// The strip above the threshold slider: draws what evidence.js knows, and takes clicks.
// The slider is the panel's or the page's, not the canvas's, so the strip is put into its track.

import { make, setAttribute, setText } from "../shared/dom.js";
import { STEPS, barsPath, curvePath, evidenceInWords, evidenceOf, stairsPath } from "./evidence.js";
import { judgementOf } from "./judgement.js";
import { curveClass, legendEntries } from "./strip_legend.js";
import { path, svg } from "./svg.js";
import { dropsOverlaps, settingsOf, shownInstances } from "./tidy.js";

/** @import {Evidence, Judgement} from "./evidence.js" */
/** @import {Compared, Filter, Scene} from "./types.js" */
/** @import {Sync} from "./sync.js" */
/** @import {Timers} from "./timers.js" */

/** Where sliders have their track: ipywidgets 8, ipywidgets 7, an exported page. */
const TRACKS = ".sgw-panel-slider .noUi-target, .sgw-panel-slider .ui-slider, .page-track";
const HANDLES = ".noUi-handle, .ui-slider-handle, input";
/** A panel's slider may come to the page after its canvas. */
const RETRY_MS = 250;
const TRIES = 40;
/** CSS pixels within which a click means the mark. */
const MARK_REACH = 6;

export class Strip {
  /** @type {HTMLElement} */
  element;
  /** @type {HTMLElement} The canvas's root, from which the slider is found. */
  #root;
  /** @type {Sync} */
  #sync;
  /** @type {Timers} */
  #timers;
  /** @type {Evidence | null} */
  #evidence = null;
  /** What it was made of; the threshold, which does not matter, left out. @type {unknown[]} */
  #madeOf = [];
  /** The indices that a threshold shows. @type {(threshold: number) => number[]} */
  #shownAt = () => [];
  /** @type {Judgement | null} */
  #judgement = null;
  #tries = 0;
  /** All bars, those above the threshold again in colour, and the count. */
  #bars = path("sgw-bars");
  #kept = path("sgw-bars sgw-bars-kept");
  #stairs = path("sgw-stairs");
  #plain = svg(this.#bars);
  #lit = svg(this.#kept);
  #lines = svg(this.#stairs);
  #marks = make("div", "sgw-marks");
  #tip = make("div", "sgw-tip sgw-strip-tip", { hidden: "" });
  #legend = make("div", "sgw-strip-legend", {
    hidden: "",
    role: "list",
    "aria-label": "Curves over the threshold",
  });

  /**
   * @param {HTMLElement} root
   * @param {Sync} sync
   * @param {Timers} timers
   */
  constructor(root, sync, timers) {
    this.#root = root;
    this.#sync = sync;
    this.#timers = timers;
    const id = `sgw-${Math.random().toString(36).slice(2)}`;
    const parts = [this.#plain, this.#lit, this.#lines, this.#marks];
    const picture = make("div", "sgw-strip-picture", { id, role: "img" }, ...parts);
    this.element = make("div", "sgw-strip", { hidden: "" }, this.#legend, picture, this.#tip);
    this.#listen(picture);
  }

  /** No image: nothing to show. */
  clear() {
    this.#evidence = null;
    this.#madeOf = [];
    this.element.hidden = true;
  }

  destroy() {
    this.element.parentElement?.classList.remove("sgw-has-strip");
    this.element.remove();
  }

  /**
   * Draws curves and marks besides; null: none.
   *
   * @param {Judgement | null} judgement
   */
  #judge(judgement) {
    this.#judgement = judgement;
    this.element.classList.toggle("sgw-judged", judgement !== null);
    const lines = judgement?.curves.map(({ values }, at) => {
      const line = path(curveClass(at));
      line.setAttribute("d", curvePath(judgement.thresholds, values));
      return line;
    });
    this.#lines.replaceChildren(this.#stairs, ...(lines ?? []));
    const marks = judgement?.marks.map(({ threshold }) => {
      const mark = make("span", "sgw-mark");
      mark.style.left = `${100 * threshold}%`;
      return mark;
    });
    this.#marks.replaceChildren(...(marks ?? []));
    this.#legend.hidden = !judgement;
    this.#legend.replaceChildren(...(judgement ? legendEntries(judgement) : []));
  }

  /**
   * @param {Scene} scene
   * @param {Required<Filter>} filter
   * @param {number} shown how many instances show
   * @param {Compared | null} compared
   * @param {number} iou threshold
   */
  update(scene, filter, shown, compared, iou) {
    this.#attach();
    const { header } = scene;
    const { threshold, ...others } = filter;
    // With a second model neither side is right: there is nothing to judge by.
    const truth = compared?.side.header.kind === "truth" ? compared.side.header : null;
    const madeOf = [scene, truth, iou, ...Object.values(others)];
    if (madeOf.some((part, at) => part !== this.#madeOf[at])) {
      this.#madeOf = madeOf;
      this.#shownAt = (at) => shownInstances(scene, { ...filter, threshold: at });
      const drops = dropsOverlaps(settingsOf(filter.tidy));
      this.#evidence = evidenceOf(header, filter, this.#shownAt, drops);
      this.#bars.setAttribute("d", barsPath(this.#evidence.bins));
      this.#kept.setAttribute("d", barsPath(this.#evidence.bins));
      this.#stairs.setAttribute("d", stairsPath(this.#evidence.counts));
      this.#judge(truth && judgementOf(header, truth, filter, this.#shownAt, iou, drops));
    }
    if (!this.#evidence) return;
    this.element.hidden = !header.scores.length;
    this.#lit.style.clipPath = `inset(0 0 0 ${100 * threshold}%)`;
    const words = evidenceInWords(this.#evidence, threshold, shown, this.#judgement);
    setAttribute(this.#picture, "aria-label", `Scores and counts over the threshold: ${words}`);
  }

  get #picture() {
    return /** @type {HTMLElement} */ (this.#marks.parentElement);
  }

  /** Puts the strip into the track, again where the slider was made anew. */
  #attach() {
    if (this.element.isConnected) return;
    const panel = this.#root.closest(".sgw-panel");
    const page = this.#root.ownerDocument.querySelector(".page-threshold");
    const track = (panel ?? page)?.querySelector(TRACKS);
    if (track) {
      this.#tries = 0;
      track.append(this.element);
      track.classList.add("sgw-has-strip");
      const handle = track.querySelector(HANDLES);
      handle?.setAttribute("aria-describedby", this.#picture.id);
    } else if (panel && this.#tries++ < TRIES) {
      this.#timers.later("strip", RETRY_MS, () => this.#attach());
    }
  }

  /** @param {HTMLElement} picture */
  #listen(picture) {
    picture.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      // The slider below would take the same press for a step of its own.
      event.preventDefault();
      event.stopPropagation();
      picture.setPointerCapture(event.pointerId);
      this.#choose(event);
    });
    picture.addEventListener("pointermove", (event) => {
      this.#explain(event);
      if (picture.hasPointerCapture(event.pointerId)) this.#choose(event);
    });
    picture.addEventListener("pointerleave", () => {
      this.#tip.hidden = true;
    });
    for (const name of ["mousedown", "touchstart", "click"]) {
      picture.addEventListener(name, (event) => event.stopPropagation());
    }
  }

  /** @param {PointerEvent} event */
  #choose(event) {
    this.#sync.writeSoon({ threshold: this.#thresholdAt(event) });
  }

  /**
   * The slider's step below the pointer, or a mark close to it.
   *
   * @param {PointerEvent} event
   */
  #thresholdAt({ clientX }) {
    const { left, width } = this.#picture.getBoundingClientRect();
    const share = Math.max(0, Math.min(1, (clientX - left) / width));
    const marks = this.#judgement?.marks ?? [];
    const near = marks.find(({ threshold }) => Math.abs(threshold - share) * width < MARK_REACH);
    return near ? near.threshold : Math.round(share * STEPS) / STEPS;
  }

  /** @param {PointerEvent} event */
  #explain(event) {
    if (!this.#evidence) return;
    const threshold = this.#thresholdAt(event);
    const shown = this.#shownAt(threshold).length;
    setText(this.#tip, evidenceInWords(this.#evidence, threshold, shown, this.#judgement));
    this.#tip.hidden = false;
    const { left, width } = this.#picture.getBoundingClientRect();
    const room = Math.max(0, width - this.#tip.offsetWidth);
    const x = Math.min(room, Math.max(0, event.clientX - left - this.#tip.offsetWidth / 2));
    this.#tip.style.transform = `translateX(${Math.round(x)}px)`;
  }
}
