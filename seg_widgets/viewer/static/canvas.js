// The canvas of seg_widgets: an image with its instances, filtered, pointed at and selected in the browser alone.
//
// One ES module without imports. The default export is the widget (anywidget's `render`); the named exports are pure
// helpers that tests/viewer/js checks with `node --test`. Coordinates: "image" is the image's own pixels, "stage" is CSS
// pixels of the viewport in which it lies; the view {scale, x, y} maps image to stage.

// ── content: what content.py's encode_content made ────────────────────────────────────────────────────────────────────

/** Splits one content message (a DataView) into its header, the encoded image and the compressed bits. */
export function parseContent(view) {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  if (bytes.length < 8 || String.fromCharCode(...bytes.subarray(0, 4)) !== "SEGW") {
    throw new Error("the message from the kernel is not one of seg_widgets");
  }
  const headEnd = 8 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, headEnd)));
  const imageEnd = headEnd + header.imageBytes;
  if (bytes.length !== imageEnd + header.maskBytes) throw new Error("the message from the kernel is cut short");
  return { header, picture: bytes.subarray(headEnd, imageEnd), packed: bytes.subarray(imageEnd) };
}

/** Undoes zlib.compress. */
export async function inflate(packed) {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** One mask for each instance: {x, y, width, height, bits}; without bits (a model that gives boxes only), all inside. */
export function readMasks(header, bits) {
  if (!header.hasMasks) {
    return header.boxes.map(([left, top, right, bottom]) => {
      const x = Math.max(0, Math.floor(left));
      const y = Math.max(0, Math.floor(top));
      const width = Math.max(0, Math.min(header.width, Math.ceil(right)) - x);
      const height = Math.max(0, Math.min(header.height, Math.ceil(bottom)) - y);
      return { x, y, width, height, bits: null };
    });
  }
  let offset = 0;
  const masks = header.crops.map(([x, y, width, height]) => {
    const length = (width * height + 7) >> 3;
    const mask = { x, y, width, height, bits: bits.subarray(offset, offset + length) };
    offset += length;
    return mask;
  });
  if (offset !== bits.length) throw new Error("the masks from the kernel are cut short");
  return masks;
}

/** Whether the image's pixel (x, y) lies inside the mask. */
export function maskHas(mask, x, y) {
  const column = x - mask.x;
  const row = y - mask.y;
  if (column < 0 || row < 0 || column >= mask.width || row >= mask.height) return false;
  if (!mask.bits) return true;
  const bit = row * mask.width + column;
  return ((mask.bits[bit >> 3] >> (7 - (bit & 7))) & 1) === 1;
}

/**
 * The mask's outlines as closed loops, each [x0, y0, x1, y1, …] in image pixels, holes included (fill by even-odd).
 *
 * A loop runs along the pixel borders with the inside on its right, through the middle of each border: stairs of one
 * pixel become straight diagonals, and no point is more than half a pixel off the border. `smooth` evens out the longer
 * stairs, too, by up to a pixel: for eyes only, never for measuring.
 */
export function traceMask(mask, smooth = false) {
  const { width, height } = mask;
  if (!width || !height) return [];
  const { x, y } = mask;
  if (!mask.bits) return [[x, y, x + width, y, x + width, y + height, x, y + height]];
  const stride = width + 2; // one empty pixel around it, so that no step needs a check of the bounds
  const inside = new Uint8Array(stride * (height + 2));
  for (let row = 0, bit = 0; row < height; row++) {
    for (let at = (row + 1) * stride + 1, end = at + width; at < end; at++, bit++) {
      inside[at] = (mask.bits[bit >> 3] >> (7 - (bit & 7))) & 1;
    }
  }
  const seen = new Uint8Array(inside.length); // top borders that a loop has passed
  const loops = [];
  for (let start = stride; start < inside.length - stride; start++) {
    if (inside[start] && !inside[start - stride] && !seen[start]) {
      const loop = traceLoop(inside, seen, stride, start, x - 1, y - 1);
      loops.push(smooth ? thinLoop(smoothLoop(loop), 0.08) : thinLoop(loop, 0));
    }
  }
  return loops;
}

function traceLoop(inside, seen, stride, start, offsetX, offsetY) {
  const stepX = [1, 0, -1, 0]; // right, down, left, up
  const stepY = [0, 1, 0, -1];
  const startX = start % stride;
  const startY = (start - startX) / stride;
  const loop = [];
  let [x, y, direction] = [startX, startY, 0]; // the corner at which a border begins, and where it leads
  do {
    if (direction === 0) seen[y * stride + x] = 1;
    loop.push(x + stepX[direction] / 2 + offsetX, y + stepY[direction] / 2 + offsetY);
    x += stepX[direction];
    y += stepY[direction];
    // The two pixels ahead of the corner, to the right (inside) and to the left (outside) of the way.
    const ahead = y * stride + x;
    const right = [ahead, ahead - 1, ahead - 1 - stride, ahead - stride][direction];
    const left = [ahead - stride, ahead, ahead - 1, ahead - 1 - stride][direction];
    if (!inside[right]) direction = (direction + 1) & 3;
    else if (inside[left]) direction = (direction + 3) & 3;
  } while (x !== startX || y !== startY || direction !== 0);
  return loop;
}

/** Each point as a weighted mean of itself and its neighbours (1 4 6 4 1); small loops stay, they would vanish. */
function smoothLoop(loop) {
  const size = loop.length;
  if (size < 32) return loop;
  return loop.map(
    (value, at) =>
      (loop[(at + size - 4) % size] + loop[(at + 4) % size]) / 16 +
      (loop[(at + size - 2) % size] + loop[(at + 2) % size]) / 4 +
      (value * 3) / 8,
  );
}

/** The loop without the points that lie on, or within `tolerance` pixels of, the line between those around them. */
function thinLoop(loop, tolerance) {
  const size = loop.length;
  if (size < 8) return loop;
  const kept = [loop[0], loop[1]];
  let [fromX, fromY, skipped] = [loop[0], loop[1], 0];
  for (let at = 2; at < size; at += 2) {
    const [x, y] = [loop[at], loop[at + 1]];
    const [alongX, alongY] = [loop[(at + 2) % size] - fromX, loop[(at + 3) % size] - fromY];
    const off = Math.abs((x - fromX) * alongY - (y - fromY) * alongX);
    // Points within the tolerance may still bend away in sum, so only so many in a row are left out.
    if (off <= tolerance * Math.hypot(alongX, alongY) && (tolerance === 0 || skipped < 6)) {
      skipped++;
      continue;
    }
    kept.push(x, y);
    [fromX, fromY, skipped] = [x, y, 0];
  }
  return kept;
}

// ── choosing ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Which instances meet their class's threshold and belong to a shown class; scores are float32, and so is what they meet. */
export function likelyInstances(header, { threshold, classThresholds = {}, hiddenClasses = [] }) {
  const least = new Map(header.classes.map(({ id, name }) => [id, Math.fround(classThresholds[name] ?? threshold)]));
  const hidden = new Set(hiddenClasses); // of a large vocabulary there may be a thousand
  for (const { id, name } of header.classes) if (hidden.has(name)) least.set(id, Infinity);
  const likely = [];
  header.scores.forEach((score, index) => {
    if (score >= least.get(header.classIds[index])) likely.push(index);
  });
  return likely;
}

/** Which instances are shown, in the prediction's order: the likely ones that are not hidden one by one. */
export function visibleInstances(header, state) {
  const likely = likelyInstances(header, state);
  if (!state.hiddenInstances?.length) return likely;
  const single = new Set(state.hiddenInstances);
  return likely.filter((index) => !single.has(index));
}

/** `indices` by "score", "area" or "class"; equal ones by their score, then by their place. */
export function sortInstances(header, indices, by, descending) {
  const names = new Map(header.classes.map(({ id, name }) => [id, name]));
  const compare = {
    score: (a, b) => header.scores[a] - header.scores[b],
    area: (a, b) => header.areas[a] - header.areas[b],
    class: (a, b) => names.get(header.classIds[a]).localeCompare(names.get(header.classIds[b])),
  }[by];
  const turn = descending ? -1 : 1;
  return [...indices].sort((a, b) => turn * compare(a, b) || header.scores[b] - header.scores[a] || a - b);
}

/** The smallest of the shown instances that has the image's pixel (x, y), or null. */
export function instanceAt(scene, shown, x, y) {
  let found = null;
  for (const index of shown) {
    if (found !== null && scene.header.areas[index] >= scene.header.areas[found]) continue;
    if (maskHas(scene.masks[index], x, y)) found = index;
  }
  return found;
}

/**
 * For each class of the image: {id, name, color, shown, total, best}, the best score first: wherever the one threshold
 * is, what shows comes before what does not, and no row moves with it.
 */
export function countClasses(header, shown) {
  const rows = header.classes.map((known) => ({ ...known, shown: 0, total: 0, best: 0 }));
  const byId = new Map(rows.map((row) => [row.id, row]));
  header.classIds.forEach((id, index) => {
    const row = byId.get(id);
    row.total++;
    row.best = Math.max(row.best, header.scores[index]);
  });
  for (const index of shown) byId.get(header.classIds[index]).shown++;
  return rows.sort((a, b) => b.best - a.best || b.total - a.total || a.id - b.id);
}

/** Those of `classes` ({name}) whose names have each word of `text`, in any order and in capitals or not. */
export function findClasses(classes, text) {
  const words = text.toLocaleLowerCase().split(/[\s_]+/).filter(Boolean);
  return classes.filter(({ name }) => words.every((word) => name.toLocaleLowerCase().includes(word)));
}

/** "7 of 12 instances shown: 3 person, 2 animal, …" */
export function summarize(header, shown) {
  const total = header.scores.length;
  if (!total) return "No objects found";
  const head = `${shown.length} of ${total} ${total === 1 ? "instance" : "instances"} shown`;
  const counted = countClasses(header, shown)
    .filter((row) => row.shown)
    .sort((a, b) => b.shown - a.shown || a.id - b.id);
  return counted.length ? `${head}: ${counted.map((row) => `${row.shown} ${row.name}`).join(", ")}` : head;
}

/** Why an image with a result shows no instance, and what would help: {text, action, change} or null when one shows. */
export function explainNothing(header, shown, state) {
  if (shown.length) return null;
  const { threshold, classThresholds = {}, hiddenClasses = [], hiddenInstances = [] } = state;
  const scores = header.scores;
  if (!scores.length) return { text: "No objects found in this image.", action: null };
  const likely = likelyInstances(header, { threshold, classThresholds });
  if (likely.length && (hiddenClasses.length || hiddenInstances.length)) {
    const counted = likely.length === 1 ? "The one instance is" : `All ${likely.length} instances are`;
    return { text: `${counted} hidden.`, action: "Show all", change: { hidden_classes: [], hidden_instances: [] } };
  }
  const best = Math.max(...scores);
  if (best >= Math.fround(threshold)) {
    const text = "Nothing meets the threshold of its own class.";
    return { text, action: "Use one for all", change: { class_thresholds: {} } };
  }
  // Rounded down, or the button would still show nothing.
  const change = { threshold: Math.floor(best * 100) / 100, hidden_classes: [], hidden_instances: [] };
  if (Object.keys(classThresholds).length) change.class_thresholds = {};
  return { text: `Nothing above ${threshold.toFixed(2)}; best is ${best.toFixed(2)}.`, action: "Show it", change };
}

/** The next of `shown` (best score first) after `current`, by `step` places and around the ends. */
export function stepInstance(header, shown, current, step) {
  if (!shown.length) return null;
  const ranked = [...shown].sort((a, b) => header.scores[b] - header.scores[a] || a - b);
  const at = ranked.indexOf(current);
  if (at < 0) return step > 0 ? ranked[0] : ranked[ranked.length - 1];
  return ranked[(at + step + ranked.length) % ranked.length];
}

// ── geometry ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const MAX_HEIGHT = 640; // CSS pixels: an image and its legend fit on a laptop's screen
const MIN_HEIGHT = 200;
const MAX_ENLARGEMENT = 3; // a thumbnail is shown larger, but not as a mosaic
const MAX_SCALE = 40; // CSS pixels for a pixel of the image

/** How high the stage is for an image, in CSS pixels. */
export function stageHeight(header, stageWidth) {
  const scale = Math.min(stageWidth / header.width, MAX_ENLARGEMENT);
  return Math.round(Math.min(MAX_HEIGHT, Math.max(MIN_HEIGHT, header.height * scale)));
}

/** The view in which the whole image lies in the middle of the stage. */
export function fitView(header, stageWidth, height) {
  const scale = Math.min(stageWidth / header.width, height / header.height, MAX_ENLARGEMENT);
  return { scale, x: (stageWidth - header.width * scale) / 2, y: (height - header.height * scale) / 2 };
}

/** The view after zooming by `factor` around the stage's point (x, y): never below the fit, never over 40 : 1. */
export function zoomView(view, fit, factor, x, y) {
  const scale = Math.min(Math.max(view.scale * factor, fit.scale), Math.max(MAX_SCALE, fit.scale));
  if (scale === fit.scale) return fit;
  const ratio = scale / view.scale;
  return { scale, x: x - (x - view.x) * ratio, y: y - (y - view.y) * ratio };
}

/** The view that shows the image `zoom` times as large as it fits, with its point `pan` (fractions) in the middle. */
export function viewOf(zoom, pan, fit, header, stageWidth, height) {
  if (zoom <= 1) return fit;
  const scale = Math.min(fit.scale * zoom, Math.max(MAX_SCALE, fit.scale));
  const x = stageWidth / 2 - pan[0] * header.width * scale;
  const y = height / 2 - pan[1] * header.height * scale;
  return holdView({ scale, x, y }, header, stageWidth, height);
}

/** What `viewOf` would make the view of: {zoom, pan}, rounded so that equal views give equal numbers. */
export function zoomOf(view, fit, header, stageWidth, height) {
  if (view.scale <= fit.scale) return { zoom: 1, pan: [0.5, 0.5] };
  const round = (value) => Math.round(Math.min(1, Math.max(0, value)) * 1e5) / 1e5;
  const pan = [
    round((stageWidth / 2 - view.x) / view.scale / header.width),
    round((height / 2 - view.y) / view.scale / header.height),
  ];
  return { zoom: Math.max(1, Math.round((view.scale / fit.scale) * 1e4) / 1e4), pan };
}

/** The view moved back so that the image covers the stage, or is centred where it is smaller than that. */
export function holdView(view, header, stageWidth, height) {
  const hold = (offset, size, room) => (size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, offset)));
  return {
    scale: view.scale,
    x: hold(view.x, header.width * view.scale, stageWidth),
    y: hold(view.y, header.height * view.scale, height),
  };
}

/**
 * Where labels go: for each of `wanted` ({x, y, right, bottom} of the instance, {width, height} of the label, all in
 * stage pixels, most important first) a corner {x, y}, or null where every place is taken.
 */
export function placeLabels(wanted, stageWidth, height) {
  const taken = [];
  return wanted.map((label) => {
    const left = Math.min(Math.max(label.x, 0), stageWidth - label.width);
    const right = Math.min(Math.max(label.right - label.width, 0), stageWidth - label.width);
    const middle = (label.y + label.bottom - label.height) / 2;
    const places = [
      [left, label.y - label.height],
      [left, Math.max(label.y, 0)],
      [right, label.y - label.height],
      [left, label.bottom],
      [left, middle],
      [right, label.bottom - label.height],
    ];
    for (const [x, y] of places) {
      const box = { x, y, right: x + label.width, bottom: y + label.height };
      if (x < 0 || y < 0 || box.right > stageWidth || box.bottom > height) continue;
      if (taken.some((one) => box.x < one.right && one.x < box.right && box.y < one.bottom && one.y < box.bottom)) continue;
      taken.push(box);
      return { x, y };
    }
    return null;
  });
}

// ── colours and words ────────────────────────────────────────────────────────────────────────────────────────────────

function channels(color) {
  return [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
}

/** "#000000" or "#ffffff", whichever reads better on a colour such as "#e69f00" (WCAG 2.2: 4.5 : 1 or more). */
export function textColor(color) {
  const [red, green, blue] = channels(color).map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000000" : "#ffffff";
}

// Jupyter's keys (an arrow chooses another cell, b makes one) stop at this attribute.
const OWN_KEYS = "data-lm-suppress-shortcuts";

/** Keep what is typed inside an element from Jupyter: it looks for the attribute from what has the focus upwards, but
 * not further than the first element that one of its keys is for, which can be the one with the focus itself. */
function keepKeys(element) {
  if (!element || element.hasAttribute(OWN_KEYS)) return;
  element.setAttribute(OWN_KEYS, "true");
  element.addEventListener("focusin", (event) => event.target.setAttribute(OWN_KEYS, "true"));
}

/** Whether a widget manager has a kernel, as far as it says. */
export function hasKernel(manager) {
  // JupyterLab 4's tells its kernel, JupyterLab 3's its session, and others tell neither.
  if (manager?.kernel !== undefined) return manager.kernel !== null;
  return manager?.context?.sessionContext?.session !== null;
}

/** A score's colour, from violet (0) over teal to yellow (1): viridis at five points, straight lines between. */
export function scoreColor(score) {
  const stops = ["#440154", "#3b528b", "#21918c", "#5ec962", "#fde725"].map(channels);
  const at = Math.min(Math.max(score, 0), 1) * 4;
  const from = Math.min(Math.floor(at), 3);
  const mixed = stops[from].map((value, part) => Math.round(value + (stops[from + 1][part] - value) * (at - from)));
  return `#${mixed.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** The colour of one instance. */
export function instanceColor(header, index, colorBy) {
  if (colorBy === "instance") return header.colors[index];
  if (colorBy === "score") return scoreColor(header.scores[index]);
  return header.classes.find((known) => known.id === header.classIds[index]).color;
}

const MAX_FILE_BYTES = 25 * 2 ** 20; // images.py's own limit

/** An instance's facts in words: {name, score, area, share, box}. */
export function describeInstance(header, index) {
  const area = header.areas[index];
  const percent = (100 * area) / (header.width * header.height);
  const share = percent >= 0.1 || percent === 0 ? percent.toFixed(1) : "< 0.1";
  const [left, top, right, bottom] = header.boxes[index].map(Math.round);
  return {
    name: header.classes.find((known) => known.id === header.classIds[index]).name,
    score: header.scores[index].toFixed(2),
    area: `${area.toLocaleString("en-US")} px (${share} %)`,
    share: `${share} %`,
    box: `${left}, ${top} – ${right}, ${bottom}`,
  };
}

/** An address on the web in a dropped or pasted text, or null: one line, nothing else beside it. */
export function addressIn(text) {
  const line = text.trim().split(/\r?\n/).filter((part) => part && !part.startsWith("#"))[0]?.trim() ?? "";
  return /^https?:\/\/\S+$/i.test(line) ? line : null;
}

/** Why these files ({name, size} in bytes) can't be sent, in words, or null: the kernel would refuse them, too. */
export function filesProblem(files) {
  const large = files.find(({ size }) => size > MAX_FILE_BYTES);
  if (!large) return null;
  const [size, most] = [large.size, MAX_FILE_BYTES].map((bytes) => `${Math.round(bytes / 2 ** 20)} MB`);
  return `${large.name} has ${size}, and images may have ${most}. Save it smaller, for example as a JPEG.`;
}

/** A time as part of a file name, such as "2026-11-23 14.05.09". */
export function timeName(date) {
  const two = (value) => String(value).padStart(2, "0");
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(".")}`;
}

// ── the scene: a content message, decoded once for all views of a model ──────────────────────────────────────────────

const scenes = new WeakMap();

function sceneOf(content) {
  if (!scenes.has(content)) scenes.set(content, readScene(content));
  return scenes.get(content);
}

async function readScene(content) {
  const { header, picture, packed } = parseContent(content);
  const [bits, bitmap] = await Promise.all([
    inflate(packed),
    createImageBitmap(new Blob([picture], { type: header.mediaType })),
  ]);
  const masks = readMasks(header, bits);
  // Large ones first, so that the small ones lie on top, where the pointer finds them.
  const order = header.areas.map((_, index) => index).sort((a, b) => header.areas[b] - header.areas[a] || a - b);
  return { header, bitmap, masks, order, paths: [], exactPaths: [] };
}

/** An instance's outline; from six screen pixels a pixel on, where the image shows its pixels too, exactly. */
function pathOf(scene, index, scale) {
  const exact = scale >= PIXELS_SEEN;
  const paths = exact ? scene.exactPaths : scene.paths;
  paths[index] ??= (() => {
    const path = new Path2D();
    for (const loop of traceMask(scene.masks[index], !exact)) {
      path.moveTo(loop[0], loop[1]);
      for (let at = 2; at < loop.length; at += 2) path.lineTo(loop[at], loop[at + 1]);
      path.closePath();
    }
    return path;
  })();
  return paths[index];
}

// ── drawing ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const LAYER_PIXELS = 48e6; // of all prepared layers together: 192 MB at worst
const LABEL_HEIGHT = 18;
const DIMMED = 0.22;
const PIXELS_SEEN = 6; // screen pixels a pixel, from which single pixels are seen

function makeCanvas(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.ceil(width));
  canvas.height = Math.max(1, Math.ceil(height));
  return canvas;
}

/**
 * Draws a scene on two canvases: the image below, all that lies on it above.
 *
 * Each instance is painted once into a layer of its own, at the resolution of the screen, when it is first shown;
 * what a step of the threshold costs is then only copying layers.
 */
class Painter {
  constructor(base, marks) {
    this.base = base;
    this.marks = marks;
    this.layers = new Map();
    this.labels = new Map();
    this.key = "";
    this.drawnBase = "";
  }

  forget() {
    this.layers.clear();
    this.labels.clear();
    this.drawnBase = "";
  }

  resize(width, height, ratio) {
    for (const canvas of [this.base, this.marks]) {
      canvas.width = Math.max(1, Math.round(width * ratio));
      canvas.height = Math.max(1, Math.round(height * ratio));
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    Object.assign(this, { width, height, ratio, drawnBase: "" });
  }

  clear() {
    for (const canvas of [this.base, this.marks]) canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
    this.drawnBase = "";
  }

  draw(scene, view, look) {
    this.drawBase(scene, view);
    const key = `${look.colorBy} ${look.opacity} ${look.show} ${this.ratio} ${look.font}`;
    if (key !== this.key) this.forgetLayers(key);
    const context = this.marks.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.marks.width, this.marks.height);
    if (look.peek) return;
    const shown = new Set(look.shown);
    for (const index of scene.order) {
      if (!shown.has(index)) continue;
      context.globalAlpha = look.lit !== null && index !== look.lit && !look.selected.includes(index) ? DIMMED : 1;
      this.drawLayer(context, scene, view, look, index);
    }
    context.globalAlpha = 1;
    for (const index of look.selected) if (shown.has(index)) this.drawRing(context, scene, view, look, index, "#ffffff");
    if (look.lit !== null && shown.has(look.lit)) this.drawRing(context, scene, view, look, look.lit, null);
    if (look.show.includes("boxes")) this.drawBoxes(context, scene, view, look);
    if (look.show.includes("labels")) this.drawLabels(context, scene, view, look);
  }

  forgetLayers(key) {
    this.layers.clear();
    this.labels.clear();
    this.key = key;
  }

  drawBase(scene, view) {
    const key = `${view.scale} ${view.x} ${view.y}`;
    if (this.drawnBase === key) return;
    this.drawnBase = key;
    const context = this.base.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.base.width, this.base.height);
    const { ratio } = this;
    context.setTransform(view.scale * ratio, 0, 0, view.scale * ratio, view.x * ratio, view.y * ratio);
    // Real pixels, not a blur, once each is several screen pixels large.
    context.imageSmoothingEnabled = view.scale * ratio < PIXELS_SEEN;
    context.imageSmoothingQuality = "high";
    context.drawImage(scene.bitmap, 0, 0);
  }

  /** The instance's own layer, made anew when the view's scale has changed. */
  layer(scene, view, look, index) {
    const mask = scene.masks[index];
    const room = LAYER_PIXELS / Math.max(16, scene.masks.length) / Math.max(1, mask.width * mask.height);
    const scale = Math.min(view.scale * this.ratio, Math.sqrt(room));
    const ready = this.layers.get(index);
    if (ready && (ready.scale === scale || look.moving)) return ready;
    const edge = 4 * this.ratio; // half an outline with its shadow, and one pixel
    const canvas = makeCanvas(mask.width * scale + 2 * edge, mask.height * scale + 2 * edge);
    const context = canvas.getContext("2d");
    context.setTransform(scale, 0, 0, scale, edge - mask.x * scale, edge - mask.y * scale);
    const path = pathOf(scene, index, scale);
    const color = instanceColor(scene.header, index, look.colorBy);
    if (look.show.includes("masks")) {
      context.globalAlpha = look.opacity;
      context.fillStyle = color;
      context.fill(path, "evenodd");
    }
    context.lineJoin = "round";
    if (look.show.includes("outlines")) {
      // A thin shadow keeps a colour apart from an image of the same colour.
      stroke(context, path, "#000000", (3.2 * this.ratio) / scale, 0.35);
      stroke(context, path, color, (1.8 * this.ratio) / scale, 1);
    }
    const made = { canvas, scale, edge };
    this.layers.set(index, made);
    return made;
  }

  drawLayer(context, scene, view, look, index) {
    const mask = scene.masks[index];
    if (!mask.width) return;
    const { canvas, scale, edge } = this.layer(scene, view, look, index);
    const grow = (view.scale * this.ratio) / scale;
    const x = (mask.x * view.scale + view.x) * this.ratio - edge * grow;
    const y = (mask.y * view.scale + view.y) * this.ratio - edge * grow;
    context.setTransform(1, 0, 0, 1, 0, 0);
    // At the layer's own resolution whole pixels stay sharp, and copying them is several times faster.
    if (grow === 1) context.drawImage(canvas, Math.round(x), Math.round(y));
    else context.drawImage(canvas, x, y, canvas.width * grow, canvas.height * grow);
  }

  /** A bright outline around one instance: white when it is selected, in its own colour when it is pointed at. */
  drawRing(context, scene, view, look, index, ring) {
    const scale = view.scale * this.ratio;
    context.setTransform(scale, 0, 0, scale, view.x * this.ratio, view.y * this.ratio);
    context.lineJoin = "round";
    const path = pathOf(scene, index, scale);
    const unit = this.ratio / scale;
    stroke(context, path, "#000000", 5.5 * unit, 0.55);
    stroke(context, path, ring ?? "#ffffff", 3.5 * unit, 1);
    stroke(context, path, instanceColor(scene.header, index, look.colorBy), 1.8 * unit, 1);
  }

  drawBoxes(context, scene, view, look) {
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.lineWidth = 1.5;
    for (const index of look.shown) {
      const [left, top, right, bottom] = scene.header.boxes[index];
      context.globalAlpha = look.lit !== null && index !== look.lit ? DIMMED : 1;
      context.strokeStyle = instanceColor(scene.header, index, look.colorBy);
      context.strokeRect(
        left * view.scale + view.x,
        top * view.scale + view.y,
        (right - left) * view.scale,
        (bottom - top) * view.scale,
      );
    }
    context.globalAlpha = 1;
  }

  drawLabels(context, scene, view, look) {
    const { header, masks } = scene;
    const first = (index) => (index === look.lit ? 2 : look.selected.includes(index) ? 1 : 0);
    const ranked = [...look.shown].sort(
      (a, b) => first(b) - first(a) || header.scores[b] - header.scores[a] || a - b,
    );
    const wanted = ranked.map((index) => {
      const { width } = this.label(scene, look, index);
      const mask = masks[index];
      const x = mask.x * view.scale + view.x;
      const y = mask.y * view.scale + view.y;
      const [right, bottom] = [x + mask.width * view.scale, y + mask.height * view.scale];
      return { x, y, right, bottom, width, height: LABEL_HEIGHT };
    });
    const places = placeLabels(wanted, this.width, this.height);
    context.setTransform(1, 0, 0, 1, 0, 0);
    ranked.forEach((index, rank) => {
      const place = places[rank];
      const { bottom, right, x, y } = wanted[rank];
      if (!place || bottom < 0 || right < 0 || x > this.width || y > this.height) return;
      context.globalAlpha = look.lit !== null && index !== look.lit ? DIMMED : 1;
      const { canvas } = this.label(scene, look, index);
      context.drawImage(canvas, Math.round(place.x * this.ratio), Math.round(place.y * this.ratio));
    });
    context.globalAlpha = 1;
  }

  label(scene, look, index) {
    if (this.labels.has(index)) return this.labels.get(index);
    const { name, score } = describeInstance(scene.header, index);
    const color = instanceColor(scene.header, index, look.colorBy);
    const ruler = this.marks.getContext("2d");
    const bold = `600 12px ${look.font}`;
    const plain = `12px ${look.font}`;
    ruler.font = bold;
    const nameWidth = ruler.measureText(name).width;
    ruler.font = plain;
    const width = Math.ceil(nameWidth + ruler.measureText(score).width + 16);
    const canvas = makeCanvas(width * this.ratio, LABEL_HEIGHT * this.ratio);
    const context = canvas.getContext("2d");
    context.scale(this.ratio, this.ratio);
    context.fillStyle = color;
    context.beginPath();
    context.roundRect(0, 0, width, LABEL_HEIGHT, 4);
    context.fill();
    context.fillStyle = textColor(color);
    context.textBaseline = "middle";
    context.font = bold;
    context.fillText(name, 6, LABEL_HEIGHT / 2 + 0.5);
    context.font = plain;
    context.fillText(score, 10 + nameWidth, LABEL_HEIGHT / 2 + 0.5);
    const made = { canvas, width };
    this.labels.set(index, made);
    return made;
  }
}

function stroke(context, path, color, width, alpha) {
  context.globalAlpha = alpha;
  context.strokeStyle = color;
  context.lineWidth = width;
  context.stroke(path);
  context.globalAlpha = 1;
}

// ── the widget ───────────────────────────────────────────────────────────────────────────────────────────────────────

const ICONS = {
  picture:
    "M4 5h16a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1Zm-1 11 5-5 4 4 3-3 6 6M16.5 10.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3Z",
  alert: "M12 8v5m0 3v.5M12 3 2.5 20h19L12 3Z",
  info: "M12 11v6m0-9.5v.5M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  close: "M6 6l12 12M18 6 6 18",
  eye: "M2 12s3.6-6.5 10-6.5S22 12 22 12s-3.6 6.5-10 6.5S2 12 2 12Zm10 3a3 3 0 1 0 0-6 3 3 0 0 0 0 6Z",
  closed: "M3 3l18 18M10 5.7c.7-.1 1.3-.2 2-.2 6.4 0 10 6.5 10 6.5s-1 1.8-2.9 3.5M6 7.3C3.4 9.2 2 12 2 12s3.6 6.5 10 6.5c1.5 0 2.9-.4 4.1-.9",
  camera:
    "M4 8h3l1.5-2.5h7L17 8h3a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1Zm8 8.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Z",
  keys: "M9.2 9a2.9 2.9 0 1 1 4.3 2.5c-.9.5-1.5 1.2-1.5 2.2v.3M12 17v.5M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z",
  more: "M12 5.5v.01M12 12v.01M12 18.5v.01",
  down: "M6 9l6 6 6-6",
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

/** An element with a class, attributes (an `on…` is a listener, `text` its text) and children. */
function make(tag, className, settings = {}, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const [name, value] of Object.entries(settings)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "text") element.textContent = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function button(className, label, settings, ...children) {
  return make("button", className, { type: "button", title: label, "aria-label": label, ...settings }, ...children);
}

/** A button of words, with a caret when it opens something. */
function wordButton(className, text, settings, caret = false) {
  return make("button", className, { type: "button", ...settings }, text, ...(caret ? [icon("down")] : []));
}

function swatch(color) {
  const element = make("span", "sgw-swatch");
  element.style.background = color;
  return element;
}

/** Text is set only where it changes: each write would otherwise cost a layout, and be read out again. */
// A step of the slider changes little; what stays must not be laid out and painted again.
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function setColor(element, color) {
  // The browser writes colours in its own way, so that what it says can't be compared.
  if (element.dataset.color === color) return;
  element.dataset.color = color;
  element.style.background = color;
}

function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** Up and down go from one focusable element to the next inside `container`. */
function moveFocus(container, event, selector) {
  const all = [...container.querySelectorAll(selector)].filter((element) => element.offsetParent);
  const at = all.indexOf(document.activeElement);
  const last = all.length - 1;
  const to = { ArrowDown: at >= last ? 0 : at + 1, ArrowUp: at <= 0 ? last : at - 1, Home: 0, End: last }[event.key];
  if (to === undefined || !all.length) return null;
  event.preventDefault();
  event.stopPropagation();
  all[to].focus();
  return all[to];
}

const SHOWS = [
  ["masks", "Masks"],
  ["outlines", "Outlines"],
  ["boxes", "Boxes"],
  ["labels", "Labels"],
];
const COLORS = [
  ["class", "Class"],
  ["instance", "Instance"],
  ["score", "Score"],
];
const EXPORTS = [
  ["png", "PNG", "the image with what is drawn on it"],
  ["cutouts", "Cut-outs", "a ZIP of transparent PNGs, one for each instance"],
  ["coco", "COCO", "a data set in JSON, masks included"],
  ["csv", "CSV", "a table for spreadsheets"],
  ["html", "Web page", "one file to explore in any browser, without Python"],
  ["python", "Copy Python", "the lines that make what is shown"],
];
const KEYS = [
  ["← ↑ → ↓", "step through the instances, the best first"],
  ["Enter", "select (with Shift: one more)"],
  ["H", "hide the instance"],
  ["S, or double-click", "show it alone; again: the others, too"],
  ["Esc", "select nothing"],
  ["Space", "hold: the photograph without masks"],
  ["+ − 0", "zoom in, zoom out, the whole image"],
  ["Wheel, or pinch", "zoom to the pointer (Ctrl + wheel before a click)"],
  ["Drag", "move the enlarged image"],
  ["T", "in the list of classes: a threshold for this class"],
];
const WIDE = 760; // CSS pixels from which the lists stand beside the image
const SAVE_DELAY_MS = 80;
const ANNOUNCE_DELAY_MS = 500;
const DOUBLE_TAP_MS = 320;
const PATIENCE_MS = 10_000; // before an answer of the kernel is missed
const PULSE_MS = 2000; // between two looks at whether the kernel is there

// ── in the page's top layer: menus, and what asks for all attention ──────────────────────────────────────────────────

/** A small panel beside a button; no cell of the notebook cuts it off. */
class Popover {
  constructor(root) {
    this.element = make("div", "sgw-popover", { popover: "auto" });
    this.element.addEventListener("toggle", (event) => event.newState === "closed" && this.closed());
    this.element.addEventListener("keydown", (event) => {
      // A slider's own keys stay its own.
      if (event.target.type !== "range") moveFocus(this.element, event, "button, input");
    });
    root.append(this.element);
    this.anchor = null;
    this.closedAt = -Infinity;
    // Nothing else tells that the page moves below it.
    this.scrolled = (event) => !this.element.contains(event.target) && this.place();
  }

  get open() {
    return this.anchor !== null;
  }

  /** Shows it beside `anchor`; a click on the anchor of an open one closes it. */
  toggle(anchor, settings, ...children) {
    // The press of that very click has closed it already.
    if (this.last === anchor && performance.now() - this.closedAt < 250) return;
    for (const name of ["role", "aria-label"]) this.element.removeAttribute(name);
    for (const [name, value] of Object.entries(settings)) this.element.setAttribute(name, value);
    this.element.replaceChildren(...children);
    this.element.showPopover();
    this.anchor = this.last = anchor;
    anchor.setAttribute("aria-expanded", "true");
    this.place();
    this.element.querySelector("button, input")?.focus({ preventScroll: true });
    addEventListener("scroll", this.scrolled, { capture: true, passive: true });
  }

  place() {
    const { left, top, bottom } = this.anchor.getBoundingClientRect();
    const { offsetWidth, offsetHeight, style } = this.element;
    const below = bottom + 4 + offsetHeight <= innerHeight || top < offsetHeight;
    style.left = `${Math.max(8, Math.min(left, innerWidth - offsetWidth - 8))}px`;
    style.top = `${Math.max(8, below ? bottom + 4 : top - 4 - offsetHeight)}px`;
  }

  close() {
    if (this.open) this.element.hidePopover();
    this.last = null;
  }

  closed() {
    this.anchor?.setAttribute("aria-expanded", "false");
    this.anchor = null;
    this.closedAt = performance.now();
    removeEventListener("scroll", this.scrolled, { capture: true });
  }

  destroy() {
    this.closed();
    this.element.remove();
  }
}

/** A window of its own over the page, until it is closed; `onclose` tidies up. */
function openDialog(root, title, onclose, ...children) {
  const head = make(
    "div",
    "sgw-dialog-head",
    {},
    make("h2", "", { text: title }),
    button("sgw-icon", "Close", { onclick: () => dialog.close() }, icon("close")),
  );
  const dialog = make("dialog", "sgw-dialog", { "aria-label": title }, head, ...children);
  dialog.addEventListener("close", () => {
    dialog.remove();
    onclose?.();
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  root.append(dialog);
  dialog.showModal();
  return dialog;
}

// ── the kernel ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** What the view asks of the kernel, what comes back, and what it says when nothing does. */
class Kernel {
  constructor(view) {
    this.view = view;
    this.model = view.model;
    this.waiting = new Map();
    this.number = 0;
    this.key = Math.random().toString(36).slice(2);
    // Any model of the same kernel tells whether it is there; each widget has a layout.
    this.layout = this.model.get("layout");
    this.wasLive = this.everLive = this.live;
    this.stop = [];
    const receive = (message, buffers) => this.receive(message, buffers);
    this.model.on("msg:custom", receive);
    this.stop.push(() => this.model.off("msg:custom", receive));
    const changed = () => this.changed();
    this.layout?.on?.("comm_live_update", changed);
    this.stop.push(() => this.layout?.off?.("comm_live_update", changed));
    // JupyterLab tells nobody when a kernel is shut down.
    const pulse = setInterval(() => this.live === this.wasLive || changed(), PULSE_MS);
    this.stop.push(() => clearInterval(pulse));
    this.watchUpload();
  }

  /** Whether there is a kernel that could answer; a saved page has none. */
  get live() {
    return this.layout?.comm_live !== false && hasKernel(this.model.widget_manager);
  }

  changed() {
    if (!this.live) this.forget();
    this.everLive ||= this.live;
    this.wasLive = this.live;
    this.view.updateState();
  }

  /** In words, why no question can be answered, or "". */
  problem() {
    if (this.live) return this.missing ?? "";
    return this.everLive
      ? "The kernel was stopped or restarted, and this panel's part of it is gone. You can still explore what is shown; to segment more images, run the cell again."
      : "";
  }

  /** Sends a question; `answered(message, buffers)` is called with its answer, and `late` is told when none comes. */
  ask(content, buffers, late, answered) {
    const number = `${this.key}-${++this.number}`;
    this.waiting.set(number, { answered, timer: setTimeout(() => this.miss(late), PATIENCE_MS) });
    this.model.send({ ...content, number }, undefined, buffers);
  }

  receive(message, buffers) {
    const number = message?.got ?? message?.answer;
    const question = this.waiting.get(number);
    if (!question) return;
    clearTimeout(question.timer);
    this.hear();
    if (message.answer === undefined) return;
    this.waiting.delete(number);
    question.answered?.(message, buffers);
  }

  miss(late) {
    this.missing = late;
    this.view.updateState();
  }

  hear() {
    if (!this.missing) return;
    this.missing = "";
    this.view.updateState();
  }

  forget() {
    for (const { timer } of this.waiting.values()) clearTimeout(timer);
    this.waiting.clear();
    clearTimeout(this.uploading);
    this.missing = "";
  }

  /** Files in the upload button that the kernel does not take out again were lost on the way. */
  async watchUpload() {
    const reference = this.model.get("upload");
    if (typeof reference !== "string" || !this.model.widget_manager) return;
    const upload = await this.model.widget_manager.get_model(reference.replace("IPY_MODEL_", "")).catch(() => null);
    if (!upload || this.view.gone) return;
    const changed = () => {
      clearTimeout(this.uploading);
      const files = upload.get("data") ?? upload.get("value") ?? [];
      if (!files.length) {
        this.hear();
        return;
      }
      const size = files.reduce((sum, file) => sum + (file.content ?? file).byteLength, 0);
      this.uploading = setTimeout(() => this.miss(lateUpload(files.length, size)), PATIENCE_MS + size / 500);
    };
    upload.on("change:value change:data", changed);
    this.stop.push(() => upload.off("change:value change:data", changed));
  }

  destroy() {
    this.forget();
    this.stop.forEach((stop) => stop());
  }
}

/** Why images of `size` bytes in all may not have arrived. */
function lateUpload(count, size) {
  const what = count === 1 ? "The image has" : `The ${count} images have`;
  const large =
    size > 7e6
      ? ` Or the server refused ${Math.round(size / 2 ** 20)} MB: start it with a larger websocket_max_message_size (make lab does), or send smaller images.`
      : "";
  return `${what} not reached the kernel. It may be busy with another cell; then this goes on when it is done.${large}`;
}

// ── the list of classes ──────────────────────────────────────────────────────────────────────────────────────────────

/** So many classes in one image are easier to find by name than by eye. */
const MANY_CLASSES = 13;

class Legend {
  constructor(view) {
    this.view = view;
    this.chips = new Map();
    this.list = make("div", "sgw-legend", { role: "group", "aria-label": "Classes" });
    this.list.addEventListener("keydown", (event) => this.key(event));
    this.search = make("input", "sgw-search-field", {
      type: "search",
      placeholder: "Find a class",
      "aria-label": "Find a class by a part of its name; Enter shows only those found",
    });
    this.only = wordButton("sgw-link", "Only these", { onclick: () => this.showOnlyFound() });
    this.found = make("span", "sgw-count", { role: "status" });
    this.finder = make("div", "sgw-finder", { hidden: "" }, this.search, this.only, this.found);
    this.search.addEventListener("input", () => this.find());
    this.search.addEventListener("keydown", (event) => this.searchKey(event));
    this.hint = make("p", "sgw-hint", { text: "Click hides, double-click shows alone." });
    this.scale = make("div", "sgw-scale", { hidden: "" }, "0", make("span", "sgw-gradient"), "1");
    this.element = make("div", "sgw-classes", {}, this.finder, this.list, this.scale, this.hint);
    const stops = [0, 0.25, 0.5, 0.75, 1].map(scoreColor);
    this.scale.querySelector("span").style.background = `linear-gradient(to right, ${stops})`;
  }

  build(header) {
    const rows = countClasses(header, []);
    this.chips = new Map(rows.map((row, at) => [row.id, this.chip(row, at === 0)]));
    this.list.replaceChildren(...[...this.chips.values()].map((chip) => chip.element));
    this.hint.hidden = rows.length < 2;
    // What was looked for stays for the next image, like the classes that are hidden.
    this.finder.hidden = rows.length < MANY_CLASSES;
    if (this.finder.hidden) this.search.value = "";
    this.find();
  }

  /** The chips whose names have what was typed. */
  matches() {
    return findClasses([...this.chips.values()], this.search.value);
  }

  find() {
    const found = new Set(this.matches());
    const first = [...found][0];
    for (const chip of this.chips.values()) {
      chip.element.hidden = !found.has(chip);
      chip.main.tabIndex = chip === first ? 0 : -1;
    }
    setText(this.found, this.search.value.trim() ? `${found.size} of ${this.chips.size}` : "");
    this.offer(this.view.model.get("hidden_classes"));
  }

  /** "Only these" for what was found, "Show all" where that is what is shown, or classes are hidden otherwise. */
  offer(hidden) {
    this.offered = hidden;
    const names = this.matches().map(({ name }) => name);
    const others = [...this.chips.values()].map(({ name }) => name).filter((name) => !names.includes(name));
    const alone = others.every((name) => hidden.includes(name)) && !names.some((name) => hidden.includes(name));
    const some = hidden.some((name) => names.includes(name) || others.includes(name));
    this.only.hidden = alone ? !some : !names.length;
    setText(this.only, alone ? "Show all" : others.length ? "Only these" : "Show all");
    return alone || !others.length ? [] : others;
  }

  showOnlyFound() {
    if (!this.matches().length) return;
    this.view.write({ hidden_classes: this.offer(this.view.model.get("hidden_classes")) });
  }

  searchKey(event) {
    if (event.key === "Enter") this.showOnlyFound();
    else if (event.key === "Escape" && this.search.value) {
      this.search.value = "";
      this.find();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  chip({ id, name, color }, first) {
    const dot = swatch(color);
    const count = make("span", "sgw-count");
    const own = make("span", "sgw-own", { hidden: "" });
    const main = make(
      "button",
      "sgw-chip-main",
      {
        type: "button",
        tabindex: first ? "0" : "-1",
        title: `${name}: click hides or shows it, double-click shows it alone`,
        onclick: (event) => (event.shiftKey ? this.solo(name) : this.toggle(name)),
        ondblclick: () => this.solo(name),
        oncontextmenu: (event) => {
          event.preventDefault();
          this.menu(id);
        },
      },
      dot,
      make("span", "sgw-name", { text: name }),
      own,
      count,
    );
    const label = `Threshold of ${name}, and more`;
    const more = button("sgw-more", label, { tabindex: "-1", onclick: () => this.menu(id) }, icon("more"));
    const element = make("div", "sgw-chip", {}, main, more);
    return { name, color, element, main, more, dot, count, own };
  }

  update(header, state, shown, colorBy) {
    const names = new Set(state.hiddenClasses);
    for (const row of countClasses(header, shown)) {
      const chip = this.chips.get(row.id);
      const hidden = names.has(row.name);
      const own = state.classThresholds[row.name];
      setText(chip.count, `${row.shown} / ${row.total}`);
      setAttribute(chip.main, "aria-pressed", String(!hidden));
      chip.element.classList.toggle("sgw-off", hidden);
      chip.element.classList.toggle("sgw-none", !hidden && !row.shown);
      setColor(chip.dot, colorBy === "class" ? row.color : "");
      chip.own.hidden = own === undefined;
      setText(chip.own, own === undefined ? "" : `≥ ${own.toFixed(2)}`);
    }
    this.scale.hidden = colorBy !== "score";
    // Not for each step of the slider, which hides no class.
    if (!this.finder.hidden && this.offered !== state.hiddenClasses) this.offer(state.hiddenClasses);
  }

  key(event) {
    const chip = [...this.chips.values()].find(({ main }) => main === document.activeElement);
    if (chip && event.key.toLowerCase() === "t" && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      event.stopPropagation();
      chip.more.click();
      return;
    }
    const focused = moveFocus(this.list, event, ".sgw-chip-main");
    if (!focused) return;
    for (const { main } of this.chips.values()) main.tabIndex = main === focused ? 0 : -1;
  }

  toggle(name) {
    const hidden = this.view.model.get("hidden_classes");
    this.view.write({ hidden_classes: hidden.includes(name) ? hidden.filter((one) => one !== name) : [...hidden, name] });
  }

  /** Shows one class alone; a second time, all of them. */
  solo(name) {
    const others = this.view.scene.header.classes.map((known) => known.name).filter((one) => one !== name);
    const hidden = this.view.model.get("hidden_classes");
    const alone = others.every((one) => hidden.includes(one)) && !hidden.includes(name);
    this.view.write({ hidden_classes: alone ? [] : others });
  }

  setThreshold(name, value) {
    const others = { ...this.view.model.get("class_thresholds") };
    delete others[name];
    this.view.writeSoon({ class_thresholds: value === null ? others : { ...others, [name]: value } });
  }

  /** A class's menu: its own threshold, and what a click and a double-click do. */
  menu(id) {
    const { name, more, color } = this.chips.get(id);
    const get = (trait) => this.view.model.get(trait);
    const value = make("output", "sgw-count");
    const range = make("input", "sgw-range", { type: "range", min: 0, max: 1, step: 0.01, "aria-label": `Threshold of ${name}` });
    const same = wordButton("sgw-item", "", { onclick: () => this.setThreshold(name, null) || update() });
    const update = () => {
      const own = get("class_thresholds")[name];
      range.value = own ?? get("threshold");
      setText(value, Number(range.value).toFixed(2));
      same.hidden = own === undefined;
      setText(same, `Use the common threshold (${get("threshold").toFixed(2)})`);
    };
    range.addEventListener("input", () => {
      this.setThreshold(name, Number(range.value));
      update();
    });
    update();
    const { popover } = this.view;
    const act = (text, action) => wordButton("sgw-item", text, { onclick: () => (popover.close(), action()) });
    popover.toggle(
      more,
      { role: "dialog", "aria-label": `Class ${name}` },
      make("div", "sgw-popover-head", {}, swatch(color), make("strong", "", { text: name })),
      make("label", "sgw-field", {}, make("span", "", { text: "Threshold" }), range, value),
      same,
      act(get("hidden_classes").includes(name) ? "Show" : "Hide", () => this.toggle(name)),
      act("Show alone, or all", () => this.solo(name)),
    );
    range.focus({ preventScroll: true });
  }
}

// ── the list of instances ────────────────────────────────────────────────────────────────────────────────────────────

const ROW_HEIGHT = 26; // CSS pixels, as in canvas.css
const COLUMNS = [
  ["class", "Class"],
  ["score", "Score"],
  ["area", "Area"],
];

/** A table of the instances that meet their threshold, sortable, linked with the image; it draws only what is seen. */
class Table {
  constructor(view) {
    this.view = view;
    this.by = "score";
    this.descending = true;
    this.rows = [];
    this.ranked = [];
    this.pool = [];
    this.active = null;
    this.heads = COLUMNS.map(([by, label]) => {
      const sort = make("button", "sgw-sort", { type: "button", text: label, onclick: () => this.sort(by) });
      return [by, make("div", `sgw-cell sgw-cell-${by}`, { role: "columnheader" }, sort)];
    });
    const head = make("div", "sgw-row sgw-head", { role: "row", "aria-rowindex": "1" });
    head.append(...this.heads.map(([, cell]) => cell), make("div", "sgw-cell sgw-cell-eye", { role: "columnheader" }));
    head.lastChild.append(make("span", "sgw-offscreen", { text: "Shown" }));
    this.spacer = make("div", "sgw-spacer", { role: "rowgroup" });
    this.body = make("div", "sgw-rows", { role: "presentation" }, make("div", "sgw-top", { role: "rowgroup" }, head), this.spacer);
    this.element = make(
      "div",
      "sgw-table",
      { role: "grid", tabindex: "0", "aria-label": "Instances", "aria-multiselectable": "true", "aria-colcount": "4" },
      this.body,
    );
    this.name = `sgw-${Math.random().toString(36).slice(2)}`;
    // Kept, since to ask for them between two changes would lay out the whole page each time.
    this.room = 0;
    this.scrolled = 0;
    const scrolled = () => {
      this.scrolled = this.body.scrollTop;
      this.fill();
    };
    this.body.addEventListener("scroll", scrolled, { passive: true });
    this.spacer.addEventListener("pointermove", (event) => this.point(event));
    this.spacer.addEventListener("pointerleave", () => view.leave());
    this.spacer.addEventListener("click", (event) => this.click(event));
    this.spacer.addEventListener("dblclick", (event) => this.doubleClick(event));
    this.element.addEventListener("keydown", (event) => this.key(event));
    this.sizes = new ResizeObserver(() => {
      this.room = this.body.clientHeight;
      this.refresh();
    });
    this.sizes.observe(this.body);
  }

  build(header) {
    this.header = header;
    this.shares = header.areas.map((_, index) => describeInstance(header, index));
    this.active = null;
    this.body.scrollTop = 0;
    this.rank();
  }

  sort(by) {
    this.descending = this.by === by ? !this.descending : by !== "class";
    this.by = by;
    this.rank();
    this.view.schedule();
  }

  rank() {
    const all = this.header.scores.map((_, index) => index);
    this.ranked = sortInstances(this.header, all, this.by, this.descending);
    for (const [by, cell] of this.heads) {
      const order = this.descending ? "descending" : "ascending";
      cell.setAttribute("aria-sort", by === this.by ? order : "none");
    }
  }

  update(state, look) {
    Object.assign(this, { state, look });
    this.refresh();
  }

  refresh() {
    const { state, look } = this;
    if (!this.room || !look) return;
    const likely = new Set(likelyInstances(this.header, state));
    const rows = this.ranked.filter((index) => likely.has(index));
    if (rows.length !== this.rows.length || !this.pool.length) this.spacer.style.height = `${rows.length * ROW_HEIGHT}px`;
    this.rows = rows;
    this.hidden = new Set(state.hiddenInstances);
    this.chosen = new Set(look.selected);
    setAttribute(this.element, "aria-rowcount", String(this.rows.length + 1));
    if (this.view.model.get("selected").join() !== this.seen) {
      this.seen = this.view.model.get("selected").join();
      if (look.selected.length === 1) this.reveal(look.selected[0]);
    }
    this.fill();
  }

  /** Scrolls its row into sight, unless it is there. */
  reveal(index) {
    const top = this.rows.indexOf(index) * ROW_HEIGHT;
    if (top < 0) return;
    const room = this.body.clientHeight - ROW_HEIGHT; // below the head, which stays
    if (top < this.body.scrollTop) this.body.scrollTop = top;
    else if (top + ROW_HEIGHT > this.body.scrollTop + room) this.body.scrollTop = top + ROW_HEIGHT - room;
  }

  fill() {
    if (!this.look || !this.room) return;
    const first = Math.max(0, Math.floor(this.scrolled / ROW_HEIGHT) - 2);
    const count = Math.max(0, Math.min(this.rows.length - first, Math.ceil(this.room / ROW_HEIGHT) + 5));
    while (this.pool.length < count) this.pool.push(this.row());
    this.pool.forEach((row, at) => {
      row.element.hidden = at >= count;
      if (at < count) this.show(row, first + at);
    });
    const active = this.active !== null && this.rows.includes(this.active);
    if (active) setAttribute(this.element, "aria-activedescendant", `${this.name}-${this.active}`);
    else this.element.removeAttribute("aria-activedescendant");
  }

  row() {
    const dot = make("span", "sgw-swatch");
    const name = make("span", "sgw-name");
    const cells = COLUMNS.map(([by]) => make("div", `sgw-cell sgw-cell-${by}`, { role: "gridcell" }));
    cells[0].append(dot, name);
    const eye = make("button", "sgw-eye", { type: "button", tabindex: "-1" }, icon("eye"), icon("closed"));
    const element = make("div", "sgw-row", { role: "row" }, ...cells, make("div", "sgw-cell sgw-cell-eye", { role: "gridcell" }, eye));
    this.spacer.append(element);
    return { element, dot, name, score: cells[1], area: cells[2], eye, index: null, at: null };
  }

  show(row, at) {
    const index = this.rows[at];
    const { header, look } = this;
    const { element, eye } = row;
    const facts = this.shares[index];
    if (row.index !== index || row.of !== header) {
      Object.assign(row, { index, of: header });
      element.dataset.index = String(index);
      element.id = `${this.name}-${index}`;
      setText(row.name, facts.name);
      setText(row.score, facts.score);
      setText(row.area, facts.share);
      row.area.title = facts.area;
    }
    const off = this.hidden.has(index);
    if (row.at !== at) {
      row.at = at;
      element.style.transform = `translateY(${at * ROW_HEIGHT}px)`;
      element.setAttribute("aria-rowindex", String(at + 2));
    }
    setAttribute(element, "aria-selected", String(this.chosen.has(index)));
    element.classList.toggle("sgw-lit", look.lit === index);
    element.classList.toggle("sgw-active", this.active === index);
    element.classList.toggle("sgw-off", off);
    setColor(row.dot, instanceColor(header, index, look.colorBy));
    const label = off ? "Show this instance" : "Hide this instance";
    if (eye.title !== label) {
      eye.title = label;
      eye.setAttribute("aria-label", label);
    }
  }

  at(event) {
    const row = event.target.closest(".sgw-row");
    return row ? Number(row.dataset.index) : null;
  }

  point(event) {
    if (this.view.rests(event)) return;
    const index = this.at(event);
    // What is hidden one by one can't light up in the image.
    this.view.light(this.hidden.has(index) ? null : index);
  }

  click(event) {
    const index = this.at(event);
    if (index === null) return;
    this.active = index;
    if (event.target.closest(".sgw-eye")) this.view.toggleOne(index);
    else this.view.select(index, event.shiftKey || event.ctrlKey || event.metaKey);
  }

  doubleClick(event) {
    const index = this.at(event);
    if (index !== null && !event.target.closest(".sgw-eye")) this.view.isolate(index);
  }

  key(event) {
    if (event.target !== this.element || event.ctrlKey || event.metaKey || event.altKey || !this.rows.length) return;
    const at = this.rows.indexOf(this.active);
    const page = Math.max(1, Math.floor(this.body.clientHeight / ROW_HEIGHT) - 2);
    const last = this.rows.length - 1;
    const moves = { ArrowDown: at + 1, ArrowUp: at < 0 ? last : at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: last };
    const actions = {
      Enter: () => this.view.select(this.active, event.shiftKey),
      " ": () => this.view.select(this.active, event.shiftKey),
      h: () => this.view.toggleOne(this.active),
      s: () => this.view.isolate(this.active),
      Escape: () => this.view.escape(),
    };
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (key in moves) this.move(this.rows[Math.max(0, Math.min(last, moves[key]))]);
    else if (key in actions && (at >= 0 || key === "Escape")) actions[key]();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  move(index) {
    this.active = index;
    this.view.lightByKey(this.hidden.has(index) ? null : index);
    this.reveal(index);
    this.fill();
  }

  destroy() {
    this.sizes.disconnect();
  }
}

// ── the webcam ───────────────────────────────────────────────────────────────────────────────────────────────────────

const CAMERA_PROBLEMS = {
  NotAllowedError: "The browser may not use the camera here. Allow it in the browser's settings for this page, then try again.",
  NotFoundError: "The browser finds no camera. Plug one in, then try again.",
  NotReadableError: "Another program uses the camera. Close that one, then try again.",
};

/** Shows what the camera sees, and gives one image of it to `take(file)`. */
async function openCamera(root, take, tell) {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1920 }, height: { ideal: 1080 } } });
  } catch (error) {
    tell(CAMERA_PROBLEMS[error.name] ?? `The camera can't be used: ${error.message}.`);
    return;
  }
  const video = make("video", "sgw-video", { autoplay: "", playsinline: "", "aria-label": "What the camera sees" });
  video.muted = true;
  video.srcObject = stream;
  const snap = wordButton("sgw-button sgw-snap", "Take image", { onclick: () => shoot() });
  const stop = () => stream.getTracks().forEach((track) => track.stop());
  const dialog = openDialog(root, "Camera", stop, video, make("div", "sgw-dialog-foot", {}, snap));
  snap.focus();
  const shoot = () => {
    if (!video.videoWidth) return;
    const canvas = makeCanvas(video.videoWidth, video.videoHeight);
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob((blob) => {
      dialog.close();
      take(new File([blob], `camera ${timeName(new Date())}.jpg`, { type: "image/jpeg" }));
    }, "image/jpeg", 0.92);
  };
}

// ── one view ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** One view of the canvas: its elements, what the person does with them, and what the model says. */
class View {
  constructor(model, element) {
    this.model = model;
    this.scene = null;
    this.content = null;
    this.view = null;
    this.fit = null;
    this.peek = { held: false, on: false };
    this.keyed = null;
    this.moving = false;
    this.frame = 0;
    this.timers = new Map();
    this.unsaved = {}; // what the page shows and the kernel has not been told
    this.pointers = new Map();
    this.gone = false;
    this.legend = new Legend(this);
    this.table = new Table(this);
    this.build(element);
    this.popover = new Popover(this.root);
    this.painter = new Painter(this.base, this.marks);
    this.kernel = new Kernel(this);
    this.listen();
    this.updateState();
    this.load();
  }

  // ── elements ──

  build(element) {
    this.base = make("canvas", "sgw-layer");
    this.marks = make("canvas", "sgw-layer");
    this.surface = make(
      "div",
      "sgw-surface",
      { tabindex: "0", role: "application", "aria-roledescription": "image with instances" },
      this.base,
      this.marks,
    );
    this.tip = make("div", "sgw-tip", { hidden: "" });
    this.note = make("div", "sgw-note", { hidden: "" });
    this.whisper = make("div", "sgw-note sgw-whisper", { hidden: "" });
    this.drop = make("div", "sgw-drop", { hidden: "" }, icon("picture"), make("p", "", { text: "Drop to segment" }));
    this.bar = make("div", "sgw-progress", { hidden: "" });
    this.stage = make("div", "sgw-stage", {}, this.surface, this.buildEmpty(), this.note, this.whisper, this.buildBusy());
    this.stage.append(this.bar, this.buildZooms(), this.tip, this.drop);
    this.live = make("p", "sgw-offscreen", { "aria-live": "polite" });
    this.body = make("div", "sgw-body", {}, this.stage, this.buildSide());
    this.root = make("div", "sgw", {}, ...this.buildMessages(), this.body, this.live);
    keepKeys(this.root);
    element.append(this.root);
  }

  buildMessages() {
    this.errorText = make("p", "sgw-error-text");
    const dismiss = button("sgw-icon", "Dismiss this message", { onclick: () => this.dismiss() }, icon("close"));
    this.error = make("div", "sgw-error", { hidden: "", role: "alert" }, icon("alert"), this.errorText, dismiss);
    this.noticeText = make("p", "sgw-error-text");
    this.notice = make("div", "sgw-error sgw-notice", { hidden: "", role: "status" }, icon("info"), this.noticeText);
    return [this.notice, this.error];
  }

  buildEmpty() {
    this.emptyTitle = make("p", "sgw-empty-title");
    this.emptyHint = make("p", "sgw-empty-hint");
    this.emptyCamera = wordButton("sgw-toggle", "Use the camera", { onclick: () => this.photograph() });
    this.emptyCancel = wordButton("sgw-toggle", "Cancel", { onclick: () => this.cancel() });
    const texts = [this.emptyTitle, this.emptyHint, this.emptyCamera, this.emptyCancel];
    this.empty = make("div", "sgw-empty", { tabindex: "0", role: "group" }, icon("picture"), ...texts);
    return this.empty;
  }

  buildBusy() {
    this.busyText = make("span", "sgw-busy-text");
    this.busyCancel = wordButton("sgw-button", "Cancel", { onclick: () => this.cancel() });
    const words = make("span", "", { role: "status" }, this.busyText);
    this.busy = make("div", "sgw-busy", { hidden: "" }, make("span", "sgw-spinner"), words, this.busyCancel);
    return this.busy;
  }

  buildZooms() {
    this.camera = button("sgw-icon", "Photograph with the camera", { onclick: () => this.photograph() }, icon("camera"));
    this.peekButton = button(
      "sgw-icon sgw-peek",
      "The photograph without masks (hold Space)",
      { "aria-pressed": "false", onclick: () => this.setPeek({ on: !this.peek.on }) },
      icon("eye"),
    );
    this.zooms = make(
      "div",
      "sgw-zooms",
      { role: "group", "aria-label": "Image" },
      this.camera,
      this.peekButton,
      button("sgw-icon", "Zoom out (−)", { onclick: () => this.zoom(1 / 1.5) }, icon("minus")),
      button("sgw-icon", "Fit the whole image (0)", { onclick: () => this.resetView() }, icon("fit")),
      button("sgw-icon", "Zoom in (+)", { onclick: () => this.zoom(1.5) }, icon("plus")),
      button("sgw-icon", "Keys (?)", { "aria-haspopup": "dialog", onclick: () => this.showKeys() }, icon("keys")),
    );
    return this.zooms;
  }

  buildSide() {
    this.summary = make("p", "sgw-summary");
    this.unhide = wordButton("sgw-link", "", { onclick: () => this.write({ hidden_instances: [] }) });
    this.details = make("div", "sgw-details", { hidden: "" });
    const menu = { "aria-haspopup": "true", "aria-expanded": "false" };
    this.lookButton = wordButton("sgw-toggle", "View", { ...menu, onclick: () => this.openLook() }, true);
    this.exportButton = wordButton("sgw-toggle sgw-export", "Export", { ...menu, onclick: () => this.openExports() }, true);
    const tools = make("div", "sgw-tools", {}, this.lookButton, this.exportButton);
    const parts = [this.summary, this.legend.element, this.unhide, this.table.element, this.details, tools];
    this.side = make("div", "sgw-side", {}, ...parts);
    return this.side;
  }

  listen() {
    const on = (names, callback) => {
      for (const name of names.split(" ")) this.model.on(`change:${name}`, callback);
      return () => names.split(" ").forEach((name) => this.model.off(`change:${name}`, callback));
    };
    const drawn = "threshold class_thresholds hidden_classes hidden_instances selected hovered color_by opacity show";
    this.unlisten = [
      on(`${drawn} zoom pan`, () => this.keepUnsaved()), // First: the others draw what it leaves.
      on("content", () => this.load()),
      on(drawn, () => this.schedule()),
      on("zoom pan", () => this.follow()),
      on("busy status error hint exports asks", () => this.updateState()),
      on("legend table", () => this.layout()),
    ];
    const { surface, root } = this;
    surface.addEventListener("pointermove", (event) => this.point(event));
    surface.addEventListener("pointerleave", () => this.leave());
    surface.addEventListener("pointerdown", (event) => this.press(event));
    surface.addEventListener("pointerup", (event) => this.release(event));
    surface.addEventListener("pointercancel", (event) => this.lift(event));
    surface.addEventListener("dblclick", (event) => this.doubleClick(event));
    surface.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    surface.addEventListener("keydown", (event) => this.key(event));
    surface.addEventListener("keyup", (event) => event.key === " " && this.setPeek({ held: false }));
    surface.addEventListener("blur", () => this.setPeek({ held: false }));
    root.addEventListener("keydown", (event) => this.rootKey(event));
    root.addEventListener("dragover", (event) => this.drag(event));
    root.addEventListener("dragleave", (event) => root.contains(event.relatedTarget) || (this.drop.hidden = true));
    root.addEventListener("drop", (event) => this.dropped(event));
    root.addEventListener("paste", (event) => this.paste(event));
    this.sizes = new ResizeObserver(() => {
      // In a panel this goes for the controls, too; by the time that there is a size, it is around the canvas.
      keepKeys(this.root.closest(".sgw-panel"));
      this.layout();
    });
    this.sizes.observe(this.root);
    this.watchRatio();
  }

  /** A window that moves to a screen of another density needs other canvases; nothing but this query tells. */
  watchRatio() {
    const query = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
    const changed = () => {
      this.unwatchRatio();
      this.watchRatio();
      this.layout();
    };
    query.addEventListener("change", changed);
    this.unwatchRatio = () => query.removeEventListener("change", changed);
  }

  destroy() {
    this.gone = true;
    this.sizes.disconnect();
    this.unwatchRatio();
    this.unlisten.forEach((stop) => stop());
    cancelAnimationFrame(this.frame);
    for (const timer of this.timers.values()) clearTimeout(timer);
    clearInterval(this.clock);
    for (const part of [this.kernel, this.popover, this.table]) part.destroy();
    this.painter.forget();
    this.root.remove();
  }

  later(name, delay, callback) {
    clearTimeout(this.timers.get(name));
    this.timers.set(name, setTimeout(callback, delay));
  }

  write(changes) {
    this.change(changes);
    this.save();
  }

  /** The page follows at once; the kernel hears of it when the hand rests. */
  writeSoon(changes) {
    this.change(changes);
    this.later("save", SAVE_DELAY_MS, () => this.save());
  }

  change(changes) {
    Object.assign(this.unsaved, changes);
    for (const [name, value] of Object.entries(changes)) this.model.set(name, value);
  }

  save() {
    clearTimeout(this.timers.get("save"));
    this.unsaved = {};
    this.model.save_changes();
  }

  /** The kernel repeats to the page what it was told; that must not undo what the hand has done since. */
  keepUnsaved() {
    if (this.model.get("content") !== this.content) return; // Another image has come: this was about the last one.
    for (const [name, value] of Object.entries(this.unsaved)) {
      if (this.model.get(name) !== value) this.model.set(name, value);
    }
  }

  // ── content and layout ──

  async load() {
    const content = this.model.get("content");
    this.content = content;
    this.unsaved = {};
    if (!content || !content.byteLength) {
      this.scene = null;
      this.popover.close();
      this.layout();
      this.updateState();
      return;
    }
    let scene = null;
    let problem = "";
    try {
      scene = await sceneOf(content);
    } catch (error) {
      problem = `The image can't be shown here: ${error.message}.`;
    }
    // A newer message may have come, or the view gone, while this one was decoded.
    if (this.gone || this.content !== content) return;
    this.problem = problem;
    if (scene) {
      this.scene = scene;
      this.view = null;
      this.others = null;
      this.painter.forget();
      this.popover.close();
      this.legend.build(scene.header);
      this.table.build(scene.header);
      this.said = this.tipOf = null;
      this.layout();
    }
    this.updateState();
  }

  layout() {
    if (this.gone) return;
    const width = this.root.clientWidth;
    if (!width) return; // not on screen yet; the observer tells when it is
    this.root.classList.toggle("sgw-wide", width >= WIDE);
    this.root.classList.toggle("sgw-has-image", Boolean(this.scene));
    this.legend.element.hidden = !this.model.get("legend");
    this.table.element.hidden = !this.model.get("table");
    if (this.scene) {
      const stageWidth = this.stage.clientWidth;
      const height = stageHeight(this.scene.header, stageWidth);
      this.surface.style.height = `${height}px`;
      this.fit = fitView(this.scene.header, stageWidth, height);
      this.painter.resize(stageWidth, height, devicePixelRatio || 1);
      this.view = this.modelView();
      // In this frame, or a resized canvas would flash empty.
      this.draw();
    } else {
      this.surface.style.height = "";
      this.painter.clear();
      delete this.root.dataset.shown;
      delete this.root.dataset.total;
    }
  }

  schedule() {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.draw());
  }

  // ── drawing ──

  state() {
    const get = (name) => this.model.get(name);
    return {
      threshold: get("threshold"),
      classThresholds: get("class_thresholds"),
      hiddenClasses: get("hidden_classes"),
      hiddenInstances: get("hidden_instances"),
    };
  }

  shown() {
    return this.scene ? visibleInstances(this.scene.header, this.state()) : [];
  }

  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    if (this.gone || !this.scene || !this.painter.width) return;
    const state = this.state();
    const shown = visibleInstances(this.scene.header, state);
    const visible = new Set(shown);
    const hovered = this.model.get("hovered");
    const look = {
      shown,
      lit: visible.has(hovered) ? hovered : null,
      selected: this.model.get("selected").filter((index) => visible.has(index)),
      colorBy: this.model.get("color_by"),
      opacity: this.model.get("opacity"),
      show: this.model.get("show"),
      font: (this.font ??= getComputedStyle(this.root).fontFamily),
      peek: this.peek.held || this.peek.on,
      moving: this.moving,
    };
    this.painter.draw(this.scene, this.view, look);
    this.updateWords(state, shown, look);
    this.root.dataset.shown = String(shown.length);
    this.root.dataset.total = String(this.scene.header.scores.length);
  }

  updateWords(state, shown, look) {
    const { header } = this.scene;
    const text = summarize(header, shown);
    setText(this.summary, text.split(":")[0]);
    if (this.said !== text) {
      this.said = text;
      this.surface.setAttribute("aria-label", `${header.name || "Picture"}. ${text}. Arrow keys step through the instances.`);
      // A slider that is held down would otherwise talk without end.
      this.later("announce", ANNOUNCE_DELAY_MS, () => (this.live.textContent = text));
    }
    this.legend.update(header, state, shown, look.colorBy);
    this.table.update(state, look);
    this.unhide.hidden = !state.hiddenInstances.length;
    setText(this.unhide, `Show ${state.hiddenInstances.length} hidden one by one`);
    this.updateNote(explainNothing(header, shown, state));
    this.updateDetails(look.selected);
    this.updateTip(look.lit);
    const zoomed = this.view !== this.fit;
    this.zooms.classList.toggle("sgw-kept", zoomed || look.peek);
    this.surface.classList.toggle("sgw-movable", zoomed);
    setAttribute(this.peekButton, "aria-pressed", String(look.peek));
  }

  updateNote(note) {
    this.note.hidden = !note;
    const key = note ? note.text : "";
    if (this.noteKey === key) return;
    this.noteKey = key;
    this.note.replaceChildren();
    if (!note) return;
    this.note.append(make("span", "", { text: note.text }));
    if (note.action) this.note.append(wordButton("sgw-button", note.action, { onclick: () => this.write(note.change) }));
  }

  updateDetails(selected) {
    this.details.hidden = selected.length !== 1;
    if (selected.length !== 1) return;
    const { name, score, area, box } = describeInstance(this.scene.header, selected[0]);
    const facts = { Selected: `${name} ${score}`, Area: area, Box: box };
    this.details.replaceChildren(
      ...Object.entries(facts).flatMap(([term, text]) => [make("span", "sgw-term", { text: term }), make("span", "", { text })]),
    );
  }

  updateTip(lit) {
    this.tip.hidden = lit === null || !this.at;
    if (this.tip.hidden) return;
    const colorBy = this.model.get("color_by");
    if (this.tipOf !== `${lit} ${colorBy}`) {
      this.tipOf = `${lit} ${colorBy}`;
      const { name, score, area, box } = describeInstance(this.scene.header, lit);
      const title = [make("strong", "", { text: name }), make("span", "", { text: score })];
      const head = make("div", "sgw-tip-head", {}, swatch(instanceColor(this.scene.header, lit, colorBy)), ...title);
      const more = [area, `Box ${box}`].map((text) => make("div", "sgw-tip-more", { text }));
      this.tip.replaceChildren(head, ...more);
    }
    const { offsetWidth, offsetHeight } = this.tip;
    const x = this.at.x + 16 + offsetWidth > this.painter.width ? this.at.x - 12 - offsetWidth : this.at.x + 16;
    const y = Math.min(this.at.y + 16, this.painter.height - offsetHeight - 4);
    this.tip.style.transform = `translate(${Math.round(Math.max(4, x))}px, ${Math.round(Math.max(4, y))}px)`;
  }

  updateState() {
    if (this.gone) return;
    const get = (name) => this.model.get(name);
    const live = this.kernel.live;
    // A kernel that is gone finishes nothing.
    const [busy, status] = live ? [get("busy"), get("status")] : [false, ""];
    const error = get("error") || this.problem || "";
    const notice = this.kernel.problem();
    const can = (ask) => live && get("asks").includes(ask);
    this.error.hidden = !error;
    setText(this.errorText, error);
    this.notice.hidden = !notice;
    setText(this.noticeText, notice);
    this.bar.hidden = !busy;
    this.busy.hidden = !busy || !this.scene;
    this.busyCancel.hidden = this.emptyCancel.hidden = !busy || !can("cancel");
    this.root.setAttribute("aria-busy", String(busy));
    this.empty.hidden = Boolean(this.scene);
    setText(this.emptyHint, get("hint"));
    this.camera.hidden = this.emptyCamera.hidden = !can("camera") || !navigator.mediaDevices?.getUserMedia;
    this.emptyCamera.hidden ||= busy;
    this.exportButton.hidden = !live || !get("exports").length;
    if (this.doing !== (busy ? status : "")) {
      this.doing = busy ? status : "";
      this.since = performance.now();
    }
    clearInterval(this.clock);
    if (busy) this.clock = setInterval(() => this.tick(), 1000);
    this.tick();
  }

  /** The words of the busy state, with the seconds that it has taken so far once these are worth telling. */
  tick() {
    const seconds = Math.floor((performance.now() - this.since) / 1000);
    const text = this.doing ? `${this.doing} …${seconds >= 2 ? ` ${seconds} s` : ""}` : "";
    setText(this.busyText, text);
    setText(this.emptyTitle, text || "No image yet");
    this.emptyHint.hidden = Boolean(text);
  }

  /** Says something that passes over the image, for a while. */
  say(text) {
    setText(this.whisper, text);
    this.whisper.hidden = false;
    this.later("whisper", 2500, () => (this.whisper.hidden = true));
  }

  dismiss() {
    this.problem = "";
    this.write({ error: "" });
    this.updateState();
  }

  // ── menus ──

  openLook() {
    const get = (name) => this.model.get(name);
    const choice = (type, name, label, checked, change) => {
      const input = make("input", "", { type, name });
      input.checked = checked;
      input.addEventListener("change", () => change(input.checked));
      return make("label", "sgw-choice", {}, input, label);
    };
    const shows = SHOWS.map(([name, label]) => choice("checkbox", name, label, get("show").includes(name), () => this.toggleShow(name)));
    const group = `sgw-${Math.random()}`;
    const colors = COLORS.map(([name, label]) =>
      choice("radio", group, label, get("color_by") === name, () => this.write({ color_by: name })),
    );
    const opacity = make("input", "sgw-range", { type: "range", min: 0, max: 1, step: 0.05, "aria-label": "Opacity of the masks" });
    opacity.value = get("opacity");
    opacity.addEventListener("input", () => this.writeSoon({ opacity: Number(opacity.value) }));
    const fields = (label, ...children) => make("fieldset", "sgw-fields", {}, make("legend", "", { text: label }), ...children);
    this.popover.toggle(
      this.lookButton,
      { role: "dialog", "aria-label": "View" },
      fields("Draw", ...shows),
      fields("Colour by", ...colors),
      make("label", "sgw-field", {}, make("span", "", { text: "Opacity" }), opacity),
    );
  }

  openExports() {
    const known = EXPORTS.filter(([kind]) => this.model.get("exports").includes(kind));
    const items = known.map(([kind, label, text]) => {
      const words = [make("strong", "", { text: label }), make("span", "sgw-hint", { text })];
      const onclick = () => {
        this.popover.close();
        this.export(kind);
      };
      return make("button", "sgw-item", { type: "button", role: "menuitem", "aria-label": label, onclick }, ...words);
    });
    this.popover.toggle(this.exportButton, { role: "menu", "aria-label": "Export what is shown" }, ...items);
  }

  /** Asks the kernel for a file, and gives it to the person. */
  export(kind) {
    // The kernel must know what the page shows before it is asked for it.
    this.save();
    const late = "The kernel has not answered yet: it is busy, or stopped. The file comes when it is done.";
    this.kernel.ask({ ask: "export", kind }, [], late, (answer, buffers) => {
      if (answer.failed) return;
      if (kind === "python") this.showPython(new TextDecoder().decode(buffers[0]));
      else this.download(answer.file, answer.mediaType, buffers[0]);
    });
  }

  download(name, type, data) {
    const address = URL.createObjectURL(new Blob([data], { type }));
    make("a", "", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }

  showPython(code) {
    const text = make("textarea", "sgw-code", { readonly: "", spellcheck: "false", "aria-label": "Python", rows: Math.min(24, code.split("\n").length + 1) });
    text.value = code;
    const copy = wordButton("sgw-button", "Copy", {
      onclick: async () => {
        try {
          await navigator.clipboard.writeText(code);
        } catch {
          // Not every front end lets its cells write to the clipboard; all let a selection be copied.
          text.select();
          document.execCommand("copy");
        }
        setText(copy, "Copied");
      },
    });
    openDialog(this.root, "Python for what is shown", null, text, make("div", "sgw-dialog-foot", {}, copy));
    copy.focus();
  }

  showKeys() {
    const rows = KEYS.flatMap(([key, text]) => [make("kbd", "", { text: key }), make("span", "", { text })]);
    openDialog(this.root, "Keys", () => this.surface.focus(), make("div", "sgw-keys", {}, ...rows));
  }

  toggleShow(name) {
    const show = this.model.get("show");
    this.write({ show: SHOWS.map(([one]) => one).filter((one) => (one === name) !== show.includes(one)) });
  }

  // ── new images ──

  can(ask) {
    return this.kernel.live && this.model.get("asks").includes(ask);
  }

  drag(event) {
    if (!this.can("open") || ![...event.dataTransfer.types].some((type) => type === "Files" || type === "text/uri-list")) return;
    event.preventDefault();
    event.stopPropagation();
    event.dataTransfer.dropEffect = "copy";
    this.drop.hidden = false;
  }

  dropped(event) {
    this.drop.hidden = true;
    if (!this.can("open")) return;
    event.preventDefault();
    event.stopPropagation();
    this.take(event.dataTransfer, "text/uri-list");
  }

  paste(event) {
    if (!this.can("open") || event.target.closest("input, textarea")) return;
    event.preventDefault();
    event.stopPropagation();
    if (!this.take(event.clipboardData, "text/plain")) this.say("The clipboard has no image and no address of one.");
  }

  /** Opens what was dropped or pasted; returns whether there was anything to open. */
  take(transfer, textType) {
    const files = [...transfer.files];
    const address = addressIn(transfer.getData(textType) || transfer.getData("text/plain"));
    if (files.length) this.open(files);
    else if (address) {
      const late = "The address has not reached the kernel: it is busy with another cell, or stopped.";
      this.kernel.ask({ ask: "address", address }, [], late);
    }
    return Boolean(files.length || address);
  }

  async open(files) {
    const problem = filesProblem(files);
    if (problem) {
      this.tell(problem);
      return;
    }
    const buffers = await Promise.all(files.map((file) => file.arrayBuffer()));
    const size = files.reduce((sum, file) => sum + file.size, 0);
    this.kernel.ask({ ask: "open", names: files.map((file) => file.name) }, buffers, lateUpload(files.length, size));
  }

  /** A message of the browser's own, until it is dismissed or another comes. */
  tell(problem) {
    this.problem = problem;
    this.updateState();
  }

  photograph() {
    openCamera(this.root, (file) => this.open([file]), (problem) => this.tell(problem));
  }

  cancel() {
    this.kernel.ask({ ask: "cancel" }, [], "The kernel has not answered yet: it is busy with another cell, or stopped.");
  }

  // ── pointer ──

  /** The pointer's place: on the stage (x, y), and in the image's pixels. */
  locate(event) {
    const box = this.surface.getBoundingClientRect();
    const x = event.clientX - box.left;
    const y = event.clientY - box.top;
    return {
      x,
      y,
      column: Math.floor((x - this.view.x) / this.view.scale),
      row: Math.floor((y - this.view.y) / this.view.scale),
    };
  }

  under(event) {
    const { column, row } = this.locate(event);
    return instanceAt(this.scene, this.shown(), column, row);
  }

  hover(index) {
    if (this.model.get("hovered") !== index) this.writeSoon({ hovered: index });
  }

  /** Lights up an instance from outside the image, where there is no pointer for a tip. */
  light(index) {
    this.at = null;
    this.hover(index);
  }

  /** What the keys light up stays lit until the pointer moves. */
  lightByKey(index) {
    this.keyed = { at: null };
    this.light(index);
  }

  /** Whether the keys have the say: when the page scrolls below a pointer at rest, browsers tell of that as of one that moves. */
  rests({ clientX: x, clientY: y }) {
    if (!this.keyed) return false;
    const { at } = this.keyed;
    if (at && (at.x !== x || at.y !== y)) this.keyed = null;
    else this.keyed.at = { x, y };
    return Boolean(this.keyed);
  }

  point(event) {
    if (!this.scene || !this.view) return;
    if (this.pointers.has(event.pointerId)) this.pointers.set(event.pointerId, event);
    if (this.pinch()) return;
    if (this.pressed && this.drawAlong(event)) return;
    if (this.rests(event)) return;
    this.at = this.locate(event);
    this.hover(instanceAt(this.scene, this.shown(), this.at.column, this.at.row));
    this.schedule();
  }

  leave() {
    if (this.keyed) return;
    this.light(null);
    this.schedule();
  }

  press(event) {
    if (!this.scene || event.button !== 0) return;
    this.touched = event.pointerType === "touch";
    this.pointers.set(event.pointerId, event);
    const [first, second] = this.pointers.values();
    if (second) {
      this.pressed = null;
      this.pinched = { first, second, view: this.view };
      for (const id of this.pointers.keys()) this.surface.setPointerCapture(id);
    } else {
      this.pressed = { x: event.clientX, y: event.clientY, view: this.view, moved: false };
    }
  }

  lift(event) {
    this.pointers.delete(event.pointerId);
    this.pressed = null;
    if (this.pointers.size < 2) this.pinched = null;
  }

  /** Two fingers: their distance is the zoom, and the image stays below them. */
  pinch() {
    if (!this.pinched || this.pointers.size < 2) return false;
    const [first, second] = this.pointers.values();
    const [before, now] = [this.pinched, { first, second }].map(({ first: a, second: b }) => ({
      distance: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY),
      ...this.locate({ clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 }),
    }));
    const zoomed = zoomView(this.pinched.view, this.fit, now.distance / Math.max(1, before.distance), before.x, before.y);
    this.setView(zoomed === this.fit ? zoomed : { ...zoomed, x: zoomed.x + now.x - before.x, y: zoomed.y + now.y - before.y });
    return true;
  }

  drawAlong(event) {
    const { pressed } = this;
    const [x, y] = [event.clientX - pressed.x, event.clientY - pressed.y];
    if (this.view === this.fit || (!pressed.moved && Math.hypot(x, y) < 4)) return false;
    if (!pressed.moved) this.surface.setPointerCapture(event.pointerId);
    pressed.moved = true;
    this.setView({ scale: pressed.view.scale, x: pressed.view.x + x, y: pressed.view.y + y }, false);
    return true;
  }

  release(event) {
    const { pressed } = this;
    this.lift(event);
    if (!pressed || pressed.moved || !this.scene) return;
    if (this.touched && this.tapTwice(event)) return;
    this.select(this.under(event), event.shiftKey || event.ctrlKey || event.metaKey);
  }

  /** A second tap at the same place fits the image, or enlarges it there; returns whether this was one. */
  tapTwice(event) {
    const before = this.tapped;
    this.tapped = { at: event.timeStamp, x: event.clientX, y: event.clientY };
    if (!before || event.timeStamp - before.at > DOUBLE_TAP_MS) return false;
    if (Math.hypot(event.clientX - before.x, event.clientY - before.y) > 30) return false;
    this.tapped = null;
    const { x, y } = this.locate(event);
    if (this.view === this.fit) this.zoom(2.5, x, y);
    else this.resetView();
    return true;
  }

  doubleClick(event) {
    if (!this.scene || this.touched) return;
    const index = this.under(event);
    if (index === null) this.resetView();
    else this.isolate(index);
  }

  wheel(event) {
    if (!this.scene) return;
    const wanted = event.ctrlKey || event.metaKey; // a pinch on a touchpad comes so, too
    const out = event.deltaY > 0 && this.view === this.fit;
    // A page that is scrolled past the image must not be caught by it.
    if (!wanted && (document.activeElement !== this.surface || out)) {
      if (!out) this.say("Click the image, or hold Ctrl, to zoom with the wheel.");
      return;
    }
    event.preventDefault();
    const { x, y } = this.locate(event);
    this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : wanted ? 0.0025 : 0.0015)), x, y);
  }

  // ── zoom ──

  zoom(factor, x = this.painter.width / 2, y = this.painter.height / 2) {
    if (this.scene && this.view) this.setView(zoomView(this.view, this.fit, factor, x, y));
  }

  resetView() {
    this.setView(this.fit);
  }

  /** Shows the view; `zooms` tells that its scale changes, so that layers are made anew. */
  setView(view, zooms = true) {
    const { width, height } = this.painter;
    const { header } = this.scene;
    this.view = view === this.fit ? view : holdView(view, header, width, height);
    if (zooms) this.rest();
    const { zoom, pan } = zoomOf(this.view, this.fit, header, width, height);
    this.own = `${zoom} ${pan}`;
    this.writeSoon({ zoom, pan });
    this.schedule();
  }

  /** While it moves, the layers at hand are scaled; sharp ones follow when it rests. */
  rest() {
    this.moving = true;
    this.later("sharpen", 140, () => {
      this.moving = false;
      this.schedule();
    });
  }

  modelView() {
    const { width, height } = this.painter;
    return viewOf(this.model.get("zoom"), this.model.get("pan"), this.fit, this.scene.header, width, height);
  }

  /** Another view, or Python, has moved the image. */
  follow() {
    if (!this.scene || !this.fit || this.own === `${this.model.get("zoom")} ${this.model.get("pan")}`) return;
    this.own = "";
    this.view = this.modelView();
    this.rest();
    this.schedule();
  }

  // ── choosing ──

  select(index, add) {
    const selected = this.model.get("selected");
    let next = index === null ? [] : [index];
    if (add) {
      if (index === null) return;
      next = selected.includes(index) ? selected.filter((one) => one !== index) : [...selected, index];
    } else if (index !== null && selected.length === 1 && selected[0] === index) {
      next = [];
    }
    this.write({ selected: next });
  }

  escape() {
    this.hover(null);
    this.write({ selected: [] });
  }

  hideOne(index) {
    this.hover(null);
    this.write({
      hidden_instances: [...this.model.get("hidden_instances"), index],
      selected: this.model.get("selected").filter((one) => one !== index),
    });
  }

  toggleOne(index) {
    const hidden = this.model.get("hidden_instances");
    if (hidden.includes(index)) this.write({ hidden_instances: hidden.filter((one) => one !== index) });
    else this.hideOne(index);
  }

  /** Shows one instance alone; a second time, all that were shown before. */
  isolate(index) {
    const hidden = this.model.get("hidden_instances");
    const others = this.scene.header.scores.map((_, one) => one).filter((one) => one !== index);
    const alone = hidden.length === others.length && !hidden.includes(index);
    if (alone) {
      this.write({ hidden_instances: this.others ?? [] });
      this.others = null;
      return;
    }
    // From one alone to the next: what was hidden before the first is what comes back.
    if (hidden.length < others.length) this.others = hidden.filter((one) => one !== index);
    this.write({ hidden_instances: others, selected: [index] });
  }

  setPeek(change) {
    const next = { ...this.peek, ...change };
    if (next.held === this.peek.held && next.on === this.peek.on) return;
    this.peek = next;
    this.schedule();
  }

  // ── keys ──

  rootKey(event) {
    if (event.key !== "?" || event.target.closest("input, textarea, dialog")) return;
    event.preventDefault();
    event.stopPropagation();
    this.showKeys();
  }

  key(event) {
    if (!this.scene || event.ctrlKey || event.metaKey || event.altKey) return;
    const shown = this.shown();
    const current = this.model.get("hovered") ?? this.model.get("selected")[0] ?? null;
    const { header } = this.scene;
    const one = (action) => () => current !== null && action(current);
    const step = (by) => () => this.step(stepInstance(header, shown, current, by));
    const actions = {
      ArrowRight: step(1),
      ArrowDown: step(1),
      ArrowLeft: step(-1),
      ArrowUp: step(-1),
      Enter: one((index) => this.select(index, event.shiftKey)),
      Escape: () => this.escape(),
      " ": () => this.setPeek({ held: true }),
      "+": () => this.zoom(1.5),
      "=": () => this.zoom(1.5),
      "-": () => this.zoom(1 / 1.5),
      0: () => this.resetView(),
      h: one((index) => this.hideOne(index)),
      s: one((index) => this.isolate(index)),
    };
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  }

  step(index) {
    if (index === null) return;
    this.lightByKey(index);
    const { name, score, area } = describeInstance(this.scene.header, index);
    this.later("announce", 50, () => (this.live.textContent = `${name}, score ${score}, ${area}`));
    this.table.active = index;
    this.table.reveal(index);
    this.schedule();
  }
}

function render({ model, el }) {
  const view = new View(model, el);
  return () => view.destroy();
}

export default { render };
