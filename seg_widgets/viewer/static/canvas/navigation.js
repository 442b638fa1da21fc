// The view of the image: fitting, zooming, moving, and following Python or another view.

import { fitView, holdView, viewOf, zoomOf, zoomView } from "./viewport.js";

/** @import {Size, Viewport} from "./types.js" */
/** @import {Sync} from "./sync.js" */
/** @import {Timers} from "./timers.js" */

const REST_MS = 140;

export class Navigation {
  /** @type {Sync} */
  #sync;
  /** @type {Timers} */
  #timers;
  /** @type {() => void} */
  #schedule;
  /** The image's size. @type {Size | null} */
  #image = null;
  /** The stage's size. @type {Size} */
  #stage = { width: 0, height: 0 };
  /** The view in which the whole image shows. @type {Viewport} */
  #fit = { scale: 1, x: 0, y: 0 };
  /** @type {Viewport | null} */
  #view = null;
  /** Zoom and pan as this view wrote them; the traits say the same until somebody else moves it. */
  #viewKey = "";
  /** While the view moves, the layers at hand are scaled; sharp ones follow when it rests. */
  moving = false;

  /**
   * @param {Sync} sync
   * @param {Timers} timers
   * @param {() => void} schedule draws in the next frame
   */
  constructor(sync, timers, schedule) {
    this.#sync = sync;
    this.#timers = timers;
    this.#schedule = schedule;
  }

  /** The view, or null before the first layout. */
  get view() {
    return this.#view;
  }

  get zoomed() {
    return this.#view !== this.#fit;
  }

  /** Forgets the view: another image comes. */
  forget() {
    this.#image = null;
    this.#view = null;
  }

  /**
   * Finds the view that the traits ask for on a stage of this size.
   *
   * @param {Size} image
   * @param {number} width
   * @param {number} height
   */
  layout(image, width, height) {
    this.#image = image;
    this.#stage = { width, height };
    this.#fit = fitView(image, width, height);
    this.#view = this.#traitView(image);
  }

  /**
   * @param {number} factor
   * @param {number} x on the stage; its middle unless given
   * @param {number} y
   */
  zoom(factor, x = this.#stage.width / 2, y = this.#stage.height / 2) {
    if (this.#view) this.set(zoomView(this.#view, this.#fit, factor, x, y));
  }

  reset() {
    this.set(this.#fit);
  }

  /**
   * Two fingers: their distance is the zoom, and the image stays below them.
   *
   * @param {Viewport} start the view when the second finger came down
   * @param {{x: number, y: number, distance: number}} before
   * @param {{x: number, y: number, distance: number}} now
   */
  pinch(start, before, now) {
    const factor = now.distance / Math.max(1, before.distance);
    const zoomed = zoomView(start, this.#fit, factor, before.x, before.y);
    const [x, y] = [zoomed.x + now.x - before.x, zoomed.y + now.y - before.y];
    this.set(zoomed === this.#fit ? zoomed : { ...zoomed, x, y });
  }

  /** @param {Viewport} view */
  set(view) {
    const [image, { width, height }] = [this.#image, this.#stage];
    if (!image) return;
    this.#view = view === this.#fit ? view : holdView(view, image, width, height);
    this.#rest();
    const { zoom, pan } = zoomOf(this.#view, this.#fit, image, width, height);
    this.#viewKey = `${zoom} ${pan}`;
    this.#sync.writeSoon({ zoom, pan });
    this.#schedule();
  }

  /** Another view, or Python, has moved the image. */
  follow() {
    const key = `${this.#sync.get("zoom")} ${this.#sync.get("pan")}`;
    if (!this.#image || this.#viewKey === key) return;
    this.#viewKey = "";
    this.#view = this.#traitView(this.#image);
    this.#rest();
    this.#schedule();
  }

  /** @param {Size} image */
  #traitView(image) {
    const { width, height } = this.#stage;
    const [zoom, pan] = [this.#sync.get("zoom"), this.#sync.get("pan")];
    return viewOf(zoom, pan, this.#fit, image, width, height);
  }

  #rest() {
    this.moving = true;
    this.#timers.later("sharpen", REST_MS, () => {
      this.moving = false;
      this.#schedule();
    });
  }
}
