// Plays the notebook's part on the page that viewer/page.py makes.

import { render } from "./canvas/index.js";
import { thresholdText } from "./canvas/threshold_text.js";

/** The widget's model: its traits, and who listens to their changes. There is no kernel. */
class PageModel {
  /** @type {Record<string, unknown>} */
  #traits;
  /** By event. @type {Map<string, (() => void)[]>} */
  #listeners = new Map();

  /** @param {Record<string, unknown>} traits */
  constructor(traits) {
    this.#traits = traits;
  }

  /**
   * @param {string} name
   * @returns {any}
   */
  get(name) {
    return this.#traits[name];
  }

  /**
   * @param {string} name
   * @param {unknown} value
   */
  set(name, value) {
    if (JSON.stringify(this.#traits[name]) === JSON.stringify(value)) return;
    this.#traits[name] = value;
    const listeners = this.#listeners.get(`change:${name}`) ?? [];
    for (const callback of [...listeners]) callback();
  }

  /**
   * @param {string} names separated by spaces
   * @param {() => void} callback
   */
  on(names, callback) {
    for (const name of names.split(" ")) {
      this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), callback]);
    }
  }

  /**
   * @param {string} names separated by spaces
   * @param {() => void} callback
   */
  off(names, callback) {
    for (const name of names.split(" ")) {
      const listeners = this.#listeners.get(name) ?? [];
      this.#listeners.set(
        name,
        listeners.filter((one) => one !== callback),
      );
    }
  }

  save_changes() {}

  send() {}
}

/**
 * An element of the page, which viewer/page.py writes.
 *
 * @template {HTMLElement} Type
 * @param {string} id
 * @param {new () => Type} type
 */
function byId(id, type) {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`the page has no #${id}`);
  return element;
}

function showPage() {
  const traits = JSON.parse(byId("traits", HTMLScriptElement).text);
  const encoded = atob(byId("content", HTMLScriptElement).text);
  // A loop: of some megabytes, a call for each takes half a second.
  const bytes = new Uint8Array(encoded.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = encoded.charCodeAt(at);
  const model = new PageModel({ ...traits, content: new DataView(bytes.buffer) });

  const slider = byId("threshold", HTMLInputElement);
  const output = byId("threshold-value", HTMLOutputElement);
  const showThreshold = () => {
    slider.value = model.get("threshold");
    output.textContent = thresholdText(Number(model.get("threshold")));
  };
  slider.addEventListener("input", () => model.set("threshold", Number(slider.value)));
  model.on("change:threshold", showThreshold);
  showThreshold();
  render({ model, el: byId("canvas", HTMLDivElement) });
}

showPage();
