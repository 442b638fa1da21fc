// Tells screen readers what is shown.

import { make, setAttribute } from "../shared/dom.js";

/** @import {Timers} from "./timers.js" */

/** A slider that is held down would otherwise talk without end. */
const SUMMARY_DELAY_MS = 500;

export class Announcer {
  /** Where a screen reader listens. */
  element = make("p", "sgw-offscreen", { "aria-live": "polite" });
  /** Takes the pointer and the keys; its name says what is shown. @type {HTMLElement} */
  #surface;
  /** @type {Timers} */
  #timers;
  /** The summary that was said last. */
  #summary = "";

  /**
   * @param {HTMLElement} surface
   * @param {Timers} timers
   */
  constructor(surface, timers) {
    this.#surface = surface;
    this.#timers = timers;
  }

  /** Another image comes: what is said of it is new. */
  forget() {
    this.#summary = "";
  }

  /**
   * Says what is shown of an image, where that has changed.
   *
   * @param {string} name of the image
   * @param {string} summary
   */
  summarize(name, summary) {
    if (this.#summary === summary) return;
    this.#summary = summary;
    const words = `${name || "Image"}. ${summary}. Arrow keys step through the instances.`;
    setAttribute(this.#surface, "aria-label", words);
    this.say(summary, SUMMARY_DELAY_MS);
  }

  /**
   * Says something, unless something else is to be said meanwhile.
   *
   * @param {string} text
   * @param {number} delay_ms
   */
  say(text, delay_ms) {
    this.#timers.later("announce", delay_ms, () => {
      this.element.textContent = text;
    });
  }
}
