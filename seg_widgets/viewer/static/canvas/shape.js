// The scene as it came, and the scene with its masks as they are shown.

import { reshaped, settingsOf } from "./tidy.js";

/** @import {Parts} from "./parts.js" */
/** @import {Header, Scene} from "./types.js" */

export class Shape {
  /** What came last. @type {Scene | null} */
  #came = null;
  /** @type {Parts} */
  #parts;
  /** Forgets what was painted. @type {() => void} */
  #forgetPainted;

  /**
   * @param {Parts} parts
   * @param {() => void} forgetPainted
   */
  constructor(parts, forgetPainted) {
    this.#parts = parts;
    this.#forgetPainted = forgetPainted;
    parts.sync.on("tidy", () => this.update());
  }

  /** There is no image. */
  clear() {
    this.#came = null;
    this.#parts.actions.scene = null;
    this.#parts.strip.clear();
  }

  /**
   * Takes what came. Returns whether it is another result than the last one.
   *
   * @param {Scene} scene
   */
  take(scene) {
    const before = this.#came;
    this.#came = scene;
    if (before && isSameResult(before.header, scene.header)) {
      this.update();
      return false;
    }
    this.#parts.actions.scene = reshaped(scene, settingsOf(this.#parts.sync.get("tidy")));
    return true;
  }

  /** Shows the masks as they are to be tidied up now. */
  update() {
    const { actions, table, overlays, sync } = this.#parts;
    if (!this.#came) return;
    const scene = reshaped(this.#came, settingsOf(sync.get("tidy")));
    if (scene === actions.scene) return;
    actions.reshape(scene);
    table.rebuild(scene.header);
    overlays.forget();
    this.#forgetPainted();
  }
}

/**
 * Whether a message is of the result that is shown, with more or fewer parts.
 *
 * @param {Header} one
 * @param {Header} other
 */
function isSameResult(one, other) {
  const parts = (/** @type {Header} */ { name, imageBytes, maskBytes, scores, boxes }) =>
    JSON.stringify([name, imageBytes, maskBytes, scores, boxes]);
  return one.softBytes !== other.softBytes && parts(one) === parts(other);
}
