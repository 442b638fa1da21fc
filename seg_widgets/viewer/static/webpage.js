// Plays the notebook's part on the page that webpage.py makes; there it stands behind canvas.js, in the same module.

/** The widget's model: its traits, and who wants to hear of their changes. */
class PageModel {
  constructor(traits) {
    this.traits = traits;
    this.listeners = new Map();
  }

  get(name) {
    return this.traits[name];
  }

  set(name, value) {
    if (JSON.stringify(this.traits[name]) === JSON.stringify(value)) return;
    this.traits[name] = value;
    [...(this.listeners.get(`change:${name}`) ?? [])].forEach((callback) => callback());
  }

  on(names, callback) {
    for (const name of names.split(" ")) this.listeners.set(name, [...(this.listeners.get(name) ?? []), callback]);
  }

  off(names, callback) {
    for (const name of names.split(" ")) {
      this.listeners.set(
        name,
        (this.listeners.get(name) ?? []).filter((one) => one !== callback),
      );
    }
  }

  // There is no kernel to hear of anything.
  save_changes() {}
  send() {}
}

const traits = JSON.parse(document.getElementById("traits").textContent);
const bytes = Uint8Array.from(atob(document.getElementById("content").textContent), (letter) => letter.charCodeAt(0));
const pageModel = new PageModel({ ...traits, content: new DataView(bytes.buffer) });

const slider = document.getElementById("threshold");
const told = document.getElementById("threshold-value");
const showThreshold = () => {
  slider.value = pageModel.get("threshold");
  told.textContent = Number(pageModel.get("threshold")).toFixed(2);
};
slider.addEventListener("input", () => pageModel.set("threshold", Number(slider.value)));
pageModel.on("change:threshold", showThreshold);
showThreshold();
render({ model: pageModel, el: document.getElementById("canvas") });
