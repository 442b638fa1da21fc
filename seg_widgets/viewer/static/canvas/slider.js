// The panel's threshold slider, for screen readers: ipywidgets gives its handle no name.

import { thresholdText } from "./threshold_text.js";

/**
 * Names the handle of the panel's slider; does nothing where there is none.
 *
 * @param {Element | null} panel
 * @param {number} threshold
 */
export function nameSlider(panel, threshold) {
  const handle = panel?.querySelector(
    ".sgw-panel-slider .noUi-handle, .sgw-panel-slider .ui-slider-handle",
  );
  if (!handle) return;
  const settings = { "aria-label": "Threshold", "aria-valuetext": thresholdText(threshold) };
  // ipywidgets 7's is a plain element, without role or value.
  const role = { role: "slider", "aria-valuemin": "0", "aria-valuemax": "1" };
  const value = { "aria-valuenow": String(threshold) };
  const isPlain = handle.classList.contains("ui-slider-handle");
  const all = { ...settings, ...(isPlain ? { ...role, ...value } : {}) };
  for (const [name, text] of Object.entries(all)) handle.setAttribute(name, text);
}
