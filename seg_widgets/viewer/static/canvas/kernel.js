// Requests to the kernel, its replies, and what to say when no reply comes.

import { readReply, withId } from "../shared/protocol.js";

/** @import {Model} from "./types.js" */
/** @import {Reply, Request} from "../shared/protocol.js" */

/** @typedef {(reply: Reply, buffers: DataView<ArrayBuffer>[]) => void} OnReply */

/** After so long without a sign of the kernel, the person is informed. */
const PATIENCE_MS = 10_000;
/** Bytes of an upload that count as one more millisecond of patience. */
const UPLOAD_BYTES_PER_MS = 500;
/** Between two checks that the kernel is there. */
const PULSE_MS = 2000;
/** Bytes from which a server with the usual settings may refuse a message. */
const LARGE_BYTES = 7e6;

const GONE =
  "The kernel was stopped or restarted, and this panel's part of it is gone. You can still explore what is shown; to segment more images, run the cell again.";

/**
 * Whether a widget manager has a kernel, as far as it says.
 *
 * @param {any} manager
 */
export function hasKernel(manager) {
  // JupyterLab 4's has its kernel, JupyterLab 3's its session, and others have neither.
  if (manager?.kernel !== undefined) return manager.kernel !== null;
  return manager?.context?.sessionContext?.session !== null;
}

/**
 * Why images of `size` bytes in all may not have arrived.
 *
 * @param {number} count
 * @param {number} size
 */
export function lateUpload(count, size) {
  const what = count === 1 ? "The image has" : `The ${count} images have`;
  const refused = ` Or the server refused ${Math.round(size / 2 ** 20)} MiB: start it with a larger websocket_max_message_size (make lab does), or send smaller images.`;
  const large = size > LARGE_BYTES ? refused : "";
  return `${what} not reached the kernel. It may be busy with another cell; then this goes on when it is done.${large}`;
}

export class Kernel {
  /** @type {Model} */
  #model;
  /** Called when `live` or `problem` may have changed. @type {() => void} */
  #onchange;
  /** Requests without a reply, by id. @type {Map<string, {onReply: OnReply | undefined, timer: ReturnType<typeof setTimeout>}>} */
  #pending = new Map();
  /** Requests so far. */
  #count = 0;
  /** Keeps the requests of two views of one model apart. */
  #key = Math.random().toString(36).slice(2);
  /** Any model of the same kernel knows whether it is there; each widget has a layout. @type {any} */
  #layout;
  #wasLive;
  #everLive;
  /** What to say while a reply is overdue, or "". */
  #overdue = "";
  /** Until an upload is overdue. @type {ReturnType<typeof setTimeout> | undefined} */
  #uploading;
  /** @type {(() => void)[]} */
  #stops = [];
  #destroyed = false;

  /**
   * @param {Model} model
   * @param {() => void} onchange
   */
  constructor(model, onchange) {
    this.#model = model;
    this.#onchange = onchange;
    this.#layout = model.get("layout");
    this.#wasLive = this.#everLive = this.live;

    /** @type {(message: unknown, buffers: DataView<ArrayBuffer>[]) => void} */
    const receive = (message, buffers) => this.#receive(message, buffers);
    model.on("msg:custom", receive);
    const changed = () => this.#changed();
    this.#layout?.on?.("comm_live_update", changed);
    // JupyterLab sends no event when a kernel is shut down.
    const pulse = setInterval(() => this.live === this.#wasLive || changed(), PULSE_MS);
    this.#stops.push(
      () => model.off("msg:custom", receive),
      () => this.#layout?.off?.("comm_live_update", changed),
      () => clearInterval(pulse),
    );
    this.#watchUpload();
  }

  /** Whether there is a kernel that could reply; a saved page has none. */
  get live() {
    return this.#layout?.comm_live !== false && hasKernel(this.#model.widget_manager);
  }

  /** Why no request can be met, in words, or "". */
  get problem() {
    if (this.live) return this.#overdue;
    return this.#everLive ? GONE : "";
  }

  /**
   * Sends a request.
   *
   * @param {Request} content one of `REQUESTS`
   * @param {ArrayBuffer[]} buffers
   * @param {string} late what to say when no sign of the kernel comes in time
   * @param {OnReply} [onReply] gets the reply
   */
  request(content, buffers, late, onReply) {
    const id = `${this.#key}-${++this.#count}`;
    const timer = setTimeout(() => this.#setOverdue(late), PATIENCE_MS);
    this.#pending.set(id, { onReply, timer });
    this.#model.send(withId(content, id), undefined, buffers);
  }

  destroy() {
    this.#destroyed = true;
    this.#forget();
    for (const stop of this.#stops) stop();
  }

  #changed() {
    if (!this.live) this.#forget();
    this.#everLive ||= this.live;
    this.#wasLive = this.live;
    this.#onchange();
  }

  /**
   * @param {unknown} message
   * @param {DataView<ArrayBuffer>[]} buffers
   */
  #receive(message, buffers) {
    const reply = readReply(message);
    const request = this.#pending.get(reply.id ?? "");
    if (!request || reply.id === undefined) return;
    clearTimeout(request.timer);
    this.#setOverdue("");
    if (!reply.isReply) return;
    this.#pending.delete(reply.id);
    request.onReply?.(reply, buffers);
  }

  /** @param {string} text */
  #setOverdue(text) {
    if (!text && !this.#overdue) return;
    this.#overdue = text;
    this.#onchange();
  }

  #forget() {
    for (const { timer } of this.#pending.values()) clearTimeout(timer);
    this.#pending.clear();
    clearTimeout(this.#uploading);
    this.#overdue = "";
  }

  /** Files in the upload button that the kernel does not take out again were lost on the way. */
  async #watchUpload() {
    const reference = this.#model.get("upload");
    const manager = this.#model.widget_manager;
    if (typeof reference !== "string" || !manager) return;
    const name = reference.replace("IPY_MODEL_", "");
    const upload = await manager.get_model(name).catch(() => null);
    if (!upload || this.#destroyed) return;

    const changed = () => {
      clearTimeout(this.#uploading);
      /** @type {any[]} */
      const files = upload.get("data") ?? upload.get("value") ?? [];
      if (!files.length) {
        this.#setOverdue("");
        return;
      }
      const size = files.reduce((sum, file) => sum + (file.content ?? file).byteLength, 0);
      const late = lateUpload(files.length, size);
      const patience = PATIENCE_MS + size / UPLOAD_BYTES_PER_MS;
      this.#uploading = setTimeout(() => this.#setOverdue(late), patience);
    };
    upload.on("change:value change:data", changed);
    this.#stops.push(() => upload.off("change:value change:data", changed));
  }
}
