// The filmstrip of seg_widgets: small images in a row, one of them current.
//
// One ES module without imports, like canvas.js: the default export is the widget, the named exports are pure helpers
// that tests/viewer/js checks.

/** What a screen reader says of an image: its name, its state or result, and why it failed. */
export function describeItem({ name, state, note, error }) {
  const states = { waiting: "waiting", busy: "being segmented", done: note, failed: `failed: ${error}` };
  return [name || "Image", states[state]].filter(Boolean).join(", ");
}

/** The number that a key leads to from `number`, or null for another key. */
export function stepItem(items, number, key) {
  const at = items.findIndex((item) => item.number === number);
  const last = items.length - 1;
  const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at < 0 ? last : at - 1, ArrowUp: at - 1, Home: 0, End: last }[key];
  return to === undefined || last < 0 ? null : items[Math.max(0, Math.min(last, to))].number;
}

const ICONS = {
  close: "M6 6l12 12M18 6 6 18",
  alert: "M12 8v5m0 3v.5M12 3 2.5 20h19L12 3Z",
  wait: "M12 7v5l3 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z",
};

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

class View {
  constructor(model, element) {
    this.model = model;
    this.frames = new Map();
    this.focused = null;
    this.list = document.createElement("div");
    this.list.className = "sgw-film-list";
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "Images of this session");
    this.list.setAttribute("aria-orientation", "horizontal");
    this.list.addEventListener("keydown", (event) => this.key(event));
    this.root = document.createElement("div");
    this.root.className = "sgw-film";
    // JupyterLab's own keys (arrows move between cells) stop at this attribute.
    this.root.dataset.lmSuppressShortcuts = "true";
    this.root.append(this.list);
    element.append(this.root);
    this.changed = () => this.update();
    for (const name of ["items", "thumbs", "current"]) model.on(`change:${name}`, this.changed);
    this.update();
  }

  destroy() {
    for (const name of ["items", "thumbs", "current"]) this.model.off(`change:${name}`, this.changed);
    for (const frame of this.frames.values()) URL.revokeObjectURL(frame.address);
    this.root.remove();
  }

  update() {
    const items = this.model.get("items");
    const current = this.model.get("current");
    const before = this.frames.size;
    this.root.hidden = items.length < 2;
    const known = new Set(items.map((item) => item.number));
    for (const [number, frame] of this.frames) if (!known.has(number)) this.drop(number, frame);
    if (!known.has(this.focused)) this.focused = known.has(current) ? current : (items[0]?.number ?? null);
    for (const item of items) this.show(item, current);
    this.list.append(...items.map((item) => this.frames.get(item.number).element).filter((element) => element.parentNode !== this.list));
    const lit = this.frames.get(current);
    if (lit && (this.current !== current || before !== this.frames.size)) this.reveal(lit.element);
    this.current = current;
  }

  /** Scrolls the strip alone: `scrollIntoView` would move the notebook, too. */
  reveal(element) {
    const { offsetLeft, offsetWidth } = element;
    const { scrollLeft, clientWidth } = this.list;
    if (offsetLeft < scrollLeft) this.list.scrollLeft = offsetLeft - 8;
    else if (offsetLeft + offsetWidth > scrollLeft + clientWidth) this.list.scrollLeft = offsetLeft + offsetWidth - clientWidth + 8;
  }

  drop(number, frame) {
    URL.revokeObjectURL(frame.address);
    const hadFocus = frame.element === document.activeElement;
    frame.element.remove();
    this.frames.delete(number);
    if (hadFocus) this.list.querySelector(".sgw-film-item")?.focus();
  }

  show(item, current) {
    const frame = this.frames.get(item.number) ?? this.make(item.number);
    const { element, picture, sign, name } = frame;
    const label = describeItem(item);
    element.className = `sgw-film-item sgw-film-${item.state}`;
    element.setAttribute("aria-label", label);
    element.setAttribute("aria-selected", String(item.number === current));
    element.tabIndex = item.number === this.focused ? 0 : -1;
    element.title = label;
    if (name.textContent !== item.name) name.textContent = item.name;
    const thumb = this.model.get("thumbs")[item.number];
    if (thumb !== frame.thumb) {
      URL.revokeObjectURL(frame.address);
      frame.thumb = thumb;
      frame.address = thumb ? URL.createObjectURL(new Blob([thumb], { type: "image/jpeg" })) : "";
      if (thumb) picture.src = frame.address;
      else picture.removeAttribute("src");
    }
    picture.hidden = !thumb;
    if (frame.state !== item.state) {
      frame.state = item.state;
      sign.replaceChildren(...({ failed: [icon("alert")], waiting: [icon("wait")] }[item.state] ?? []));
    }
  }

  make(number) {
    const picture = document.createElement("img");
    picture.alt = "";
    picture.draggable = false;
    const sign = document.createElement("span");
    sign.className = "sgw-film-sign";
    const name = document.createElement("span");
    name.className = "sgw-film-name";
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "sgw-film-remove";
    remove.tabIndex = -1; // Delete does the same, and an option has no parts to a screen reader
    remove.setAttribute("aria-hidden", "true");
    remove.title = "Remove";
    remove.append(icon("close"));
    remove.addEventListener("click", (event) => {
      event.stopPropagation();
      this.ask("forget", number);
    });
    const element = document.createElement("div");
    element.setAttribute("role", "option");
    element.append(picture, sign, name, remove);
    element.addEventListener("click", () => this.ask("show", number));
    element.addEventListener("focus", () => this.focus(number));
    const frame = { element, picture, sign, name, address: "", thumb: undefined, state: "" };
    this.frames.set(number, frame);
    return frame;
  }

  ask(asked, number) {
    this.model.send({ ask: asked, number });
  }

  focus(number) {
    this.focused = number;
    for (const [one, { element }] of this.frames) element.tabIndex = one === number ? 0 : -1;
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || this.focused === null) return;
    const next = stepItem(this.model.get("items"), this.focused, event.key);
    if (next !== null) {
      this.frames.get(next).element.focus({ preventScroll: true });
      this.reveal(this.frames.get(next).element);
    } else if (event.key === "Enter" || event.key === " ") this.ask("show", this.focused);
    else if (event.key === "Delete" || event.key === "Backspace") this.ask("forget", this.focused);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

function render({ model, el }) {
  const view = new View(model, el);
  return () => view.destroy();
}

export default { render };
