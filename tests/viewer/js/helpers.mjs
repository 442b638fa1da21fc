// What several tests need: masks, a header, and a model that stands in for anywidget's.

export const header = {
  name: "a.jpg",
  width: 100,
  height: 50,
  hasMasks: true,
  classes: [
    { id: 2, name: "person", color: "#e69f00" },
    { id: 5, name: "animal", color: "#0072b2" },
  ],
  classIds: [2, 5, 2],
  scores: [Math.fround(0.9), Math.fround(0.5), Math.fround(0.31)],
  areas: [400, 4, 1],
  boxes: [
    [0, 0, 20, 20],
    [5, 5, 7, 7],
    [5, 5, 6, 6],
  ],
  crops: [],
  colors: ["#111111", "#222222", "#333333"],
};

/** A mask from rows of "#" and "." at (x, y). */
export function maskOf(rows, x = 0, y = 0) {
  const [height, width] = [rows.length, rows[0].length];
  const bits = new Uint8Array((width * height + 7) >> 3);
  [...rows.join("")].forEach((cell, at) => {
    if (cell === "#") bits[at >> 3] |= 128 >> (at & 7);
  });
  return { x, y, width, height, bits };
}

/** A model as anywidget gives it: it remembers what was saved and sent. */
export class FakeModel {
  listeners = new Map();
  /** What was changed since the last save. */
  changed = {};
  /** One entry for each save: what the kernel hears. */
  saved = [];
  sent = [];

  constructor(traits = {}) {
    this.traits = traits;
  }

  get(name) {
    return this.traits[name];
  }

  set(name, value) {
    if (this.traits[name] === value) return;
    this.changed[name] = value;
    this.hear({ [name]: value });
  }

  /** Changes that come from the kernel, one after the other. */
  hear(changes) {
    for (const [name, value] of Object.entries(changes)) {
      if (this.traits[name] === value) continue;
      this.traits[name] = value;
      this.emit(`change:${name}`);
    }
  }

  emit(event, ...values) {
    for (const callback of [...(this.listeners.get(event) ?? [])]) callback(...values);
  }

  on(event, callback) {
    this.listeners.set(event, [...(this.listeners.get(event) ?? []), callback]);
  }

  off(event, callback) {
    const listeners = this.listeners.get(event) ?? [];
    this.listeners.set(
      event,
      listeners.filter((one) => one !== callback),
    );
  }

  save_changes() {
    this.saved.push(this.changed);
    this.changed = {};
  }

  send(content, _callbacks, buffers) {
    this.sent.push({ content, buffers });
  }
}
