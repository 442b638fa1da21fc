// The part of the View menu that tidies up.

import { make, setText } from "../shared/dom.js";
import { choice, fieldset } from "./dom.js";
import { settingsOf } from "./tidy.js";

/** @import {Scene, Tidy} from "./types.js" */
/** @import {Sync} from "./sync.js" */

/** Steps of the slider for areas: it is logarithmic, from one pixel to the largest instance. */
const AREA_STEPS = 100;

/**
 * @param {Sync} sync
 * @param {Scene | null} scene what is shown
 */
export function tidyFields(sync, scene) {
  const get = () => settingsOf(sync.get("tidy"));
  const set = (/** @type {Partial<Tidy>} */ change) =>
    sync.writeSoon({ tidy: { ...get(), ...change } });
  const group = `sgw-${Math.random()}`;
  const ways = [
    choice("radio", group, "of both", get().overlap_by === "iou", () => set({ overlap_by: "iou" })),
    choice("radio", group, "of the smaller", get().overlap_by === "smaller", () =>
      set({ overlap_by: "smaller" }),
    ),
  ];
  const largest = Math.max(2, scene?.order.length ? scene.header.areas[scene.order[0]] : 0);
  const parts = [
    range({
      label: "Overlap up to",
      max: 1,
      step: 0.01,
      value: get().max_overlap,
      text: (value) => (value < 1 ? value.toFixed(2) : "any"),
      change: (value) => set({ max_overlap: value }),
    }),
    make("div", "sgw-ways", { role: "group", "aria-label": "The shared part" }, ...ways),
    toggle("across_classes", "between classes, too"),
    range({
      label: "Area from",
      max: AREA_STEPS,
      step: 1,
      value: stepOf(get().min_area, largest),
      text: (step) => (step ? `${areaOf(step, largest).toLocaleString("en-US")} px` : "any"),
      change: (step) => set({ min_area: areaOf(step, largest) }),
    }),
    toggle("drop_at_border", "Not at the image’s border"),
  ];
  if (scene?.header.hasMasks !== false) {
    parts.push(toggle("largest_piece", "Largest piece only"), toggle("fill_holes", "Fill holes"));
  }
  return fieldset("Tidy up", parts, "sgw-tidy");

  /**
   * @param {"across_classes" | "drop_at_border" | "largest_piece" | "fill_holes"} name
   * @param {string} label
   */
  function toggle(name, label) {
    return choice("checkbox", name, label, get()[name], () => set({ [name]: !get()[name] }));
  }
}

/**
 * What only masks of probabilities can do; null where the model gives none.
 *
 * @param {Sync} sync
 * @param {Scene | null} scene
 */
export function softFields(sync, scene) {
  if (!scene?.header.softSize) return null;
  // They are sent when they are first needed.
  const ask = () => {
    if (!scene.soft && !sync.get("soft_masks")) sync.write({ soft_masks: true });
  };
  const get = () => settingsOf(sync.get("tidy"));
  const threshold = range({
    label: "Pixels from",
    max: 1,
    step: 0.01,
    value: get().mask_threshold,
    text: (value) => value.toFixed(2),
    change: (value) => {
      ask();
      sync.writeSoon({ tidy: { ...get(), mask_threshold: value } });
    },
  });
  const doubt = choice("checkbox", "doubt", "Band of doubt", sync.get("doubt"), () => {
    ask();
    sync.write({ doubt: !sync.get("doubt") });
  });
  return fieldset("Mask probability", [threshold, doubt], "sgw-tidy");
}

/**
 * @param {number} step
 * @param {number} largest pixels of the largest instance
 */
function areaOf(step, largest) {
  return step ? Math.round(largest ** (step / AREA_STEPS)) : 0;
}

/**
 * @param {number} area pixels
 * @param {number} largest
 */
function stepOf(area, largest) {
  if (!area) return 0;
  const step = Math.round((AREA_STEPS * Math.log(area)) / Math.log(largest));
  return Math.max(1, Math.min(AREA_STEPS, step));
}

/**
 * A slider with its value in words.
 *
 * @param {object} settings
 * @param {string} settings.label
 * @param {number} settings.max
 * @param {number} settings.step
 * @param {number} settings.value
 * @param {(value: number) => string} settings.text
 * @param {(value: number) => void} settings.change
 */
export function range({ label, max, step, value, text, change }) {
  const output = make("output", "sgw-count");
  const input = make("input", "sgw-range", {
    type: "range",
    min: 0,
    max,
    step,
    "aria-label": label,
  });
  input.value = String(value);
  const say = () => {
    setText(output, text(Number(input.value)));
    input.setAttribute("aria-valuetext", text(Number(input.value)));
  };
  input.addEventListener("input", () => {
    say();
    change(Number(input.value));
  });
  say();
  return make("label", "sgw-field", {}, make("span", "", { text: label }), input, output);
}
