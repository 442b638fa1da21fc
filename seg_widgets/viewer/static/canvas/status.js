// What the canvas says of the kernel: an error, a notice, that it works, that there is no image yet.

import { button, icon, make, setText } from "../shared/dom.js";
import { wordButton } from "./dom.js";

const TICK_MS = 1000;
/** Seconds from which the time that something has taken is worth telling. */
const TELL_SECONDS = 2;

/**
 * What there is to say.
 *
 * @typedef {object} Report
 * @property {boolean} busy
 * @property {string} status what the kernel is doing
 * @property {string} error
 * @property {string} notice
 * @property {string} hint
 * @property {boolean} hasImage
 * @property {boolean} canCancel
 * @property {boolean} canPhotograph
 */

export class Status {
  notice = make("div", "sgw-error sgw-notice", { hidden: "", role: "status" });
  error = make("div", "sgw-error", { hidden: "", role: "alert" });
  empty = make("div", "sgw-empty", { tabindex: "0", role: "group" });
  busy = make("div", "sgw-busy", { hidden: "" });
  bar = make("div", "sgw-progress", { hidden: "" });
  #noticeText = make("p", "sgw-error-text");
  #errorText = make("p", "sgw-error-text");
  #emptyTitle = make("p", "sgw-empty-title");
  #emptyHint = make("p", "sgw-empty-hint");
  #busyText = make("span", "sgw-busy-text");
  /** @type {HTMLButtonElement} */
  #emptyCamera;
  /** @type {HTMLButtonElement} */
  #emptyCancel;
  /** @type {HTMLButtonElement} */
  #busyCancel;
  /** What is being done, or "". */
  #doing = "";
  /** When that began, in ms of `performance.now`. */
  #since = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #clock;

  /**
   * @param {{photograph(): void, cancel(): void}} sources
   * @param {() => void} onclick dismisses the error
   */
  constructor(sources, onclick) {
    const cancel = { onclick: () => sources.cancel() };
    const photograph = { onclick: () => sources.photograph() };
    const close = button("sgw-icon", "Dismiss this message", { onclick }, icon("close"));
    this.#emptyCamera = wordButton("sgw-toggle", "Use the camera", photograph);
    this.#emptyCancel = wordButton("sgw-toggle", "Cancel", cancel);
    this.#busyCancel = wordButton("sgw-button", "Cancel", cancel);

    this.error.append(icon("alert"), this.#errorText, close);
    this.notice.append(icon("info"), this.#noticeText);
    const texts = [this.#emptyTitle, this.#emptyHint, this.#emptyCamera, this.#emptyCancel];
    this.empty.append(icon("image"), ...texts);
    const words = make("span", "", { role: "status" }, this.#busyText);
    this.busy.append(make("span", "sgw-spinner"), words, this.#busyCancel);
  }

  /** @param {Report} report */
  update({ busy, status, error, notice, hint, hasImage, canCancel, canPhotograph }) {
    this.error.hidden = !error;
    setText(this.#errorText, error);
    this.notice.hidden = !notice;
    setText(this.#noticeText, notice);

    this.bar.hidden = !busy;
    this.busy.hidden = !busy || !hasImage;
    this.#busyCancel.hidden = this.#emptyCancel.hidden = !busy || !canCancel;
    this.empty.hidden = hasImage;
    setText(this.#emptyHint, hint);
    this.#emptyCamera.hidden = !canPhotograph || busy;

    const doing = busy ? status : "";
    if (this.#doing !== doing) {
      this.#doing = doing;
      this.#since = performance.now();
    }
    clearInterval(this.#clock);
    if (busy) this.#clock = setInterval(() => this.#tick(), TICK_MS);
    this.#tick();
  }

  destroy() {
    clearInterval(this.#clock);
  }

  /** The words of the busy state, with the seconds that it has taken so far. */
  #tick() {
    const seconds = Math.floor((performance.now() - this.#since) / 1000);
    const taken = seconds >= TELL_SECONDS ? ` ${seconds} s` : "";
    const text = this.#doing ? `${this.#doing} …${taken}` : "";
    setText(this.#busyText, text);
    setText(this.#emptyTitle, text || "No image yet");
    this.#emptyHint.hidden = Boolean(text);
  }
}
