// Questions to the kernel, their answers, and what to say when no answer comes.

/** @import {Model} from "./types.js" */

/** @typedef {(message: any, buffers: DataView<ArrayBuffer>[]) => void} Answered */

/** After so long without an answer a message is shown. */
const PATIENCE_MS = 10_000;
/** Bytes of an upload that count as one more millisecond of patience. */
const UPLOAD_BYTES_PER_MS = 500;
/** Between two looks at whether the kernel is there. */
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
  const refused = ` Or the server refused ${Math.round(size / 2 ** 20)} MB: start it with a larger websocket_max_message_size (make lab does), or send smaller images.`;
  const large = size > LARGE_BYTES ? refused : "";
  return `${what} not reached the kernel. It may be busy with another cell; then this goes on when it is done.${large}`;
}

export class Kernel {
  /** @type {Model} */
  #model;
  /** Called when `live` or `problem` may have changed. @type {() => void} */
  #onchange;
  /** Questions without an answer, by number. @type {Map<string, {answered: Answered | undefined, timer: ReturnType<typeof setTimeout>}>} */
  #waiting = new Map();
  /** Of the last question. */
  #number = 0;
  /** Keeps the questions of two views of one model apart. */
  #key = Math.random().toString(36).slice(2);
  /** Any model of the same kernel knows whether it is there; each widget has a layout. @type {any} */
  #layout;
  #wasLive;
  #everLive;
  /** What to say while an answer is overdue, or "". */
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

    /** @type {Answered} */
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

  /** Whether there is a kernel that could answer; a saved page has none. */
  get live() {
    return this.#layout?.comm_live !== false && hasKernel(this.#model.widget_manager);
  }

  /** Why no question can be answered, in words, or "". */
  get problem() {
    if (this.live) return this.#overdue;
    return this.#everLive ? GONE : "";
  }

  /**
   * Sends a question.
   *
   * @param {Record<string, unknown>} content
   * @param {ArrayBuffer[]} buffers
   * @param {string} late what to say when no answer comes in time
   * @param {Answered} [answered] gets the answer
   */
  ask(content, buffers, late, answered) {
    const number = `${this.#key}-${++this.#number}`;
    const timer = setTimeout(() => this.#setOverdue(late), PATIENCE_MS);
    this.#waiting.set(number, { answered, timer });
    this.#model.send({ ...content, number }, undefined, buffers);
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
   * "got" says that a question has arrived, "answer" answers it.
   *
   * @param {any} message
   * @param {DataView<ArrayBuffer>[]} buffers
   */
  #receive(message, buffers) {
    const number = message?.got ?? message?.answer;
    const question = this.#waiting.get(number);
    if (!question) return;
    clearTimeout(question.timer);
    this.#setOverdue("");
    if (message.answer === undefined) return;
    this.#waiting.delete(number);
    question.answered?.(message, buffers);
  }

  /** @param {string} text */
  #setOverdue(text) {
    if (!text && !this.#overdue) return;
    this.#overdue = text;
    this.#onchange();
  }

  #forget() {
    for (const { timer } of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
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
