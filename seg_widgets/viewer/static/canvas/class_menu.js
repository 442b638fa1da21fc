// A class's menu: a threshold of its own, and what a click and a double-click do.

import { make, setText } from "../shared/dom.js";
import { withClassThreshold } from "./commands.js";
import { swatch, wordButton } from "./dom.js";
import { classThreshold } from "./instances.js";
import { thresholdText } from "./threshold_text.js";

/** @import {Actions} from "./actions.js" */
/** @import {Popover} from "./popover.js" */
/** @import {Sync} from "./sync.js" */

/** @typedef {{sync: Sync, actions: Actions, popover: Popover}} MenuParts */

/**
 * @param {MenuParts} parts
 * @param {{name: string, color: string, more: HTMLElement}} chip `more`: the button that opens it
 */
export function openClassMenu({ sync, actions, popover }, { name, color, more }) {
  const slider = thresholdSlider(sync, name);
  const item = (/** @type {string} */ text, /** @type {() => void} */ action) => {
    const onclick = () => {
      popover.close();
      action();
    };
    return wordButton("sgw-item", text, { onclick });
  };
  const hidden = sync.get("hidden_classes").includes(name);
  popover.toggle(
    more,
    { role: "dialog", "aria-label": `Class ${name}` },
    make("div", "sgw-popover-head", {}, swatch(color), make("strong", "", { text: name })),
    ...slider.elements,
    item(hidden ? "Show" : "Hide", () => actions.toggleClass(name)),
    item("Show alone, or all", () => actions.isolateClass(name)),
  );
  slider.range.focus({ preventScroll: true });
}

/**
 * A slider for the class's own threshold, and a button that takes it away.
 *
 * @param {Sync} sync
 * @param {string} name
 */
function thresholdSlider(sync, name) {
  const set = (/** @type {number | null} */ value) => {
    const thresholds = sync.get("class_thresholds");
    sync.writeSoon({ class_thresholds: withClassThreshold(thresholds, name, value) });
  };
  const value = make("output", "sgw-count");
  const attributes = { type: "range", min: 0, max: 1, step: 0.01 };
  const label = { "aria-label": `Threshold of ${name}` };
  const range = make("input", "sgw-range", { ...attributes, ...label });
  const common = wordButton("sgw-item", "", {
    onclick: () => {
      set(null);
      update();
    },
  });
  const update = () => {
    const own = classThreshold(sync.get("class_thresholds"), name);
    const threshold = sync.get("threshold");
    range.value = String(own ?? threshold);
    setText(value, thresholdText(Number(range.value)));
    common.hidden = own === undefined;
    setText(common, `Use the common threshold (${thresholdText(threshold)})`);
  };
  range.addEventListener("input", () => {
    set(Number(range.value));
    update();
  });
  update();
  const field = make(
    "label",
    "sgw-field",
    {},
    make("span", "", { text: "Threshold" }),
    range,
    value,
  );
  return { range, elements: [field, common] };
}
