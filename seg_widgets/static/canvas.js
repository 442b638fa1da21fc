// The canvas of seg_widgets: a picture with its instances, filtered, pointed at and selected in the browser alone.
//
// One ES module without imports. The default export is the widget (anywidget's `render`); the named exports are pure
// helpers that tests/js checks with `node --test`. Coordinates: "image" is the picture's own pixels, "stage" is CSS
// pixels of the viewport in which it lies; the view {scale, x, y} maps image to stage.

// ── content: what canvas.py's encode_content made ────────────────────────────────────────────────────────────────────

/** Splits one content message (a DataView) into its header, the encoded picture and the compressed bits. */
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

/** Whether the picture's pixel (x, y) lies inside the mask. */
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

/** Which instances are shown, in the prediction's order; scores are float32, and so is the threshold they meet. */
export function visibleInstances(header, { threshold, hiddenClasses = [], hiddenInstances = [] }) {
  const least = Math.fround(threshold);
  const hidden = new Set(header.classes.filter((known) => hiddenClasses.includes(known.name)).map((known) => known.id));
  const single = new Set(hiddenInstances);
  const shown = [];
  header.scores.forEach((score, index) => {
    if (score >= least && !hidden.has(header.classIds[index]) && !single.has(index)) shown.push(index);
  });
  return shown;
}

/** The smallest of the shown instances that has the picture's pixel (x, y), or null. */
export function instanceAt(scene, shown, x, y) {
  let found = null;
  for (const index of shown) {
    if (found !== null && scene.header.areas[index] >= scene.header.areas[found]) continue;
    if (maskHas(scene.masks[index], x, y)) found = index;
  }
  return found;
}

/** For each class of the picture: {id, name, color, shown, total}, the most frequent first. */
export function countClasses(header, shown) {
  const rows = header.classes.map((known) => ({ ...known, shown: 0, total: 0 }));
  const byId = new Map(rows.map((row) => [row.id, row]));
  for (const id of header.classIds) byId.get(id).total++;
  for (const index of shown) byId.get(header.classIds[index]).shown++;
  return rows.sort((a, b) => b.total - a.total || a.id - b.id);
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

/** Why a picture with a result shows no instance, and what would help: {text, action, …} or null when something shows. */
export function explainNothing(header, shown, { threshold, hiddenClasses = [], hiddenInstances = [] }) {
  if (shown.length) return null;
  const scores = header.scores;
  if (!scores.length) return { text: "No objects found in this picture.", action: null };
  const best = Math.max(...scores);
  if (best < Math.fround(threshold)) {
    // Rounded down, or the button would still show nothing.
    return {
      text: `Nothing above ${threshold.toFixed(2)}; best is ${best.toFixed(2)}.`,
      action: "Show it",
      threshold: Math.floor(best * 100) / 100,
    };
  }
  const everything = visibleInstances(header, { threshold });
  const counted = everything.length === 1 ? "The one instance is" : `All ${everything.length} instances are`;
  return hiddenClasses.length || hiddenInstances.length
    ? { text: `${counted} hidden.`, action: "Show all", unhide: true }
    : null;
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

const MAX_HEIGHT = 640; // CSS pixels: a picture and its legend fit on a laptop's screen
const MIN_HEIGHT = 200;
const MAX_ENLARGEMENT = 3; // a thumbnail is shown larger, but not as a mosaic

/** How high the stage is for a picture, in CSS pixels. */
export function stageHeight(header, stageWidth) {
  const scale = Math.min(stageWidth / header.width, MAX_ENLARGEMENT);
  return Math.round(Math.min(MAX_HEIGHT, Math.max(MIN_HEIGHT, header.height * scale)));
}

/** The view in which the whole picture lies in the middle of the stage. */
export function fitView(header, stageWidth, height) {
  const scale = Math.min(stageWidth / header.width, height / header.height, MAX_ENLARGEMENT);
  return { scale, x: (stageWidth - header.width * scale) / 2, y: (height - header.height * scale) / 2 };
}

/** The view after zooming by `factor` around the stage's point (x, y): never below the fit, never over 40 : 1. */
export function zoomView(view, fit, factor, x, y) {
  const scale = Math.min(Math.max(view.scale * factor, fit.scale), Math.max(40, fit.scale));
  if (scale === fit.scale) return fit;
  const ratio = scale / view.scale;
  return { scale, x: x - (x - view.x) * ratio, y: y - (y - view.y) * ratio };
}

/** The view moved back so that the picture covers the stage, or is centred where it is smaller than that. */
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

/** An instance's facts in words: {name, score, area, box}. */
export function describeInstance(header, index) {
  const area = header.areas[index];
  const percent = (100 * area) / (header.width * header.height);
  const share = percent >= 0.1 || percent === 0 ? percent.toFixed(1) : "< 0.1";
  const [left, top, right, bottom] = header.boxes[index].map(Math.round);
  return {
    name: header.classes.find((known) => known.id === header.classIds[index]).name,
    score: header.scores[index].toFixed(2),
    area: `${area.toLocaleString("en-US")} px (${share} %)`,
    box: `${left}, ${top} – ${right}, ${bottom}`,
  };
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

/** An instance's outline; from six screen pixels a pixel on, where the picture shows its pixels too, exactly. */
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
 * Draws a scene on two canvases: the picture below, all that lies on it above.
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
      // A thin shadow keeps a colour apart from a picture of the same colour.
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
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  close: "M6 6l12 12M18 6 6 18",
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

const SHOWS = [
  ["masks", "Masks"],
  ["outlines", "Outlines"],
  ["boxes", "Boxes"],
  ["labels", "Labels"],
];
const SAVES = [
  ["png", "PNG", "Save the picture with what is drawn on it"],
  ["coco", "COCO", "Save what is shown as a COCO data set (JSON)"],
  ["csv", "CSV", "Save what is shown as a table (CSV)"],
];
const WIDE = 720; // CSS pixels from which the legend stands beside the picture
const HOVER_DELAY_MS = 80;
const ANNOUNCE_DELAY_MS = 500;

/** One view of the canvas: its elements, what the person does with them, and what the model says. */
class View {
  constructor(model, element) {
    this.model = model;
    this.scene = null;
    this.content = null;
    this.view = null;
    this.fit = null;
    this.peek = false;
    this.moving = false;
    this.frame = 0;
    this.timers = new Map();
    this.gone = false;
    this.build(element);
    this.painter = new Painter(this.base, this.marks);
    this.listen();
    this.buildSaves();
    this.updateState();
    this.load();
  }

  // ── elements ──

  build(element) {
    this.base = make("canvas", "sgw-layer");
    this.marks = make("canvas", "sgw-layer");
    this.tip = make("div", "sgw-tip", { hidden: "" });
    this.emptyHint = make("p", "sgw-empty-hint");
    this.emptyTitle = make("p", "sgw-empty-title");
    this.empty = make("div", "sgw-empty", {}, icon("picture"), this.emptyTitle, this.emptyHint);
    this.note = make("div", "sgw-note", { hidden: "" });
    this.zooms = make(
      "div",
      "sgw-zooms",
      { role: "group", "aria-label": "Zoom" },
      button("sgw-icon", "Zoom out (−)", { onclick: () => this.zoom(1 / 1.5) }, icon("minus")),
      button("sgw-icon", "Fit the whole picture (0)", { onclick: () => this.resetView() }, icon("fit")),
      button("sgw-icon", "Zoom in (+)", { onclick: () => this.zoom(1.5) }, icon("plus")),
    );
    this.surface = make(
      "div",
      "sgw-surface",
      { tabindex: "0", role: "application", "aria-roledescription": "picture with instances" },
      this.base,
      this.marks,
    );
    this.bar = make("div", "sgw-progress", { hidden: "" });
    this.busyText = make("span", "sgw-busy-text");
    this.busy = make("div", "sgw-busy", { hidden: "", role: "status" }, make("span", "sgw-spinner"), this.busyText);
    this.stage = make("div", "sgw-stage", {}, this.surface, this.empty, this.note, this.busy, this.bar, this.zooms, this.tip);
    this.errorText = make("p", "sgw-error-text");
    this.error = make(
      "div",
      "sgw-error",
      { hidden: "", role: "alert" },
      icon("alert"),
      this.errorText,
      button("sgw-icon", "Dismiss this message", { onclick: () => this.write({ error: "" }) }, icon("close")),
    );
    this.summary = make("p", "sgw-summary");
    this.live = make("p", "sgw-offscreen", { "aria-live": "polite" });
    this.legend = make("div", "sgw-legend", { role: "group", "aria-label": "Classes" });
    this.legendHint = make("p", "sgw-hint", { text: "Click hides a class, double-click shows it alone." });
    this.details = make("div", "sgw-details", { hidden: "" });
    this.shows = make("div", "sgw-shows", { role: "group", "aria-label": "What is drawn" });
    this.showButtons = SHOWS.map(([name, label]) => {
      const toggle = make("button", "sgw-toggle", { type: "button", text: label, onclick: () => this.toggleShow(name) });
      this.shows.append(toggle);
      return [name, toggle];
    });
    this.unhide = make("button", "sgw-link", { type: "button", onclick: () => this.write({ hidden_instances: [] }) });
    this.saves = make("div", "sgw-saves", { role: "group", "aria-label": "Save what is shown" });
    this.side = make(
      "div",
      "sgw-side",
      {},
      this.summary,
      this.legend,
      this.unhide,
      this.legendHint,
      this.details,
      make("div", "sgw-tools", {}, this.shows, this.saves),
    );
    this.body = make("div", "sgw-body", {}, this.stage, this.side);
    // JupyterLab's own keys (arrows move between cells, h opens help) stop at this attribute.
    this.root = make("div", "sgw", { "data-lm-suppress-shortcuts": "true" }, this.error, this.body, this.live);
    element.append(this.root);
  }

  listen() {
    const on = (names, callback) => {
      for (const name of names.split(" ")) this.model.on(`change:${name}`, callback);
      return () => names.split(" ").forEach((name) => this.model.off(`change:${name}`, callback));
    };
    this.unlisten = [
      on("content", () => this.load()),
      on("threshold hidden_classes hidden_instances selected hovered color_by opacity show", () => this.schedule()),
      on("busy status error hint", () => this.updateState()),
      on("exports", () => this.buildSaves()),
    ];
    const receive = (message, buffers) => this.receive(message, buffers);
    this.model.on("msg:custom", receive);
    this.unlisten.push(() => this.model.off("msg:custom", receive));
    const surface = this.surface;
    surface.addEventListener("pointermove", (event) => this.point(event));
    surface.addEventListener("pointerleave", () => this.leave());
    surface.addEventListener("pointerdown", (event) => this.press(event));
    surface.addEventListener("pointerup", (event) => this.release(event));
    surface.addEventListener("pointercancel", () => (this.pressed = null));
    surface.addEventListener("dblclick", (event) => this.doubleClick(event));
    surface.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    surface.addEventListener("keydown", (event) => this.key(event));
    surface.addEventListener("keyup", (event) => this.keyUp(event));
    surface.addEventListener("blur", () => this.setPeek(false));
    this.sizes = new ResizeObserver(() => this.layout());
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
    this.painter.forget();
    this.root.remove();
  }

  later(name, delay, callback) {
    clearTimeout(this.timers.get(name));
    this.timers.set(name, setTimeout(callback, delay));
  }

  write(changes) {
    for (const [name, value] of Object.entries(changes)) this.model.set(name, value);
    this.model.save_changes();
  }

  // ── content and layout ──

  async load() {
    const content = this.model.get("content");
    this.content = content;
    if (!content || !content.byteLength) {
      this.scene = null;
      this.layout();
      this.updateState();
      return;
    }
    let scene = null;
    let problem = "";
    try {
      scene = await sceneOf(content);
    } catch (error) {
      problem = `The picture can't be shown here: ${error.message}.`;
    }
    // A newer message may have come, or the view gone, while this one was decoded.
    if (this.gone || this.content !== content) return;
    this.problem = problem;
    if (scene) {
      this.scene = scene;
      this.view = null;
      this.painter.forget();
      this.buildLegend();
      this.layout();
    }
    this.updateState();
  }

  layout() {
    if (this.gone) return;
    const width = this.root.clientWidth;
    if (!width) return; // not on screen yet; the observer tells when it is
    this.root.classList.toggle("sgw-wide", width >= WIDE);
    this.root.classList.toggle("sgw-has-picture", Boolean(this.scene));
    if (this.scene) {
      const stageWidth = this.stage.clientWidth;
      const height = stageHeight(this.scene.header, stageWidth);
      const ratio = devicePixelRatio || 1;
      this.surface.style.height = `${height}px`;
      const fitted = !this.view || this.view === this.fit;
      this.fit = fitView(this.scene.header, stageWidth, height);
      this.view = fitted ? this.fit : holdView(this.view, this.scene.header, stageWidth, height);
      this.painter.resize(stageWidth, height, ratio);
      // In this frame, or a resized canvas would flash empty.
      this.draw();
    } else {
      this.surface.style.height = "";
      this.painter.clear();
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
    const hovered = this.model.get("hovered");
    const look = {
      shown,
      lit: hovered !== null && shown.includes(hovered) ? hovered : null,
      selected: this.model.get("selected").filter((index) => shown.includes(index)),
      colorBy: this.model.get("color_by"),
      opacity: this.model.get("opacity"),
      show: this.model.get("show"),
      font: (this.font ??= getComputedStyle(this.root).fontFamily),
      peek: this.peek,
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
    const head = text.split(":")[0];
    if (this.summary.textContent !== head) this.summary.textContent = head;
    if (this.said !== text) {
      this.said = text;
      this.surface.setAttribute("aria-label", `${header.name || "Picture"}. ${text}. Arrow keys step through the instances.`);
      // A slider that is held down would otherwise talk without end.
      this.later("announce", ANNOUNCE_DELAY_MS, () => (this.live.textContent = text));
    }
    for (const row of countClasses(header, shown)) {
      const chip = this.chips.get(row.id);
      const hidden = state.hiddenClasses.includes(row.name);
      chip.count.textContent = `${row.shown} / ${row.total}`;
      chip.element.setAttribute("aria-pressed", String(!hidden));
      chip.element.classList.toggle("sgw-none", !hidden && !row.shown);
      chip.swatch.style.background = look.colorBy === "class" ? row.color : "";
    }
    for (const [name, toggle] of this.showButtons) toggle.setAttribute("aria-pressed", String(look.show.includes(name)));
    this.unhide.hidden = !state.hiddenInstances.length;
    this.unhide.textContent = `Show ${state.hiddenInstances.length} hidden one by one`;
    this.updateNote(explainNothing(header, shown, state));
    this.updateDetails(look.selected);
    this.updateTip(look.lit);
    this.zooms.classList.toggle("sgw-zoomed", this.view !== this.fit);
    this.surface.classList.toggle("sgw-movable", this.view !== this.fit);
  }

  updateNote(note) {
    this.note.hidden = !note;
    const key = note ? note.text : "";
    if (this.noteKey === key) return;
    this.noteKey = key;
    this.note.replaceChildren();
    if (!note) return;
    this.note.append(make("span", "", { text: note.text }));
    if (!note.action) return;
    const act = () => {
      if (note.unhide) this.write({ hidden_classes: [], hidden_instances: [] });
      else this.write({ threshold: note.threshold });
    };
    this.note.append(make("button", "sgw-button", { type: "button", text: note.action, onclick: act }));
  }

  updateDetails(selected) {
    this.details.hidden = selected.length !== 1;
    if (selected.length !== 1) return;
    const { name, score, area, box } = describeInstance(this.scene.header, selected[0]);
    const facts = { Selected: name, Score: score, Area: area, Box: box };
    this.details.replaceChildren(
      ...Object.entries(facts).flatMap(([term, text]) => [make("span", "sgw-term", { text: term }), make("span", "", { text })]),
    );
  }

  updateTip(lit) {
    this.tip.hidden = lit === null || !this.at;
    if (this.tip.hidden) return;
    if (this.tipOf !== lit) {
      this.tipOf = lit;
      const { name, score, area } = describeInstance(this.scene.header, lit);
      const swatch = make("span", "sgw-swatch");
      swatch.style.background = instanceColor(this.scene.header, lit, this.model.get("color_by"));
      const head = make("div", "sgw-tip-head", {}, swatch, make("strong", "", { text: name }), make("span", "", { text: score }));
      this.tip.replaceChildren(head, make("div", "sgw-tip-more", { text: area }));
    }
    const { offsetWidth, offsetHeight } = this.tip;
    const x = this.at.x + 16 + offsetWidth > this.painter.width ? this.at.x - 12 - offsetWidth : this.at.x + 16;
    const y = Math.min(this.at.y + 16, this.painter.height - offsetHeight - 4);
    this.tip.style.transform = `translate(${Math.round(Math.max(4, x))}px, ${Math.round(Math.max(4, y))}px)`;
  }

  updateState() {
    if (this.gone) return;
    const get = (name) => this.model.get(name);
    const [busy, status, error] = [get("busy"), get("status"), get("error") || this.problem || ""];
    this.error.hidden = !error;
    if (this.errorText.textContent !== error) this.errorText.textContent = error;
    this.bar.hidden = !busy;
    this.busy.hidden = !busy || !this.scene;
    this.root.setAttribute("aria-busy", String(busy));
    this.empty.hidden = Boolean(this.scene);
    this.emptyHint.textContent = get("hint");
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
    this.busyText.textContent = text;
    this.emptyTitle.textContent = text || "No picture yet";
    this.emptyHint.hidden = Boolean(text);
  }

  buildLegend() {
    const rows = countClasses(this.scene.header, []);
    this.chips = new Map();
    this.legend.replaceChildren(
      ...rows.map((row) => {
        const swatch = make("span", "sgw-swatch");
        const count = make("span", "sgw-count");
        const element = make(
          "button",
          "sgw-chip",
          {
            type: "button",
            title: `${row.name}: click hides or shows it, double-click shows it alone`,
            onclick: (event) => (event.shiftKey ? this.solo(row.name) : this.toggleClass(row.name)),
            ondblclick: () => this.solo(row.name),
          },
          swatch,
          make("span", "sgw-name", { text: row.name }),
          count,
        );
        this.chips.set(row.id, { element, count, swatch });
        return element;
      }),
    );
    this.legendHint.hidden = rows.length < 2;
    this.said = null;
    this.tipOf = null;
  }

  buildSaves() {
    const known = SAVES.filter(([kind]) => (this.model.get("exports") ?? []).includes(kind));
    this.saves.hidden = !known.length;
    this.saves.replaceChildren(
      make("span", "sgw-hint", { text: "Save" }),
      ...known.map(([kind, label, title]) =>
        make("button", "sgw-toggle sgw-save", { type: "button", text: label, title, onclick: () => this.save(kind) }),
      ),
    );
  }

  /** Asks the kernel for a file; only the view that asked takes the answer. */
  save(kind) {
    this.saving = true;
    this.model.send({ ask: "export", kind });
  }

  receive(message, buffers) {
    if (!this.saving || !message?.file) return;
    this.saving = false;
    const address = URL.createObjectURL(new Blob([buffers[0]], { type: message.mediaType }));
    make("a", "", { href: address, download: message.file }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }

  // ── what the person does ──

  toggleShow(name) {
    const show = this.model.get("show");
    this.write({ show: SHOWS.map(([one]) => one).filter((one) => (one === name) !== show.includes(one)) });
  }

  toggleClass(name) {
    const hidden = this.model.get("hidden_classes");
    this.write({ hidden_classes: hidden.includes(name) ? hidden.filter((one) => one !== name) : [...hidden, name] });
  }

  /** Shows one class alone; a second time, all of them. */
  solo(name) {
    const others = this.scene.header.classes.map((known) => known.name).filter((one) => one !== name);
    const hidden = this.model.get("hidden_classes");
    const alone = others.every((one) => hidden.includes(one)) && !hidden.includes(name);
    this.write({ hidden_classes: alone ? [] : others });
  }

  /** The pointer's place: on the stage (x, y), and in the picture's pixels. */
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

  hover(index) {
    if (this.model.get("hovered") === index) return;
    this.model.set("hovered", index);
    this.later("hover", HOVER_DELAY_MS, () => this.model.save_changes());
  }

  point(event) {
    if (!this.scene || !this.view) return;
    if (this.pressed && this.pan(event)) return;
    this.at = this.locate(event);
    this.hover(instanceAt(this.scene, this.shown(), this.at.column, this.at.row));
    this.schedule();
  }

  leave() {
    this.at = null;
    this.hover(null);
    this.schedule();
  }

  press(event) {
    if (!this.scene || event.button !== 0) return;
    this.pressed = { x: event.clientX, y: event.clientY, view: this.view, moved: false };
  }

  pan(event) {
    const { pressed } = this;
    const [x, y] = [event.clientX - pressed.x, event.clientY - pressed.y];
    if (this.view === this.fit || (!pressed.moved && Math.hypot(x, y) < 4)) return false;
    if (!pressed.moved) this.surface.setPointerCapture(event.pointerId);
    pressed.moved = true;
    const moved = { scale: pressed.view.scale, x: pressed.view.x + x, y: pressed.view.y + y };
    this.view = holdView(moved, this.scene.header, this.painter.width, this.painter.height);
    this.schedule();
    return true;
  }

  release(event) {
    const { pressed } = this;
    this.pressed = null;
    if (!pressed || pressed.moved || !this.scene) return;
    const { column, row } = this.locate(event);
    const index = instanceAt(this.scene, this.shown(), column, row);
    this.select(index, event.shiftKey || event.ctrlKey || event.metaKey);
  }

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

  doubleClick(event) {
    if (!this.scene) return;
    const { column, row } = this.locate(event);
    if (instanceAt(this.scene, this.shown(), column, row) === null) this.resetView();
  }

  wheel(event) {
    // A bare wheel scrolls the notebook; with ctrl (a pinch on a touchpad comes so, too) it zooms.
    if (!this.scene || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    const { x, y } = this.locate(event);
    this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0025)), x, y);
  }

  zoom(factor, x = this.painter.width / 2, y = this.painter.height / 2) {
    if (!this.scene || !this.view) return;
    const zoomed = zoomView(this.view, this.fit, factor, x, y);
    const { width, height } = this.painter;
    this.view = zoomed === this.fit ? zoomed : holdView(zoomed, this.scene.header, width, height);
    // While it moves, the layers at hand are scaled; sharp ones follow when it rests.
    this.moving = true;
    this.later("sharpen", 140, () => {
      this.moving = false;
      this.schedule();
    });
    this.schedule();
  }

  resetView() {
    this.view = this.fit;
    this.schedule();
  }

  setPeek(on) {
    if (this.peek === on) return;
    this.peek = on;
    this.schedule();
  }

  key(event) {
    if (!this.scene || event.ctrlKey || event.metaKey || event.altKey) return;
    const shown = this.shown();
    const current = this.model.get("hovered") ?? this.model.get("selected")[0] ?? null;
    const { header } = this.scene;
    const actions = {
      ArrowRight: () => this.step(stepInstance(header, shown, current, 1)),
      ArrowDown: () => this.step(stepInstance(header, shown, current, 1)),
      ArrowLeft: () => this.step(stepInstance(header, shown, current, -1)),
      ArrowUp: () => this.step(stepInstance(header, shown, current, -1)),
      Enter: () => current !== null && this.select(current, event.shiftKey),
      Escape: () => this.escape(),
      " ": () => this.setPeek(true),
      "+": () => this.zoom(1.5),
      "=": () => this.zoom(1.5),
      "-": () => this.zoom(1 / 1.5),
      0: () => this.resetView(),
      h: () => this.hideOne(current),
      H: () => this.hideOne(current),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  }

  keyUp(event) {
    if (event.key === " ") this.setPeek(false);
  }

  step(index) {
    if (index === null) return;
    this.at = null;
    this.hover(index);
    const { name, score, area } = describeInstance(this.scene.header, index);
    this.later("announce", 50, () => (this.live.textContent = `${name}, score ${score}, ${area}`));
    this.schedule();
  }

  escape() {
    this.hover(null);
    this.write({ selected: [] });
  }

  hideOne(index) {
    if (index === null) return;
    this.hover(null);
    this.write({
      hidden_instances: [...this.model.get("hidden_instances"), index],
      selected: this.model.get("selected").filter((one) => one !== index),
    });
  }
}

function render({ model, el }) {
  const view = new View(model, el);
  return () => view.destroy();
}

export default { render };
