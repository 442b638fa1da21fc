// Numbers that are typed into the slider's readout: ipywidgets reads "0,3" as 0.

const READOUT = ".sgw-panel .widget-readout";
const NUMBER = /^(?:0?\.\d+|[01](?:\.\d*)?)$/;

/**
 * What ipywidgets should read of a text: with a decimal point, or "" where it is no number from 0 to
 * 1, so that the number before comes back.
 *
 * @param {string} text
 */
export function readNumber(text) {
  const number = text.trim().replace(",", ".");
  return NUMBER.test(number) && Number(number) <= 1 ? number : "";
}

/**
 * The readout of a panel's slider that an event is of, or null.
 *
 * @param {Event} event
 */
function readoutOf({ target }) {
  return target instanceof HTMLElement && target.matches(READOUT) ? target : null;
}

/** @param {HTMLElement} readout */
function mend(readout) {
  const text = readout.textContent ?? "";
  const number = readNumber(text);
  if (number !== text) readout.textContent = number;
}

/** @param {KeyboardEvent} event */
function onTypedKey(event) {
  const readout = event.key === "Enter" ? readoutOf(event) : null;
  if (readout) mend(readout);
}

/** @param {FocusEvent} event */
function onTypedBlur(event) {
  const readout = readoutOf(event);
  // ipywidgets 8 reads the text after Enter alone, and would leave it there unread.
  const settings = { key: "Enter", keyCode: 13, bubbles: true, cancelable: true };
  if (readout) readout.dispatchEvent(new KeyboardEvent("keydown", settings));
}

/** Mends what is typed in any panel of the page, before ipywidgets reads it; returns the end of it. */
export function mendTypedNumbers() {
  document.addEventListener("keydown", onTypedKey, true);
  document.addEventListener("blur", onTypedBlur, true);
  return () => {
    document.removeEventListener("keydown", onTypedKey, true);
    document.removeEventListener("blur", onTypedBlur, true);
  };
}
