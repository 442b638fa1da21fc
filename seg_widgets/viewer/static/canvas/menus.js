// The menus "View" and "Export", and the list of keys.

import { make, setText } from "../shared/dom.js";
import { REQUESTS } from "../shared/protocol.js";
import { toggledMarks } from "./commands.js";
import { choice, fieldset, wordButton } from "./dom.js";
import { openDialog } from "./popover.js";
import { softFields, tidyFields } from "./tidy_menu.js";

/** @import {Actions} from "./actions.js" */
/** @import {ExportFormat} from "./types.js" */
/** @import {Kernel} from "./kernel.js" */
/** @import {Popover} from "./popover.js" */
/** @import {Sync} from "./sync.js" */

const MARKS = [
  ["masks", "Masks"],
  ["outlines", "Outlines"],
  ["boxes", "Boxes"],
  ["labels", "Labels"],
];
const COLORINGS = [
  ["class", "Class"],
  ["instance", "Instance"],
  ["score", "Score"],
];
const KEYS = [
  ["← ↑ → ↓", "step through the instances, the best first"],
  ["Enter", "select (with Shift: one more)"],
  ["H", "hide the instance"],
  ["S, or double-click", "show it alone; again: the others, too"],
  ["Esc", "select nothing"],
  ["Space", "hold: the photograph without masks"],
  ["+ − 0", "zoom in, zoom out, the whole image"],
  ["Wheel, or pinch", "zoom to the pointer (Ctrl + wheel before a click)"],
  ["N", "with truth or a second model: the next that is wrong or missed (Shift: the one before)"],
  ["B", "with truth or a second model: one side alone, then the other"],
  ["Drag", "move the enlarged image"],
  ["T", "in the list of classes: a threshold for this class"],
];
const EXPORT_LATE =
  "The kernel has not replied yet: it is busy, or stopped. The file comes when it is done.";
const LOSES = "Point at a format to read what it loses.";
/** Until then the browser has begun to read the file. */
const DOWNLOAD_MS = 10_000;
/** Is shown to be copied; all else is downloaded. */
const CODE_TYPE = "text/x-python";
const MAX_CODE_ROWS = 24;

export class Menus {
  /** Where dialogs are added. @type {HTMLElement} */
  #root;
  /** @type {Sync} */
  #sync;
  /** @type {Kernel} */
  #kernel;
  /** @type {Popover} */
  #popover;
  /** @type {Actions} */
  #actions;

  /**
   * @param {HTMLElement} root
   * @param {{sync: Sync, kernel: Kernel, popover: Popover, actions: Actions}} parts
   */
  constructor(root, { sync, kernel, popover, actions }) {
    this.#root = root;
    this.#sync = sync;
    this.#kernel = kernel;
    this.#popover = popover;
    this.#actions = actions;
  }

  /**
   * What is drawn, in which colours, how opaque.
   *
   * @param {HTMLElement} anchor
   */
  openStyle(anchor) {
    const show = this.#sync.get("show");
    const marks = MARKS.map(([name, label]) =>
      choice("checkbox", name, label, show.includes(name), () => this.#toggleMark(name)),
    );
    const group = `sgw-${Math.random()}`;
    const colorBy = this.#sync.get("color_by");
    const colorings = COLORINGS.map(([name, label]) =>
      choice("radio", group, label, colorBy === name, () => this.#sync.write({ color_by: name })),
    );
    const attributes = { type: "range", min: 0, max: 1, step: 0.05 };
    const label = { "aria-label": "Opacity of the masks" };
    const opacity = make("input", "sgw-range", { ...attributes, ...label });
    opacity.value = this.#sync.get("opacity");
    opacity.addEventListener("input", () =>
      this.#sync.writeSoon({ opacity: Number(opacity.value) }),
    );
    this.#popover.toggle(
      anchor,
      { role: "dialog", "aria-label": "View" },
      fieldset("Draw", marks),
      fieldset("Colour by", colorings),
      make("label", "sgw-field", {}, make("span", "", { text: "Opacity" }), opacity),
      ...[softFields(this.#sync, this.#actions.scene)].filter((part) => part !== null),
      tidyFields(this.#sync, this.#actions.scene),
    );
  }

  /** @param {HTMLElement} anchor */
  openExports(anchor) {
    /** @type {ExportFormat[]} */
    const formats = this.#sync.get("exports");
    const note = make("div", "sgw-loses", { "aria-hidden": "true", text: LOSES });
    const groups = [...new Set(formats.map(({ group }) => group))].map((group) => {
      const own = formats.filter((one) => one.group === group);
      const items = own.map((one) => this.#item(one, note));
      const heading = make("div", "sgw-group-name", { text: group, "aria-hidden": "true" });
      return make("div", "sgw-group", { role: "group", "aria-label": group }, heading, ...items);
    });
    const menu = make("div", "sgw-exports", { role: "presentation" }, ...groups);
    this.#popover.toggle(
      anchor,
      { role: "menu", "aria-label": "Export what is shown" },
      menu,
      note,
    );
  }

  /**
   * @param {ExportFormat} format
   * @param {HTMLElement} note says what the format under the pointer loses
   */
  #item({ name, label, description, loses = "" }, note) {
    const hint = make("span", "sgw-hint", { text: description });
    const words = [make("strong", "", { text: label }), hint];
    const explain = () => setText(note, loses ? `${label} loses: ${loses}` : LOSES);
    const onclick = () => {
      this.#popover.close();
      this.#export(name);
    };
    const item = make(
      "button",
      "sgw-item",
      { type: "button", role: "menuitem", "aria-label": label, onclick },
      ...words,
    );
    if (loses) item.setAttribute("aria-description", `${description}. Loses: ${loses}`);
    item.addEventListener("pointerenter", explain);
    item.addEventListener("focus", explain);
    return item;
  }

  /**
   * The list of keys.
   *
   * @param {() => void} onclose
   */
  showKeys(onclose) {
    const rows = KEYS.flatMap(([key, text]) => [
      make("kbd", "", { text: key }),
      make("span", "", { text }),
    ]);
    openDialog(this.#root, "Keys", onclose, make("div", "sgw-keys", {}, ...rows));
  }

  /** @param {string} name */
  #toggleMark(name) {
    const all = MARKS.map(([one]) => one);
    this.#sync.write({ show: toggledMarks(all, this.#sync.get("show"), name) });
  }

  /**
   * Requests a file from the kernel, and saves it.
   *
   * @param {string} format
   */
  #export(format) {
    // The kernel must know what the page shows before it is asked for it.
    this.#sync.save();
    this.#kernel.request(REQUESTS.export(format), [], EXPORT_LATE, (reply, buffers) => {
      if (reply.failed) return;
      const { file, mediaType } = reply;
      if (mediaType === CODE_TYPE) this.#showPython(new TextDecoder().decode(buffers[0]));
      else download(file, mediaType, buffers[0]);
    });
  }

  /** @param {string} code */
  #showPython(code) {
    const rows = Math.min(MAX_CODE_ROWS, code.split("\n").length + 1);
    const settings = { readonly: "", spellcheck: "false", "aria-label": "Python", rows };
    const text = make("textarea", "sgw-code", settings);
    text.value = code;
    const copy = wordButton("sgw-button", "Copy", {
      onclick: async () => {
        try {
          await navigator.clipboard.writeText(code);
        } catch {
          // Not every front end lets its cells write to the clipboard; all let a selection be copied.
          text.select();
          document.execCommand("copy");
        }
        setText(copy, "Copied");
      },
    });
    const foot = make("div", "sgw-dialog-foot", {}, copy);
    openDialog(this.#root, "Python for what is shown", null, text, foot);
    copy.focus();
  }
}

/**
 * @param {string} name
 * @param {string} type
 * @param {DataView<ArrayBuffer>} data
 */
function download(name, type, data) {
  const address = URL.createObjectURL(new Blob([data], { type }));
  make("a", "", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), DOWNLOAD_MS);
}
