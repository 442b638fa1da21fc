// What lies over the image: the tip beside the pointer, the note, the toast, the buttons.

import { button, icon, make, setAttribute, setText } from "../shared/dom.js";
import { instanceColor } from "./colors.js";
import { swatch, wordButton } from "./dom.js";
import { describeInstance } from "./instances.js";

/** @import {Actions} from "./actions.js" */
/** @import {Navigation} from "./navigation.js" */
/** @import {Sync} from "./sync.js" */
/** @import {Explanation, Header, Location, Size} from "./types.js" */
/** @import {Timers} from "./timers.js" */

const TOAST_MS = 2500;
const BUTTON_ZOOM = 1.5;
/** CSS pixels between the pointer and the tip: to its right and below, or to its left. */
const TIP_AFTER = 16;
const TIP_BEFORE = 12;
/** CSS pixels that stay free to the edges of the stage. */
const TIP_EDGE = 4;

export class Overlays {
  tip = make("div", "sgw-tip", { hidden: "" });
  note = make("div", "sgw-note", { hidden: "" });
  toastBox = make("div", "sgw-note sgw-toast", { hidden: "" });
  /** @type {HTMLButtonElement} */
  camera;
  /** @type {HTMLElement} */
  zooms;
  /** @type {HTMLButtonElement} */
  #hideMasksButton;
  /** @type {Timers} */
  #timers;
  /** @type {Sync} */
  #sync;
  /** What the note says. */
  #noteText = "";
  /** The instance and colouring that the tip was made for. */
  #tipKey = "";
  /** Of the tip, in CSS pixels. @type {Size} */
  #tipSize = { width: 0, height: 0 };

  /**
   * @param {Timers} timers
   * @param {{sync: Sync, actions: Actions, navigation: Navigation}} parts
   * @param {{photograph(): void, showKeys(): void}} host
   */
  constructor(timers, { sync, actions, navigation }, host) {
    this.#timers = timers;
    this.#sync = sync;
    const photograph = { onclick: () => host.photograph() };
    this.camera = button("sgw-icon", "Photograph with the camera", photograph, icon("camera"));
    this.#hideMasksButton = button(
      "sgw-icon",
      "The photograph without masks (hold Space)",
      { "aria-pressed": "false", onclick: () => actions.toggleMasks() },
      icon("eye"),
    );
    const zoomOut = { onclick: () => navigation.zoom(1 / BUTTON_ZOOM) };
    const zoomIn = { onclick: () => navigation.zoom(BUTTON_ZOOM) };
    const showKeys = { "aria-haspopup": "dialog", onclick: () => host.showKeys() };
    this.zooms = make(
      "div",
      "sgw-zooms",
      { role: "group", "aria-label": "Image" },
      this.camera,
      this.#hideMasksButton,
      button("sgw-icon", "Zoom out (−)", zoomOut, icon("minus")),
      button(
        "sgw-icon",
        "Fit the whole image (0)",
        { onclick: () => navigation.reset() },
        icon("fit"),
      ),
      button("sgw-icon", "Zoom in (+)", zoomIn, icon("plus")),
      button("sgw-icon", "Keys (?)", showKeys, icon("keys")),
    );
  }

  /** Forgets what the tip was made for: another image comes. */
  forget() {
    this.#tipKey = "";
  }

  /**
   * @param {boolean} zoomed
   * @param {boolean} hideMasks
   */
  updateZooms(zoomed, hideMasks) {
    this.zooms.classList.toggle("sgw-kept", zoomed || hideMasks);
    setAttribute(this.#hideMasksButton, "aria-pressed", String(hideMasks));
  }

  /**
   * Says something over the image, for a while.
   *
   * @param {string} text
   */
  toast(text) {
    setText(this.toastBox, text);
    this.toastBox.hidden = false;
    this.#timers.later("toast", TOAST_MS, () => {
      this.toastBox.hidden = true;
    });
  }

  /**
   * Says why nothing shows.
   *
   * @param {Explanation | null} explanation
   */
  updateNote(explanation) {
    this.note.hidden = !explanation;
    const text = explanation ? explanation.text : "";
    if (this.#noteText === text) return;
    this.#noteText = text;
    this.note.replaceChildren();
    if (!explanation) return;
    this.note.append(make("span", "", { text }));
    const { button: label, change = {} } = explanation;
    const onclick = () => this.#sync.write(change);
    if (label) this.note.append(wordButton("sgw-button", label, { onclick }));
  }

  /**
   * Describes the hovered instance beside the pointer.
   *
   * @param {Header} header
   * @param {number | null} hovered
   * @param {string} colorBy
   * @param {Location | null} location of the pointer
   * @param {Size} stage
   * @param {string} more one more line
   */
  updateTip(header, hovered, colorBy, location, stage, more = "") {
    this.tip.hidden = hovered === null || !location;
    if (hovered === null || !location) return;
    const key = `${hovered} ${colorBy} ${more}`;
    if (this.#tipKey !== key) {
      this.#tipKey = key;
      this.tip.replaceChildren(...tipContent(header, hovered, colorBy));
      if (more) this.tip.append(make("div", "sgw-tip-more", { text: more }));
      // Measured once: to ask for it lays out the page.
      this.#tipSize = { width: this.tip.offsetWidth, height: this.tip.offsetHeight };
    }
    const { width, height } = this.#tipSize;
    const fits = location.x + TIP_AFTER + width <= stage.width;
    const x = fits ? location.x + TIP_AFTER : location.x - TIP_BEFORE - width;
    const y = Math.min(location.y + TIP_AFTER, stage.height - height - TIP_EDGE);
    const [left, top] = [x, y].map((value) => Math.round(Math.max(TIP_EDGE, value)));
    this.tip.style.transform = `translate(${left}px, ${top}px)`;
  }
}

/**
 * @param {Header} header
 * @param {number} index
 * @param {string} colorBy
 */
function tipContent(header, index, colorBy) {
  const { name, score, area, box } = describeInstance(header, index);
  const title = [make("strong", "", { text: name }), make("span", "", { text: score })];
  const dot = swatch(instanceColor(header, index, colorBy));
  const head = make("div", "sgw-tip-head", {}, dot, ...title);
  const more = [area, `Box ${box}`].map((text) => make("div", "sgw-tip-more", { text }));
  return [head, ...more];
}
