// Makes the parts of a view and hands each what it needs of the others.

import { Actions } from "./actions.js";
import { Comparison } from "./comparison.js";
import { Hover } from "./hover.js";
import { Kernel } from "./kernel.js";
import { Legend } from "./legend.js";
import { MatchBar } from "./match_bar.js";
import { Menus } from "./menus.js";
import { Navigation } from "./navigation.js";
import { Overlays } from "./overlays.js";
import { Popover } from "./popover.js";
import { Side } from "./side.js";
import { Sources } from "./sources.js";
import { Status } from "./status.js";
import { Strip } from "./strip.js";
import { Sync } from "./sync.js";
import { Table } from "./table.js";

/** @import {Model} from "./types.js" */
/** @import {Timers} from "./timers.js" */

/**
 * What the parts ask of their view.
 *
 * @typedef {object} Host
 * @property {() => void} schedule draws in the next frame
 * @property {() => void} updateStatus
 * @property {(problem: string) => void} report says something until it is dismissed
 * @property {(text: string) => void} toast says something for a while
 * @property {() => void} dismiss
 * @property {() => void} showKeys
 */

/** @typedef {ReturnType<typeof makeParts>} Parts */

/**
 * @param {Model} model
 * @param {HTMLElement} root
 * @param {Timers} timers
 * @param {Host} host
 */
export function makeParts(model, root, timers, host) {
  // The state and those who change it.
  const sync = new Sync(model);
  const kernel = new Kernel(model, host.updateStatus);
  const hover = new Hover(sync);
  const navigation = new Navigation(sync, timers, host.schedule);
  const actions = new Actions(sync, hover, host.schedule);
  const popover = new Popover(root);
  const comparison = new Comparison(sync, actions);
  const core = { sync, kernel, hover, navigation, actions, popover, comparison };

  // What is seen of it.
  const legend = new Legend(sync, actions, popover);
  const table = new Table(sync, actions, hover, comparison);
  const matchBar = new MatchBar(comparison);
  const menus = new Menus(root, core);
  const sources = new Sources(root, core, host);
  const status = new Status(sources, host.dismiss);
  const overlays = new Overlays(timers, core, {
    photograph: () => sources.photograph(),
    showKeys: host.showKeys,
  });
  const strip = new Strip(root, sync, timers);
  const side = new Side(legend.element, table.element, menus, actions);
  return { ...core, legend, table, matchBar, menus, sources, status, overlays, side, strip };
}
