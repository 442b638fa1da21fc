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

/** @param {Event} event */
function mend(event) {
  if (event instanceof KeyboardEvent && event.key !== "Enter") return;
  const readout = event.target;
  if (!(readout instanceof HTMLElement) || !readout.matches(READOUT)) return;
  const text = readout.textContent ?? "";
  const number = readNumber(text);
  if (number !== text) readout.textContent = number;
}

/** Mends what is typed in any panel of the page, before ipywidgets reads it; returns the end of it. */
export function mendTypedNumbers() {
  document.addEventListener("keydown", mend, true);
  document.addEventListener("blur", mend, true);
  return () => {
    document.removeEventListener("keydown", mend, true);
    document.removeEventListener("blur", mend, true);
  };
}
