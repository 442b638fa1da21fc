// The shapes that the modules share, for the type checker alone; nothing of it reaches a browser.

import type { StyleValues } from "./layers.js";

/** A size in pixels. */
export interface Size {
  width: number;
  height: number;
}

/** One class of the prediction. */
export interface ClassInfo {
  id: number;
  name: string;
  /** Such as "#e69f00". */
  color: string;
}

/** What viewer/content.py says of an image and its instances; lists have one entry for each instance. */
export interface Header extends Size {
  name: string;
  mediaType: string;
  imageBytes: number;
  maskBytes: number;
  /** Cells of a soft mask's side; 0: the model gives none. */
  softSize: number;
  /** 0: they were not asked for. */
  softBytes: number;
  hasMasks: boolean;
  classes: ClassInfo[];
  classIds: number[];
  scores: number[];
  /** Pixels of each mask; of the box while the mask is still to come. */
  areas: number[];
  /** [left, top, right, bottom] in image pixels. */
  boxes: number[][];
  /** [x, y, width, height] of each mask's crop; null for a mask that is still to come. */
  crops: (number[] | null)[];
  colors: string[];
  /** What the prediction is compared with, as it comes. */
  others: SentOther[];
}

/** The other side of a comparison: like a header, with what only it has. */
interface AnyOther extends Header {
  kind: "truth" | "versus";
  /** Indices of its crowds, in which detections count neither way. */
  crowd: number[];
  /** Those of them that are for detections of any class; a notebook of an earlier version has none. */
  ofAnyClass?: number[];
}

/** The overlaps: detections, in ascending order, instances of the other side, and their IoU. */
export type Pairs = [number[] | Uint32Array, number[] | Uint32Array, number[] | Float64Array];

/** As it comes: the overlaps stand elsewhere; a notebook of an earlier version has them here. */
export interface SentOther extends AnyOther {
  pairs: { count: number; exact: boolean } | Pairs;
}

/** As it is used. */
export interface Other extends AnyOther {
  pairs: Pairs;
}

/** What became of both sides; lists have one entry for each instance of their side, -1 for nobody. */
export interface Matched {
  /** One of `MATCH` each. */
  ofFound: Int32Array;
  ofOther: Int32Array;
  partners: Int32Array;
  back: Int32Array;
  ious: Float64Array;
  hits: number;
  falseAlarms: number;
  wrongClasses: number;
  misses: number;
  /** 0 to 1; null where nothing counts. */
  precision: number | null;
  recall: number | null;
  f1: number | null;
}

/** A mask inside its crop; without bits (a model that gives only boxes) all of it is inside. */
export interface Mask extends Size {
  x: number;
  y: number;
  bits: Uint8Array | null;
  /** Whether it is still to come; until then it is the box. */
  waits?: boolean;
}

/** The soft masks of all instances. */
export interface Soft {
  /** Cells of a mask's side. */
  size: number;
  /** Four numbers for each instance: left, top, right, bottom. */
  boxes: number[];
  /** The cells of all masks, row by row; 255 is a probability of 1. */
  values: Uint8Array;
}

/** A decoded content message. */
export interface Scene {
  header: Header;
  bitmap: ImageBitmap;
  masks: Mask[];
  /** null: not in the message. */
  soft: Soft | null;
  /** Indices in the order of drawing: the largest first. */
  order: number[];
  /** Smoothed outlines by index, made when first drawn. */
  paths: Path2D[];
  /** Exact outlines by index, made when first drawn. */
  exactPaths: Path2D[];
  /** With few points, by index: for many on a small stage. */
  coarsePaths: Path2D[];
  /** What it is compared with. */
  others: OtherScene[];
}

/** The other side of a comparison, decoded. */
export interface OtherScene extends Scene {
  header: Other;
}

/** A line around an instance: dashes and width in CSS pixels. */
export interface LineStyle {
  color: string;
  dash: number[];
  width: number;
}

/** Both sides' outlines; side by side; or one of them alone. */
export type ComparisonMode = "both" | "swipe" | "found" | "other";

/** The other side, and what came of matching it with what is shown. */
export interface Compared {
  side: OtherScene;
  matched: Matched;
  /** Indices of the other side that count. */
  counting: number[];
  mode: ComparisonMode;
  /** The share of the stage that shows the prediction, where both stand side by side. */
  edge: number;
  /** The one outcome that the table lists; null: all. */
  only: number | null;
  /** The hovered instance of the other side. */
  hovered: number | null;
}

/** Maps image pixels to stage pixels: stage = image · scale + (x, y). */
export interface Viewport {
  scale: number;
  x: number;
  y: number;
}

/** How instances are tidied up, by the names that Python has. */
export interface Tidy {
  /** Of two that overlap by more, the one with the lower score is left out; 1: none is. */
  max_overlap: number;
  /** The shared pixels as a share of both, or of the smaller. */
  overlap_by: "iou" | "smaller";
  /** Whether classes take each other away. */
  across_classes: boolean;
  /** Pixels. */
  min_area: number;
  drop_at_border: boolean;
  largest_piece: boolean;
  fill_holes: boolean;
  /** The probability from which on a pixel belongs to a mask. */
  mask_threshold: number;
}

/** What decides which instances are shown. */
export interface Filter {
  threshold: number;
  classThresholds?: Record<string, number>;
  hiddenClasses?: string[];
  hiddenInstances?: number[];
  tidy?: Partial<Tidy>;
}

/** How the shown instances are drawn. */
export interface Look extends StyleValues {
  /** Indices that are shown. */
  shown: number[];
  hovered: number | null;
  selected: number[];
  font: string;
  /** The image alone. */
  hideMasks: boolean;
  /** While the view moves, layers of another scale are good enough. */
  moving: boolean;
  /** What the instances are compared with. */
  compared: Compared | null;
}

/** A file that the kernel can make of what is shown. */
export interface ExportFormat {
  name: string;
  label: string;
  description: string;
  /** The heading under which it stands. */
  group: string;
  /** What is not in the file. */
  loses?: string;
}

export type SortKey = "index" | "score" | "area" | "class" | "match";

/** Trait names with new values. */
export type Changes = Record<string, unknown>;

/** Why nothing shows, with a button that changes it, where one helps. */
export interface Explanation {
  text: string;
  button: string | null;
  change?: Changes;
}

/** A label to be placed: its size, and the bounds of its instance in stage pixels. */
export interface WantedLabel extends Size {
  x: number;
  y: number;
  right: number;
  bottom: number;
}

/** The pointer on the stage (x, y), and the image's pixel below it. */
export interface Location {
  x: number;
  y: number;
  column: number;
  row: number;
}

/** What anywidget gives a widget, and PageModel on a page without a kernel. */
export interface Model {
  get(name: string): any;
  set(name: string, value: unknown): void;
  on(names: string, callback: (...values: any[]) => void): void;
  off(names: string, callback: (...values: any[]) => void): void;
  save_changes(): void;
  send(content: unknown, callbacks?: unknown, buffers?: ArrayBuffer[]): void;
  widget_manager?: any;
}
