// The webcam.

import { make } from "../shared/dom.js";
import { contextOf, makeCanvas, wordButton } from "./dom.js";
import { openDialog } from "./popover.js";

/** By the names of the browser's errors. @type {Record<string, string>} */
const CAMERA_PROBLEMS = {
  NotAllowedError:
    "The browser may not use the camera here. Allow it in the browser's settings for this page, then try again.",
  NotFoundError: "The browser finds no camera. Plug one in, then try again.",
  NotReadableError: "Another program uses the camera. Close that one, then try again.",
};
const JPEG_QUALITY = 0.92;

/**
 * A time as part of a file name, such as "2026-11-23 14.05.09".
 *
 * @param {Date} date
 */
export function timeName(date) {
  /** @type {(value: number) => string} */
  const two = (value) => String(value).padStart(2, "0");
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(".");
  return `${day} ${time}`;
}

/**
 * Shows what the camera sees, and takes one photograph.
 *
 * @param {HTMLElement} root where the dialog is added
 * @param {(file: File) => void} onphoto
 * @param {(problem: string) => void} onproblem
 */
export async function openCamera(root, onphoto, onproblem) {
  const stream = await openStream(onproblem);
  if (!stream) return;
  const label = "What the camera sees";
  const video = make("video", "sgw-video", { autoplay: "", playsinline: "", "aria-label": label });
  video.muted = true;
  video.srcObject = stream;

  const shoot = () => {
    if (!video.videoWidth) return;
    const canvas = makeCanvas(video.videoWidth, video.videoHeight);
    contextOf(canvas).drawImage(video, 0, 0);
    const done = (/** @type {Blob | null} */ blob) => {
      dialog.close();
      if (!blob) return;
      const name = `camera ${timeName(new Date())}.jpg`;
      onphoto(new File([blob], name, { type: "image/jpeg" }));
    };
    canvas.toBlob(done, "image/jpeg", JPEG_QUALITY);
  };
  const snap = wordButton("sgw-button sgw-snap", "Take image", { onclick: shoot });
  const stop = () => {
    for (const track of stream.getTracks()) track.stop();
  };
  const foot = make("div", "sgw-dialog-foot", {}, snap);
  const dialog = openDialog(root, "Camera", stop, video, foot);
  snap.focus();
}

/** @param {(problem: string) => void} onproblem */
async function openStream(onproblem) {
  const video = { width: { ideal: 1920 }, height: { ideal: 1080 } };
  try {
    return await navigator.mediaDevices.getUserMedia({ video });
  } catch (reason) {
    const error = /** @type {Error} */ (reason);
    onproblem(CAMERA_PROBLEMS[error.name] ?? `The camera can't be used: ${error.message}.`);
    return null;
  }
}
