// Where new images come from: dropped, pasted, photographed.

import { icon, make } from "../shared/dom.js";
import { REQUESTS } from "../shared/protocol.js";
import { openCamera } from "./camera.js";
import { lateUpload } from "./kernel.js";

/** @import {Kernel} from "./kernel.js" */
/** @import {Sync} from "./sync.js" */

const ADDRESS_LATE =
  "The address has not reached the kernel: it is busy with another cell, or stopped.";
const CANCEL_LATE = "The kernel has not replied yet: it is busy with another cell, or stopped.";

/**
 * An address on the web in a dropped or pasted text, or null: one line, nothing else beside it.
 *
 * @param {string} text
 */
export function addressIn(text) {
  const lines = text.trim().split(/\r?\n/);
  const line = lines.filter((part) => part && !part.startsWith("#"))[0]?.trim() ?? "";
  return /^https?:\/\/\S+$/i.test(line) ? line : null;
}

/**
 * Why these files can't be sent, in words, or null: the kernel would refuse them, too.
 *
 * @param {{name: string, size: number}[]} files with their sizes in bytes
 * @param {number} maxBytes of one file
 */
export function filesProblem(files, maxBytes) {
  const large = files.find(({ size }) => size > maxBytes);
  if (!large) return null;
  // Rounded up: a file that is one byte too large must not seem to be as large as the limit.
  const size = `${Math.ceil(large.size / 2 ** 20)} MiB`;
  const most = `${Math.floor(maxBytes / 2 ** 20)} MiB`;
  return `${large.name} has ${size}, and images may have ${most}. Save it smaller, for example as a JPEG.`;
}

export class Sources {
  /** Lies over the image while a file is dragged. */
  element = make(
    "div",
    "sgw-drop",
    { hidden: "" },
    icon("image"),
    make("p", "", { text: "Drop to segment" }),
  );
  /** @type {HTMLElement} */
  #root;
  /** @type {Sync} */
  #sync;
  /** @type {Kernel} */
  #kernel;
  /** Shows a message until it is dismissed. @type {(problem: string) => void} */
  #report;
  /** Shows a message for a while. @type {(text: string) => void} */
  #toast;

  /**
   * @param {HTMLElement} root takes what is dropped and pasted
   * @param {{sync: Sync, kernel: Kernel}} parts
   * @param {{report(problem: string): void, toast(text: string): void}} messages
   */
  constructor(root, { sync, kernel }, { report, toast }) {
    this.#root = root;
    this.#sync = sync;
    this.#kernel = kernel;
    this.#report = report;
    this.#toast = toast;
    root.addEventListener("dragover", (event) => this.#drag(event));
    root.addEventListener("dragleave", (event) => {
      if (!root.contains(/** @type {Node | null} */ (event.relatedTarget)))
        this.element.hidden = true;
    });
    root.addEventListener("drop", (event) => this.#drop(event));
    root.addEventListener("paste", (event) => this.#paste(event));
  }

  /**
   * Whether the kernel is there and does such a thing.
   *
   * @param {string} action
   */
  can(action) {
    return this.#kernel.live && this.#sync.get("actions").includes(action);
  }

  photograph() {
    openCamera(
      this.#root,
      (file) => this.#open([file]),
      (problem) => this.#report(problem),
    );
  }

  cancel() {
    this.#kernel.request(REQUESTS.cancel(), [], CANCEL_LATE);
  }

  /** @param {DragEvent} event */
  #drag(event) {
    const transfer = event.dataTransfer;
    const kinds = ["Files", "text/uri-list"];
    if (!transfer || !this.can("open")) return;
    if (!transfer.types.some((type) => kinds.includes(type))) return;
    event.preventDefault();
    event.stopPropagation();
    transfer.dropEffect = "copy";
    this.element.hidden = false;
  }

  /** @param {DragEvent} event */
  #drop(event) {
    this.element.hidden = true;
    if (!event.dataTransfer || !this.can("open")) return;
    event.preventDefault();
    event.stopPropagation();
    this.#take(event.dataTransfer, "text/uri-list");
  }

  /** @param {ClipboardEvent} event */
  #paste(event) {
    const target = /** @type {Element} */ (event.target);
    if (!event.clipboardData || !this.can("open") || target.closest("input, textarea")) return;
    event.preventDefault();
    event.stopPropagation();
    if (!this.#take(event.clipboardData, "text/plain")) {
      this.#toast("The clipboard has no image and no address of one.");
    }
  }

  /**
   * Opens what was dropped or pasted; returns whether there was anything to open.
   *
   * @param {DataTransfer} transfer
   * @param {string} textType
   */
  #take(transfer, textType) {
    const files = [...transfer.files];
    const address = addressIn(transfer.getData(textType) || transfer.getData("text/plain"));
    if (files.length) this.#open(files);
    else if (address) this.#kernel.request(REQUESTS.address(address), [], ADDRESS_LATE);
    return Boolean(files.length || address);
  }

  /** @param {File[]} files */
  async #open(files) {
    const problem = filesProblem(files, this.#sync.get("max_file_bytes"));
    if (problem) {
      this.#report(problem);
      return;
    }
    const buffers = await Promise.all(files.map((file) => file.arrayBuffer()));
    const size = files.reduce((sum, file) => sum + file.size, 0);
    const names = files.map((file) => file.name);
    this.#kernel.request(REQUESTS.open(names), buffers, lateUpload(files.length, size));
  }
}
