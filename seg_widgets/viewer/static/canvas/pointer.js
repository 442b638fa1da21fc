// Mouse, pen and fingers on the image.

import { instanceAt } from "./instances.js";

/** @import {Actions} from "./actions.js" */
/** @import {Location, Viewport} from "./types.js" */
/** @import {Comparison} from "./comparison.js" */
/** @import {Hover} from "./hover.js" */
/** @import {Navigation} from "./navigation.js" */

const DOUBLE_TAP_MS = 320;
/** Two taps within so many CSS pixels are one place. */
const DOUBLE_TAP_DISTANCE = 30;
/** CSS pixels that a press may move and still be a click. */
const CLICK_DISTANCE = 4;
const DOUBLE_TAP_ZOOM = 2.5;

export class Pointer {
  /** @type {HTMLElement} */
  #surface;
  /** @type {Actions} */
  #actions;
  /** Says something for a while. @type {(text: string) => void} */
  #toast;
  /** @type {Navigation} */
  #navigation;
  /** @type {Hover} */
  #hover;
  /** Those that are down, by their ids. @type {Map<number, PointerEvent>} */
  #pointers = new Map();
  /** The press that may become a click or a drag. @type {{x: number, y: number, view: Viewport, moved: boolean} | null} */
  #pressed = null;
  /** Two fingers as they came down. @type {{first: PointerEvent, second: PointerEvent, view: Viewport} | null} */
  #pinched = null;
  /** The last tap, which a second one may follow. @type {{at: number, x: number, y: number} | null} */
  #tapped = null;
  /** Whether the last press was a finger. */
  #touched = false;
  /** @type {Comparison} */
  #comparison;

  /**
   * @param {HTMLElement} surface
   * @param {{actions: Actions, navigation: Navigation, hover: Hover, comparison: Comparison}} parts
   * @param {(text: string) => void} toast
   */
  constructor(surface, { actions, navigation, hover, comparison }, toast) {
    this.#surface = surface;
    this.#actions = actions;
    this.#toast = toast;
    this.#navigation = navigation;
    this.#hover = hover;
    this.#comparison = comparison;
    surface.addEventListener("pointermove", (event) => this.#move(event));
    surface.addEventListener("pointerleave", () => {
      if (!hover.leave()) return;
      comparison.hover(null);
      actions.schedule();
    });
    surface.addEventListener("pointerdown", (event) => this.#press(event));
    surface.addEventListener("pointerup", (event) => this.#release(event));
    surface.addEventListener("pointercancel", (event) => this.#lift(event));
    surface.addEventListener("dblclick", (event) => this.#doubleClick(event));
    surface.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  /**
   * The pointer on the stage (x, y), and the image's pixel below it.
   *
   * @param {{clientX: number, clientY: number}} event
   * @returns {Location}
   */
  #locate(event) {
    const box = this.#surface.getBoundingClientRect();
    const x = event.clientX - box.left;
    const y = event.clientY - box.top;
    const view = this.#navigation.view ?? { scale: 1, x: 0, y: 0 };
    return {
      x,
      y,
      column: Math.floor((x - view.x) / view.scale),
      row: Math.floor((y - view.y) / view.scale),
    };
  }

  /** @param {Location} location */
  #hitTest({ x, column, row }) {
    const { scene } = this.#actions;
    if (this.#comparison.showsOther(x / this.#surface.clientWidth)) return null;
    return scene && instanceAt(scene, this.#actions.shown(), column, row);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (!this.#actions.scene || !this.#navigation.view) return;
    if (this.#pointers.has(event.pointerId)) this.#pointers.set(event.pointerId, event);
    if (this.#pinch()) return;
    if (this.#pressed && this.#drag(event, this.#pressed)) return;
    if (this.#hover.isPointerStale(event)) return;
    const location = this.#locate(event);
    const index = this.#hitTest(location);
    const { column, row } = location;
    this.#comparison.hover(index === null ? this.#comparison.otherAt(column, row) : null);
    this.#hover.setAt(location, index);
    this.#actions.schedule();
  }

  /** @param {PointerEvent} event */
  #press(event) {
    const { view } = this.#navigation;
    if (!this.#actions.scene || !view || event.button !== 0) return;
    this.#touched = event.pointerType === "touch";
    this.#pointers.set(event.pointerId, event);
    const [first, second] = this.#pointers.values();
    if (second) {
      this.#pressed = null;
      this.#pinched = { first, second, view };
      for (const id of this.#pointers.keys()) this.#surface.setPointerCapture(id);
    } else {
      this.#pressed = { x: event.clientX, y: event.clientY, view, moved: false };
    }
  }

  /** @param {PointerEvent} event */
  #lift(event) {
    this.#pointers.delete(event.pointerId);
    this.#pressed = null;
    if (this.#pointers.size < 2) this.#pinched = null;
  }

  /** Two fingers zoom and move the image; returns whether there are two. */
  #pinch() {
    if (!this.#pinched || this.#pointers.size < 2) return false;
    const [first, second] = this.#pointers.values();
    const before = this.#span(this.#pinched.first, this.#pinched.second);
    this.#navigation.pinch(this.#pinched.view, before, this.#span(first, second));
    return true;
  }

  /**
   * The middle between two fingers on the stage, and their distance.
   *
   * @param {PointerEvent} a
   * @param {PointerEvent} b
   */
  #span(a, b) {
    const middle = { clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 };
    const { x, y } = this.#locate(middle);
    return { x, y, distance: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) };
  }

  /**
   * Moves the enlarged image along; returns whether this is a drag.
   *
   * @param {PointerEvent} event
   * @param {{x: number, y: number, view: Viewport, moved: boolean}} pressed
   */
  #drag(event, pressed) {
    const [x, y] = [event.clientX - pressed.x, event.clientY - pressed.y];
    if (!this.#navigation.zoomed) return false;
    if (!pressed.moved && Math.hypot(x, y) < CLICK_DISTANCE) return false;
    if (!pressed.moved) this.#surface.setPointerCapture(event.pointerId);
    pressed.moved = true;
    const { scale, x: startX, y: startY } = pressed.view;
    this.#navigation.set({ scale, x: startX + x, y: startY + y });
    return true;
  }

  /** @param {PointerEvent} event */
  #release(event) {
    const pressed = this.#pressed;
    this.#lift(event);
    if (!pressed || pressed.moved || !this.#actions.scene) return;
    if (this.#touched && this.#tapTwice(event)) return;
    const add = event.shiftKey || event.ctrlKey || event.metaKey;
    this.#actions.select(this.#hitTest(this.#locate(event)), add);
  }

  /**
   * A second tap at the same place fits the image, or enlarges it there; returns whether this was one.
   *
   * @param {PointerEvent} event
   */
  #tapTwice(event) {
    const before = this.#tapped;
    this.#tapped = { at: event.timeStamp, x: event.clientX, y: event.clientY };
    if (!before || event.timeStamp - before.at > DOUBLE_TAP_MS) return false;
    const distance = Math.hypot(event.clientX - before.x, event.clientY - before.y);
    if (distance > DOUBLE_TAP_DISTANCE) return false;
    this.#tapped = null;
    const { x, y } = this.#locate(event);
    if (this.#navigation.zoomed) this.#navigation.reset();
    else this.#navigation.zoom(DOUBLE_TAP_ZOOM, x, y);
    return true;
  }

  /** @param {MouseEvent} event */
  #doubleClick(event) {
    if (!this.#actions.scene || this.#touched) return;
    const index = this.#hitTest(this.#locate(event));
    if (index === null) this.#navigation.reset();
    else this.#actions.isolateInstance(index);
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    if (!this.#actions.scene) return;
    const wanted = event.ctrlKey || event.metaKey; // a pinch on a touchpad comes so, too
    const out = event.deltaY > 0 && !this.#navigation.zoomed;
    // A page that is scrolled past the image must not be caught by it.
    if (!wanted && (document.activeElement !== this.#surface || out)) {
      if (!out) this.#toast("Click the image, or hold Ctrl, to zoom with the wheel.");
      return;
    }
    event.preventDefault();
    const { x, y } = this.#locate(event);
    const byPixel = wanted ? 0.0025 : 0.0015;
    const speed = event.deltaMode ? 0.05 : byPixel;
    this.#navigation.zoom(Math.exp(-event.deltaY * speed), x, y);
  }
}
