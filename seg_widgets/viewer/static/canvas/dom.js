// Elements of the canvas alone: buttons of words, swatches, drawing areas, the keyboard's focus.

import { icon, make } from "../shared/dom.js";

/**
 * A button of words, with a caret when it opens something.
 *
 * @param {string} className
 * @param {string} text
 * @param {Record<string, any>} settings as for `make`
 * @param {boolean} caret
 */
export function wordButton(className, text, settings, caret = false) {
  const children = caret ? [icon("down")] : [];
  return make("button", className, { type: "button", ...settings }, text, ...children);
}

/**
 * A labelled checkbox or radio button.
 *
 * @param {string} type
 * @param {string} name
 * @param {string} label
 * @param {boolean} checked
 * @param {() => void} change
 */
export function choice(type, name, label, checked, change) {
  const input = make("input", "", { type, name });
  input.checked = checked;
  input.addEventListener("change", change);
  return make("label", "sgw-choice", {}, input, label);
}

/**
 * A group with a heading.
 *
 * @param {string} label
 * @param {Node[]} children
 * @param {string} className of its own
 */
export function fieldset(label, children, className = "") {
  const all = className ? `sgw-fields ${className}` : "sgw-fields";
  return make("fieldset", all, {}, make("legend", "", { text: label }), ...children);
}

/** @param {string} color */
export function swatch(color) {
  const element = make("span", "sgw-swatch");
  element.style.background = color;
  return element;
}

/**
 * Sets the background, where it changes.
 *
 * @param {HTMLElement} element
 * @param {string} color
 */
export function setColor(element, color) {
  // The browser writes colours in its own way, so what it reports can't be compared.
  if (element.dataset.color === color) return;
  element.dataset.color = color;
  element.style.background = color;
}

/**
 * A canvas that is not on the page, of whole pixels.
 *
 * @param {number} width
 * @param {number} height
 */
export function makeCanvas(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.ceil(width));
  canvas.height = Math.max(1, Math.ceil(height));
  return canvas;
}

/**
 * The canvas's context; every browser that runs this has one.
 *
 * @param {HTMLCanvasElement} canvas
 */
export function contextOf(canvas) {
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
}

/**
 * Up, down, Home and End move the focus between the focusable elements inside `container`.
 *
 * @param {HTMLElement} container
 * @param {KeyboardEvent} event
 * @param {string} selector
 * @returns {HTMLElement | null} the element that has the focus now, or null for another key
 */
export function moveFocus(container, event, selector) {
  /** @type {HTMLElement[]} */
  const found = [...container.querySelectorAll(selector)].map(
    (element) => /** @type {HTMLElement} */ (element),
  );
  const all = found.filter((element) => element.offsetParent);
  const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const last = all.length - 1;
  /** @type {Record<string, number>} */
  const targets = {
    ArrowDown: at >= last ? 0 : at + 1,
    ArrowUp: at <= 0 ? last : at - 1,
    Home: 0,
    End: last,
  };
  const to = targets[event.key];
  if (to === undefined || !all.length) return null;
  event.preventDefault();
  event.stopPropagation();
  all[to].focus();
  return all[to];
}

/** Jupyter's keys (an arrow chooses another cell, b makes one) stop at this attribute. */
const OWN_KEYS = "data-lm-suppress-shortcuts";

/**
 * Keeps what is typed inside an element from Jupyter.
 *
 * Jupyter looks for the attribute from the focused element upwards, but no further than the first
 * element that one of its keys is for. That can be the focused element itself, so it gets one, too.
 *
 * @param {Element | null} element
 */
export function keepKeys(element) {
  if (!element || element.hasAttribute(OWN_KEYS)) return;
  element.setAttribute(OWN_KEYS, "true");
  element.addEventListener("focusin", (event) => {
    /** @type {Element} */ (event.target).setAttribute(OWN_KEYS, "true");
  });
}

/**
 * A key's name, letters in lower case.
 *
 * @param {KeyboardEvent} event
 */
export function keyOf(event) {
  return event.key.length === 1 ? event.key.toLowerCase() : event.key;
}
