// Keys on the image.

import { keyOf } from "./dom.js";
import { describeInstance, stepInstance } from "./instances.js";
import { outcomeName } from "./match_styles.js";

/** @import {Actions} from "./actions.js" */
/** @import {Comparison} from "./comparison.js" */
/** @import {Hover} from "./hover.js" */
/** @import {Navigation} from "./navigation.js" */
/** @import {Sync} from "./sync.js" */

/**
 * What the keys need of the view.
 *
 * @typedef {object} Host
 * @property {() => void} showKeys
 * @property {(text: string, delay_ms: number) => void} announce
 * @property {(index: number) => void} activate
 */

const ZOOM_STEP = 1.5;
const STEP_DELAY_MS = 50;

export class Keyboard {
  /** @type {Actions} */
  #actions;
  /** @type {Host} */
  #host;
  /** @type {Sync} */
  #sync;
  /** @type {Navigation} */
  #navigation;
  /** @type {Hover} */
  #hover;
  /** @type {Comparison} */
  #comparison;

  /**
   * @param {HTMLElement} root
   * @param {HTMLElement} surface
   * @param {{actions: Actions, sync: Sync, navigation: Navigation, hover: Hover, comparison: Comparison}} parts
   * @param {Host} host
   */
  constructor(root, surface, { actions, sync, navigation, hover, comparison }, host) {
    this.#actions = actions;
    this.#host = host;
    this.#sync = sync;
    this.#navigation = navigation;
    this.#hover = hover;
    this.#comparison = comparison;
    surface.addEventListener("keydown", (event) => this.#press(event));
    surface.addEventListener("keyup", (event) => {
      if (event.key === " ") actions.holdMasks(false);
    });
    surface.addEventListener("blur", () => actions.holdMasks(false));
    root.addEventListener("keydown", (event) => this.#help(event));
  }

  /** @param {KeyboardEvent} event */
  #help(event) {
    const target = /** @type {Element} */ (event.target);
    if (event.key !== "?" || target.closest("input, textarea, dialog")) return;
    event.preventDefault();
    event.stopPropagation();
    this.#host.showKeys();
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (!this.#actions.scene || event.ctrlKey || event.metaKey || event.altKey) return;
    const action = this.#commands(event.shiftKey)[keyOf(event)];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  }

  /**
   * @param {boolean} shift
   * @returns {Record<string, () => void>}
   */
  #commands(shift) {
    const actions = this.#actions;
    const zoom = this.#navigation;
    /** @type {number | null} */
    const current = this.#sync.get("hovered") ?? this.#sync.get("selected")[0] ?? null;
    /** @type {(action: (index: number) => void) => () => void} */
    const onCurrent = (action) => () => current !== null && action(current);
    const next = () => this.#step(current, 1);
    const previous = () => this.#step(current, -1);
    return {
      ArrowRight: next,
      ArrowDown: next,
      ArrowLeft: previous,
      ArrowUp: previous,
      Enter: onCurrent((index) => actions.select(index, shift)),
      Escape: () => actions.clearSelection(),
      " ": () => actions.holdMasks(true),
      "+": () => zoom.zoom(ZOOM_STEP),
      "=": () => zoom.zoom(ZOOM_STEP),
      "-": () => zoom.zoom(1 / ZOOM_STEP),
      0: () => zoom.reset(),
      h: onCurrent((index) => actions.hideInstance(index)),
      s: onCurrent((index) => actions.isolateInstance(index)),
      n: () => this.#stepFault(shift ? -1 : 1),
      b: () => this.#comparison.current() && this.#comparison.flip(),
    };
  }

  /**
   * @param {number | null} current
   * @param {number} by
   */
  #step(current, by) {
    const { scene } = this.#actions;
    const index = scene && stepInstance(scene.header, this.#actions.shown(), current, by);
    if (!scene || index === null) return;
    this.#comparison.hover(null);
    this.#hover.setByKey(index);
    const { name, score, area } = describeInstance(scene.header, index);
    this.#host.announce(`${name}, score ${score}, ${area}`, STEP_DELAY_MS);
    this.#host.activate(index);
    this.#actions.schedule();
  }

  /**
   * To the next detection that is wrong, or instance that was missed.
   *
   * @param {number} by 1 or -1
   */
  #stepFault(by) {
    const { scene } = this.#actions;
    const compared = this.#comparison.current();
    if (!scene || !compared) return;
    const fault = this.#comparison.nextFault(by);
    if (!fault) {
      this.#host.announce("nothing is wrong, and nothing was missed", STEP_DELAY_MS);
      return;
    }
    const { header } = compared.side;
    const { found, other } = fault;
    this.#comparison.hover(other);
    this.#hover.setByKey(found);
    const facts =
      found === null ? describeInstance(header, other) : describeInstance(scene.header, found);
    const state =
      found === null ? compared.matched.ofOther[other] : compared.matched.ofFound[found];
    const words = `${outcomeName(header, state)}: ${facts.name}, ${facts.area}`;
    this.#host.announce(words, STEP_DELAY_MS);
    this.#host.activate(found ?? scene.header.scores.length + other);
    this.#actions.schedule();
  }
}
