// In the page's top layer: menus and dialogs.

import { button, icon, make } from "../shared/dom.js";
import { moveFocus } from "./dom.js";

/** The press that closes a popover is followed by a click, which must not open it again. */
const REOPEN_MS = 250;
/** CSS pixels that stay free to the edges of the window. */
const WINDOW_EDGE = 8;
/** CSS pixels between the button and the popover. */
const ANCHOR_GAP = 4;

/** A small panel beside a button; no cell of the notebook cuts it off. */
export class Popover {
  /** @type {HTMLElement} */
  #element;
  /** The button of an open popover. @type {HTMLElement | null} */
  #anchor = null;
  /** The button of the popover that was open last. @type {HTMLElement | null} */
  #last = null;
  #closedAt = -Infinity;
  /** @type {(event: Event) => void} */
  #scrolled;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#element = make("div", "sgw-popover", { popover: "auto" });
    this.#element.addEventListener("toggle", (event) => {
      if (/** @type {ToggleEvent} */ (event).newState === "closed") this.#closed();
    });
    this.#element.addEventListener("keydown", (event) => {
      // A slider's own keys stay its own.
      const isSlider = /** @type {HTMLInputElement} */ (event.target).type === "range";
      if (!isSlider) moveFocus(this.#element, event, "button, input");
    });
    root.append(this.#element);
    // No other event reports that the page moves below it.
    this.#scrolled = (event) => {
      if (!this.#element.contains(/** @type {Node} */ (event.target))) this.#place();
    };
  }

  /**
   * Shows it beside `anchor`; a click on the anchor of an open one closes it.
   *
   * @param {HTMLElement} anchor
   * @param {Record<string, string>} settings attributes
   * @param {...(Node | string)} children
   */
  toggle(anchor, settings, ...children) {
    // The press of that very click has closed it already.
    if (this.#last === anchor && performance.now() - this.#closedAt < REOPEN_MS) return;
    for (const name of ["role", "aria-label"]) this.#element.removeAttribute(name);
    for (const [name, value] of Object.entries(settings)) this.#element.setAttribute(name, value);
    this.#element.replaceChildren(...children);
    this.#element.showPopover();
    this.#anchor = this.#last = anchor;
    anchor.setAttribute("aria-expanded", "true");
    this.#place();

    /** @type {HTMLElement | null} */
    const first = this.#element.querySelector("button, input");
    first?.focus({ preventScroll: true });
    addEventListener("scroll", this.#scrolled, { capture: true, passive: true });
  }

  close() {
    if (this.#anchor) this.#element.hidePopover();
    this.#last = null;
  }

  destroy() {
    this.#closed();
    this.#element.remove();
  }

  #place() {
    if (!this.#anchor) return;
    const { left, top, bottom } = this.#anchor.getBoundingClientRect();
    const { offsetWidth, offsetHeight, style } = this.#element;
    const below = bottom + ANCHOR_GAP + offsetHeight <= innerHeight || top < offsetHeight;
    const wanted = below ? bottom + ANCHOR_GAP : top - ANCHOR_GAP - offsetHeight;
    style.left = `${Math.max(WINDOW_EDGE, Math.min(left, innerWidth - offsetWidth - WINDOW_EDGE))}px`;
    // Where it fits neither below nor above, it covers the anchor rather than leave the window.
    const lowest = innerHeight - offsetHeight - WINDOW_EDGE;
    style.top = `${Math.max(WINDOW_EDGE, Math.min(wanted, lowest))}px`;
  }

  #closed() {
    this.#anchor?.setAttribute("aria-expanded", "false");
    this.#anchor = null;
    this.#closedAt = performance.now();
    removeEventListener("scroll", this.#scrolled, { capture: true });
  }
}

/**
 * A dialog over the page, until it is closed.
 *
 * @param {HTMLElement} root
 * @param {string} title
 * @param {(() => void) | null} onclose tidies up
 * @param {...(Node | string)} children
 */
export function openDialog(root, title, onclose, ...children) {
  const head = make(
    "div",
    "sgw-dialog-head",
    {},
    make("h2", "", { text: title }),
    button("sgw-icon", "Close", { onclick: () => dialog.close() }, icon("close")),
  );
  const dialog = make("dialog", "sgw-dialog", { "aria-label": title }, head, ...children);
  dialog.addEventListener("close", () => {
    dialog.remove();
    onclose?.();
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  root.append(dialog);
  dialog.showModal();
  return dialog;
}
