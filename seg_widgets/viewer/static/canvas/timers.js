// Named delays: a new one of the same name takes the place of the last.

export class Timers {
  /** @type {Map<string, ReturnType<typeof setTimeout>>} */
  #timers = new Map();

  /**
   * @param {string} name
   * @param {number} delay_ms
   * @param {() => void} callback
   */
  later(name, delay_ms, callback) {
    clearTimeout(this.#timers.get(name));
    this.#timers.set(name, setTimeout(callback, delay_ms));
  }

  clear() {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }
}
