// One view of the canvas: it puts the parts together, loads, lays out and draws.

import { make } from "../shared/dom.js";
import { Announcer } from "./announcer.js";
import { keepKeys } from "./dom.js";
import { explainNothing, summarize } from "./instances.js";
import { Keyboard } from "./keyboard.js";
import { lookOf } from "./look.js";
import { matchWords, partnerWords } from "./match_words.js";
import { Painter } from "./painter.js";
import { makeParts } from "./parts.js";
import { Pointer } from "./pointer.js";
import { Preview } from "./preview.js";
import { watchPixelRatio } from "./ratio.js";
import { sceneOf } from "./scene.js";
import { Shape } from "./shape.js";
import { nameSlider } from "./slider.js";
import { DRAWN } from "./sync.js";
import { Timers } from "./timers.js";
import { stageHeight } from "./viewport.js";

/** @import {Parts} from "./parts.js" */
/** @import {Filter, Header, Look, Model, Scene} from "./types.js" */

/** The parts that hold on to something until they are told. */
const ENDING = /** @type {const} */ ([
  "sync",
  "kernel",
  "popover",
  "legend",
  "table",
  "status",
  "comparison",
  "strip",
]);
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
  #preview = new Preview(() => {
    this.#layout();
    this.#updateStatus();
  });
  /** @type {Parts} */
  #parts;
  /** @type {Shape} */
  #shape;
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
    this.#shape = new Shape(this.#parts, () => this.#painter.forget());
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
    this.#updatePreview();
  }

  destroy() {
    this.#destroyed = true;
    for (const stop of this.#stops) stop();
    cancelAnimationFrame(this.#frame);
    this.#timers.clear();
    for (const name of ENDING) this.#parts[name].destroy();
    this.#painter.forget();
    this.#root.remove();
  }

  /** @param {HTMLElement} element */
  #build(element) {
    const { empty, busy, bar, notice, error } = this.#parts.status;
    const { note, toastBox, zooms, tip } = this.#parts.overlays;
    this.#surface.append(this.#base, this.#marks, this.#preview.element);
    this.#stage.append(this.#surface, empty, note, toastBox, busy);
    const { element: matchBar, divider } = this.#parts.matchBar;
    this.#stage.append(bar, zooms, tip, this.#parts.sources.element, divider);
    const body = make("div", "sgw-body", {}, this.#stage, this.#parts.side.element);
    this.#root.prepend(notice, error, matchBar, body, this.#announcer.element);
    keepKeys(this.#root);
    element.append(this.#root);
  }

  #listen() {
    const sync = this.#parts.sync;
    sync.on("content", () => this.#load());
    sync.on("preview", () => this.#updatePreview());
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
      this.#preview.held = false;
      this.#shape.clear();
      this.#parts.navigation.forget();
      this.#parts.popover.close();
      this.#layout();
      this.#updateStatus();
      return;
    }
    // What ends a preview is often its result, which takes its place once it is decoded.
    this.#preview.held = true;
    const { scene, problem } = await decoded(content);
    // A newer message may have come, or the view gone, while this one was decoded.
    if (this.#destroyed || this.#parts.sync.content !== content) return;
    this.#problem = problem;
    if (scene) this.#setScene(scene);
    this.#preview.held = false;
    this.#updatePreview();
    this.#updateStatus();
  }

  #updatePreview() {
    this.#preview.show(this.#parts.kernel.live ? this.#parts.sync.get("preview") : null);
  }

  /** @param {Scene} came */
  #setScene(came) {
    const isNew = this.#shape.take(came);
    const { scene } = this.#parts.actions;
    if (!isNew || !scene) {
      this.#layout();
      return;
    }
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
    const shown = this.#preview.header ?? scene?.header;
    this.#root.classList.toggle("sgw-wide", width >= WIDE);
    this.#root.classList.toggle("sgw-has-image", Boolean(shown));
    this.#root.classList.toggle("sgw-previewing", Boolean(this.#preview.header));
    this.#parts.legend.element.hidden = !this.#parts.sync.get("legend");
    this.#parts.table.element.hidden = !this.#parts.sync.get("table");
    const stageWidth = this.#stage.clientWidth;
    const height = shown ? stageHeight(shown, stageWidth) : 0;
    this.#surface.style.height = shown ? `${height}px` : "";
    this.#preview.draw(stageWidth, height, devicePixelRatio || 1);
    // Below a preview nothing is drawn: it is laid out for another image.
    if (!scene || this.#preview.header) {
      this.#painter.clear();
      this.#parts.matchBar.update(null, [], 0);
      delete this.#root.dataset.shown;
      delete this.#root.dataset.total;
      return;
    }
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
    if (this.#destroyed || !scene || this.#preview.header) return;
    if (!view || !this.#painter.width) return;
    const filter = this.#parts.sync.filter();
    this.#font ||= getComputedStyle(this.#root).fontFamily;
    const look = lookOf(this.#parts, scene, filter, this.#font);
    this.#painter.draw(scene, view, look);
    updateParts(this.#parts, scene, filter, look, this.#announcer);
    this.#surface.classList.toggle("sgw-movable", this.#parts.navigation.zoomed);
    updateOverlays(this.#parts, scene.header, filter, look, this.#painter);
    this.#root.dataset.shown = String(look.shown.length);
    this.#root.dataset.total = String(scene.header.scores.length);
  }

  #updateStatus() {
    if (this.#destroyed) return;
    const { live, problem } = this.#parts.kernel;
    if (!live) this.#preview.show(null);
    const canPhotograph = this.#parts.sources.can("camera") && hasCamera();
    // A kernel that is gone finishes nothing.
    const busy = live && this.#parts.sync.get("busy");
    this.#parts.status.update({
      busy,
      status: this.#parts.sync.get("status"),
      error: this.#parts.sync.get("error") || this.#problem,
      notice: problem,
      hint: this.#parts.sync.get("hint"),
      hasImage: Boolean(this.#parts.actions.scene || this.#preview.header),
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

  #showKeys = () => this.#parts.menus.showKeys(() => this.#surface.focus());
}

/**
 * @param {DataView} content
 * @returns {Promise<{scene: Scene | null, problem: string}>} the scene, or why there is none
 */
async function decoded(content) {
  try {
    return { scene: await sceneOf(content), problem: "" };
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    return { scene: null, problem: `The image can't be shown here: ${message}.` };
  }
}

/**
 * What stands beside the image and above it.
 *
 * @param {Parts} parts
 * @param {Scene} scene
 * @param {Required<Filter>} filter
 * @param {Look} look
 * @param {Announcer} announcer
 */
function updateParts(parts, scene, filter, look, announcer) {
  const { side, legend, table, strip, matchBar, sync } = parts;
  const { header } = scene;
  const { shown, selected, colorBy, compared } = look;
  const summary = summarize(header, shown);
  announcer.summarize(header.name, withMatches(summary, compared));
  side.update(header, summary.split(":")[0], filter.hiddenInstances.length, selected);
  legend.update(header, filter, shown, colorBy);
  table.update(filter, look);
  const iou = sync.get("iou_threshold");
  strip.update(scene, filter, shown.length, compared, iou);
  matchBar.update(compared, scene.others, iou);
}

/**
 * @param {Parts} parts
 * @param {Header} header
 * @param {Required<Filter>} filter
 * @param {Look} look
 * @param {Painter} painter
 */
function updateOverlays({ overlays, navigation, hover }, header, filter, look, painter) {
  const { compared } = look;
  overlays.updateZooms(navigation.zoomed, look.hideMasks);
  overlays.updateNote(explainNothing(header, look.shown, filter));
  const isOther = compared !== null && compared.hovered !== null;
  const [of, index] = isOther ? [compared.side.header, compared.hovered] : [header, look.hovered];
  const more = compared ? partnerWords(header, compared, look.hovered) : "";
  overlays.updateTip(of, index, look.colorBy, hover.location, painter, more);
}

function hasCamera() {
  return Boolean(navigator.mediaDevices?.getUserMedia);
}

/**
 * @param {string} summary
 * @param {Look["compared"]} compared
 */
function withMatches(summary, compared) {
  return compared ? `${summary}; ${matchWords(compared)}` : summary;
}
