// Drawings in a square of 100 × 100 that is stretched over its element.

const SVG = "http://www.w3.org/2000/svg";

/** @param {string} className */
export function path(className) {
  const element = document.createElementNS(SVG, "path");
  element.setAttribute("class", className);
  return element;
}

/** @param {...SVGElement} children */
export function svg(...children) {
  const element = document.createElementNS(SVG, "svg");
  element.setAttribute("viewBox", "0 0 100 100");
  element.setAttribute("preserveAspectRatio", "none");
  element.setAttribute("aria-hidden", "true");
  element.append(...children);
  return element;
}
