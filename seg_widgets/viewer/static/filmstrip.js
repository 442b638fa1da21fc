// The filmstrip of seg_widgets: small images in a row, one of them current. anywidget takes the
// default export; the named ones are checked by tests/viewer/js.

import { icon, make, setText } from "./shared/dom.js";
import { REQUESTS } from "./shared/protocol.js";

/** @import {Model} from "./canvas/types.js" */

/**
 * An image of the session, as widgets/filmstrip.py sends it under `item_` and its number.
 *
 * @typedef {object} Item
 * @property {number} number
 * @property {string} name
 * @property {"waiting" | "busy" | "done" | "failed"} state
 * @property {string} note
 * @property {string} error
 * @property {string} [model] made the result; only where there are several models
 * @property {number} version
 * @property {number} thumb version of its small image; 0 where it has none
 */

/**
 * A small image, sent under `thumb_` and its number.
 *
 * @typedef {object} Thumb
 * @property {number} version
 * @property {DataView<ArrayBuffer>} jpeg
 */

/**
 * One image's elements.
 *
 * @typedef {object} Frame
 * @property {HTMLElement} element
 * @property {HTMLElement} option
 * @property {HTMLImageElement} image
 * @property {HTMLElement} sign
 * @property {HTMLElement} name
 * @property {HTMLElement} model
 * @property {string} address of the small image, or ""
 * @property {DataView<ArrayBuffer> | undefined} thumb
 * @property {string} state
 */

/** CSS pixels beside a frame that is scrolled into sight. */
const MARGIN = 8;

/**
 * What a screen reader says of an image: its name, its state or result, and why it failed.
 *
 * @param {Omit<Item, "number">} item
 */
export function describeItem({ name, state, note, error, model }) {
  const states = {
    waiting: "waiting",
    busy: "being segmented",
    done: note,
    failed: `failed: ${error}`,
  };
  const by = model && `by ${model}`;
  return [name || "Image", states[state], by].filter(Boolean).join(", ");
}

/**
 * The number that a key leads to from `number`, or null for another key.
 *
 * @param {{number: number}[]} items
 * @param {number | null} number
 * @param {string} key
 */
export function stepItem(items, number, key) {
  const at = items.findIndex((item) => item.number === number);
  const last = items.length - 1;
  /** @type {Record<string, number>} */
  const targets = {
    ArrowRight: at + 1,
    ArrowDown: at + 1,
    ArrowLeft: at < 0 ? last : at - 1,
    ArrowUp: at - 1,
    Home: 0,
    End: last,
  };
  const to = targets[key];
  return to === undefined || last < 0 ? null : items[Math.max(0, Math.min(last, to))].number;
}

/**
 * Which images are listed, of those that are here, and which ones the browser has not as they are
 * listed: what the kernel sent while the page was loaded again is lost.
 *
 * @param {Pick<Model, "get">} model
 */
export function listedItems(model) {
  /** @type {Item[]} */
  const items = [];
  /** Version by number. @type {Map<number, number>} */
  const missing = new Map();
  for (const [number, version] of /** @type {[number, number][]} */ (model.get("images"))) {
    /** @type {Item | undefined} */
    const item = model.get(`item_${number}`);
    const thumb = item?.thumb ? model.get(`thumb_${number}`)?.version : 0;
    if (item?.version !== version || item.thumb !== thumb) missing.set(number, version);
    if (item) items.push(item);
  }
  return { items, missing };
}

class Filmstrip {
  /** @type {Model} */
  #model;
  /** By the images' numbers. @type {Map<number, Frame>} */
  #frames = new Map();
  /** The number of the image that Tab leads to. @type {number | null} */
  #focused = null;
  /** The number of the image that was last brought into sight. @type {number | null} */
  #current = null;
  /** Those that are shown. @type {Item[]} */
  #items = [];
  /** Versions by number that the kernel was asked for. @type {Map<number, number>} */
  #asked = new Map();
  #list = make("div", "sgw-film-list", {
    role: "listbox",
    "aria-label": "Images of this session",
    "aria-orientation": "horizontal",
  });
  /** JupyterLab's own keys (arrows move between cells) stop at its attribute. */
  #root = make("div", "sgw-film", { "data-lm-suppress-shortcuts": "true" }, this.#list);
  #changed = () => this.#update();

  /**
   * @param {Model} model
   * @param {HTMLElement} element
   */
  constructor(model, element) {
    this.#model = model;
    this.#list.addEventListener("keydown", (event) => this.#key(event));
    element.append(this.#root);
    for (const name of ["images", "current"]) model.on(`change:${name}`, this.#changed);
    this.#update();
  }

  destroy() {
    for (const name of ["images", "current"]) this.#model.off(`change:${name}`, this.#changed);
    for (const frame of this.#frames.values()) URL.revokeObjectURL(frame.address);
    this.#root.remove();
  }

  #update() {
    const { items, missing } = listedItems(this.#model);
    this.#items = items;
    this.#ask(missing);
    const current = this.#model.get("current");
    const before = this.#frames.size;
    this.#root.hidden = items.length < 2;

    const known = new Set(items.map((item) => item.number));
    for (const [number, frame] of this.#frames) {
      if (!known.has(number)) this.#drop(number, frame);
    }
    if (this.#focused === null || !known.has(this.#focused)) {
      const first = items[0]?.number ?? null;
      this.#focused = known.has(current) ? current : first;
    }
    const places = this.#list.children;
    items.forEach((item, at) => {
      const element = this.#show(item, current);
      if (places[at] !== element) this.#list.insertBefore(element, places[at] ?? null);
    });

    const frame = this.#frames.get(current);
    const changed = this.#current !== current || before !== this.#frames.size;
    if (frame && changed) this.#reveal(frame.element);
    this.#current = current;
  }

  /**
   * Asks for images, once for each version.
   *
   * @param {Map<number, number>} missing
   */
  #ask(missing) {
    const numbers = [...missing.keys()].filter((one) => this.#asked.get(one) !== missing.get(one));
    this.#asked = missing;
    if (numbers.length) this.#model.send(REQUESTS.resend(numbers));
  }

  /**
   * Scrolls the strip alone: `scrollIntoView` would move the notebook, too.
   *
   * @param {HTMLElement} element
   */
  #reveal({ offsetLeft, offsetWidth }) {
    const list = this.#list;
    const end = offsetLeft + offsetWidth;
    if (offsetLeft < list.scrollLeft) list.scrollLeft = offsetLeft - MARGIN;
    else if (end > list.scrollLeft + list.clientWidth) {
      list.scrollLeft = end - list.clientWidth + MARGIN;
    }
  }

  /**
   * @param {number} number
   * @param {Frame} frame
   */
  #drop(number, frame) {
    URL.revokeObjectURL(frame.address);
    const hadFocus = frame.option === document.activeElement;
    frame.element.remove();
    this.#frames.delete(number);
    /** @type {HTMLElement | null} */
    const next = hadFocus ? this.#list.querySelector(".sgw-film-option") : null;
    next?.focus();
  }

  /**
   * @param {Item} item
   * @param {number | null} current
   */
  #show(item, current) {
    const frame = this.#frames.get(item.number) ?? this.#make(item.number);
    const { element, option, sign, name } = frame;
    const label = describeItem(item);
    element.className = `sgw-film-item sgw-film-${item.state}`;
    option.setAttribute("aria-label", label);
    option.setAttribute("aria-selected", String(item.number === current));
    option.tabIndex = item.number === this.#focused ? 0 : -1;
    option.title = label;
    setText(name, item.name);
    setText(frame.model, item.model ?? "");
    /** @type {Thumb | null | undefined} */
    const thumb = this.#model.get(`thumb_${item.number}`);
    this.#setThumb(frame, thumb?.jpeg);
    if (frame.state !== item.state) {
      frame.state = item.state;
      /** @type {Record<string, string>} */
      const signs = { failed: "alert", waiting: "wait" };
      sign.replaceChildren(...(item.state in signs ? [icon(signs[item.state])] : []));
    }
    return element;
  }

  /**
   * @param {Frame} frame
   * @param {DataView<ArrayBuffer> | undefined} thumb JPEG
   */
  #setThumb(frame, thumb) {
    frame.image.hidden = !thumb;
    if (thumb === frame.thumb) return;
    URL.revokeObjectURL(frame.address);
    frame.thumb = thumb;
    frame.address = thumb ? URL.createObjectURL(new Blob([thumb], { type: "image/jpeg" })) : "";
    if (thumb) frame.image.src = frame.address;
    else frame.image.removeAttribute("src");
  }

  /**
   * @param {number} number
   * @returns {Frame}
   */
  #make(number) {
    const image = make("img", "", { alt: "", draggable: "false" });
    const sign = make("span", "sgw-film-sign");
    const name = make("span", "sgw-film-name");
    const model = make("span", "sgw-film-model");
    const onclick = (/** @type {Event} */ event) => {
      event.stopPropagation();
      this.#forget(number);
    };
    // Delete does the same, and nothing but options may be in a listbox for a screen reader.
    const unreachable = { tabindex: "-1", "aria-hidden": "true" };
    const settings = { type: "button", title: "Remove", ...unreachable, onclick };
    const remove = make("button", "sgw-film-remove", settings, icon("close"));
    const option = make("div", "sgw-film-option", { role: "option" }, image, sign, name, model);
    option.addEventListener("click", () => this.#choose(number));
    option.addEventListener("focus", () => this.#focus(number));
    const element = make("div", "", { role: "presentation" }, option, remove);
    const parts = { element, option, image, sign, name, model };
    const frame = { ...parts, address: "", thumb: undefined, state: "" };
    this.#frames.set(number, frame);
    return frame;
  }

  /** @param {number} number */
  #choose(number) {
    this.#model.send(REQUESTS.show(number));
  }

  /** @param {number} number */
  #forget(number) {
    this.#model.send(REQUESTS.forget(number));
  }

  /** @param {number} number */
  #focus(number) {
    this.#focused = number;
    for (const [one, { option }] of this.#frames) option.tabIndex = one === number ? 0 : -1;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || this.#focused === null) return;
    const next = stepItem(this.#items, this.#focused, event.key);
    const frame = next === null ? undefined : this.#frames.get(next);
    if (frame) {
      frame.option.focus({ preventScroll: true });
      this.#reveal(frame.element);
    } else if (event.key === "Enter" || event.key === " ") this.#choose(this.#focused);
    else if (event.key === "Delete" || event.key === "Backspace") this.#forget(this.#focused);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

/** @param {{model: Model, el: HTMLElement}} where */
function render({ model, el }) {
  const view = new Filmstrip(model, el);
  return () => view.destroy();
}

export default { render };
