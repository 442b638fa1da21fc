// The canvas of seg_widgets: an image with its instances; they are filtered, pointed at and selected
// in the browser alone. anywidget takes the default export.

import { mendTypedNumbers } from "./typed.js";
import { View } from "./view.js";

/** @import {Model} from "./types.js" */

/**
 * Shows the canvas of `model` in `el`; returns what removes it again.
 *
 * @param {{model: Model, el: HTMLElement}} where
 */
export function render({ model, el }) {
  const view = new View(model, el);
  const stopMending = mendTypedNumbers();
  return () => {
    stopMending();
    view.destroy();
  };
}

export default { render };
