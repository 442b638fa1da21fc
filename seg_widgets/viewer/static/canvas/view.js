// One view of the canvas: it puts the parts together, loads, lays out and draws.

import { make } from "../shared/dom.js";
import { Announcer } from "./announcer.js";
import { keepKeys } from "./dom.js";
import { explainNothing, summarize } from "./instances.js";
import { Keyboard } from "./keyboard.js";
import { lookOf } from "./look.js";
import { Painter } from "./painter.js";
import { makeParts } from "./parts.js";
import { Pointer } from "./pointer.js";
import { watchPixelRatio } from "./ratio.js";
import { sceneOf } from "./scene.js";
import { nameSlider } from "./slider.js";
import { DRAWN } from "./sync.js";
import { Timers } from "./timers.js";
import { stageHeight } from "./viewport.js";

/** @import {Parts} from "./parts.js" */
/** @import {Filter, Look, Model, Scene} from "./types.js" */

/** CSS pixels from which the lists stand beside the image. */
const WIDE = 760;

export class View {
  /** A message of the browser's own, until it is dismissed or another comes. */
  #problem = "";
  /** The font of the labels, read from the page once. */
  #font = "";
  /** The requested animation frame, or 0. */
  #frame = 0;
  #destroyed = false;

  #root = make("div", "sgw");
  #base = make("canvas", "sgw-layer");
  #marks = make("canvas", "sgw-layer");
  /** Takes the pointer and the keys. */
  #surface = make("div", "sgw-surface", {
    tabindex: "0",
    role: "application",
    "aria-roledescription": "image with instances",
  });
  #stage = make("div", "sgw-stage");

  #timers = new Timers();
  #announcer = new Announcer(this.#surface, this.#timers);
  #painter = new Painter(this.#base, this.#marks);
  /** @type {Parts} */
  #parts;
  /** @type {(() => void)[]} */
  #stops = [];

  /**
   * @param {Model} model
   * @param {HTMLElement} element where it is shown
   */
  constructor(model, element) {
    this.#parts = makeParts(model, this.#root, this.#timers, {
      schedule: () => this.#schedule(),
      updateStatus: () => this.#updateStatus(),
      report: (problem) => this.#report(problem),
      toast: (text) => this.#parts.overlays.toast(text),
      dismiss: () => this.#dismiss(),
      showKeys: () => this.#showKeys(),
    });
    this.#build(element);
    new Pointer(this.#surface, this.#parts, (text) => this.#parts.overlays.toast(text));
    new Keyboard(this.#root, this.#surface, this.#parts, {
      showKeys: () => this.#showKeys(),
      announce: (text, delay_ms) => this.#announcer.say(text, delay_ms),
      activate: (index) => this.#parts.table.activate(index),
    });
    this.#listen();
    this.#updateStatus();
    this.#load();
  }

  destroy() {
    this.#destroyed = true;
    for (const stop of this.#stops) stop();
    cancelAnimationFrame(this.#frame);
    this.#timers.clear();
    const { sync, kernel, popover, legend, table, status } = this.#parts;
    for (const part of [sync, kernel, popover, legend, table, status]) part.destroy();
    this.#painter.forget();
    this.#root.remove();
  }

  /** @param {HTMLElement} element */
  #build(element) {
    const { empty, busy, bar, notice, error } = this.#parts.status;
    const { note, toastBox, zooms, tip } = this.#parts.overlays;
    this.#surface.append(this.#base, this.#marks);
    this.#stage.append(this.#surface, empty, note, toastBox, busy);
    this.#stage.append(bar, zooms, tip, this.#parts.sources.element);
    const body = make("div", "sgw-body", {}, this.#stage, this.#parts.side.element);
    this.#root.prepend(notice, error, body, this.#announcer.element);
    keepKeys(this.#root);
    element.append(this.#root);
  }

  #listen() {
    const sync = this.#parts.sync;
    sync.on("content", () => this.#load());
    sync.on(DRAWN, () => this.#schedule());
    sync.on("zoom pan", () => this.#parts.navigation.follow());
    sync.on("busy status error hint exports actions", () => this.#updateStatus());
    sync.on("legend table", () => this.#layout());
    sync.on("threshold", () => {
      nameSlider(this.#root.closest(".sgw-panel"), sync.get("threshold"));
    });

    const sizes = new ResizeObserver(() => {
      // In a panel this goes for the controls, too; once there is a size, the panel is around it.
      const panel = this.#root.closest(".sgw-panel");
      keepKeys(panel);
      nameSlider(panel, this.#parts.sync.get("threshold"));
      this.#layout();
    });
    sizes.observe(this.#root);
    this.#stops.push(
      () => sizes.disconnect(),
      watchPixelRatio(() => this.#layout()),
    );
  }

  async #load() {
    const content = this.#parts.sync.takeContent();
    if (!content?.byteLength) {
      this.#parts.actions.scene = null;
      this.#parts.navigation.forget();
      this.#parts.popover.close();
      this.#layout();
      this.#updateStatus();
      return;
    }
    /** @type {Scene | null} */
    let scene = null;
    let problem = "";
    try {
      scene = await sceneOf(content);
    } catch (error) {
      problem = `The image can't be shown here: ${/** @type {Error} */ (error).message}.`;
    }
    // A newer message may have come, or the view gone, while this one was decoded.
    if (this.#destroyed || this.#parts.sync.content !== content) return;
    this.#problem = problem;
    if (scene) this.#setScene(scene);
    this.#updateStatus();
  }

  /** @param {Scene} scene */
  #setScene(scene) {
    this.#parts.actions.scene = scene;
    this.#parts.navigation.forget();
    this.#painter.forget();
    this.#parts.popover.close();
    this.#parts.legend.build(scene.header);
    this.#parts.table.build(scene.header);
    this.#parts.overlays.forget();
    this.#announcer.forget();
    this.#layout();
  }

  #layout() {
    const width = this.#root.clientWidth;
    // Without a width it is not on screen yet; the observer calls when it is.
    if (this.#destroyed || !width) return;
    const { scene } = this.#parts.actions;
    this.#root.classList.toggle("sgw-wide", width >= WIDE);
    this.#root.classList.toggle("sgw-has-image", Boolean(scene));
    this.#parts.legend.element.hidden = !this.#parts.sync.get("legend");
    this.#parts.table.element.hidden = !this.#parts.sync.get("table");
    if (!scene) {
      this.#surface.style.height = "";
      this.#painter.clear();
      delete this.#root.dataset.shown;
      delete this.#root.dataset.total;
      return;
    }
    const stageWidth = this.#stage.clientWidth;
    const height = stageHeight(scene.header, stageWidth);
    this.#surface.style.height = `${height}px`;
    this.#painter.resize(stageWidth, height, devicePixelRatio || 1);
    this.#parts.navigation.layout(scene.header, stageWidth, height);
    // In this frame, or a resized canvas would flash empty.
    this.#draw();
  }

  #schedule() {
    if (!this.#frame) this.#frame = requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const { scene } = this.#parts.actions;
    const { view } = this.#parts.navigation;
    if (this.#destroyed || !scene || !view || !this.#painter.width) return;
    const filter = this.#parts.sync.filter();
    this.#font ||= getComputedStyle(this.#root).fontFamily;
    const look = lookOf(this.#parts, scene.header, filter, this.#font);
    this.#painter.draw(scene, view, look);
    this.#updateParts(scene, filter, look);
    this.#root.dataset.shown = String(look.shown.length);
    this.#root.dataset.total = String(scene.header.scores.length);
  }

  /**
   * @param {Scene} scene
   * @param {Required<Filter>} filter
   * @param {Look} look
   */
  #updateParts({ header }, filter, look) {
    const { shown, hovered, selected, colorBy, hideMasks } = look;
    const summary = summarize(header, shown);
    this.#announcer.summarize(header.name, summary);
    this.#parts.side.update(header, summary.split(":")[0], filter.hiddenInstances.length, selected);
    this.#parts.legend.update(header, filter, shown, colorBy);
    this.#parts.table.update(filter, look);

    const { zoomed } = this.#parts.navigation;
    this.#surface.classList.toggle("sgw-movable", zoomed);
    this.#parts.overlays.updateZooms(zoomed, hideMasks);
    this.#parts.overlays.updateNote(explainNothing(header, shown, filter));
    this.#parts.overlays.updateTip(
      header,
      hovered,
      colorBy,
      this.#parts.hover.location,
      this.#painter,
    );
  }

  #updateStatus() {
    if (this.#destroyed) return;
    const { live, problem } = this.#parts.kernel;
    const hasCamera = Boolean(navigator.mediaDevices?.getUserMedia);
    const canPhotograph = this.#parts.sources.can("camera") && hasCamera;
    // A kernel that is gone finishes nothing.
    const busy = live && this.#parts.sync.get("busy");
    this.#parts.status.update({
      busy,
      status: this.#parts.sync.get("status"),
      error: this.#parts.sync.get("error") || this.#problem,
      notice: problem,
      hint: this.#parts.sync.get("hint"),
      hasImage: Boolean(this.#parts.actions.scene),
      canCancel: this.#parts.sources.can("cancel"),
      canPhotograph,
    });
    this.#root.setAttribute("aria-busy", String(busy));
    this.#parts.overlays.camera.hidden = !canPhotograph;
    this.#parts.side.exportButton.hidden = !live || !this.#parts.sync.get("exports").length;
  }

  /** @param {string} problem */
  #report(problem) {
    this.#problem = problem;
    this.#updateStatus();
  }

  #dismiss() {
    this.#parts.sync.write({ error: "" });
    this.#report("");
  }

  #showKeys() {
    this.#parts.menus.showKeys(() => this.#surface.focus());
  }
}
