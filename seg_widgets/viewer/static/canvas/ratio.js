// The density of the screen.

/**
 * Calls `changed` when the window moves to a screen of another density; only a media query shows it.
 *
 * @param {() => void} changed
 * @returns {() => void} stops it
 */
export function watchPixelRatio(changed) {
  const query = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
  let stop = () => query.removeEventListener("change", onchange);
  const onchange = () => {
    stop();
    // The next change is one from the density that holds now.
    stop = watchPixelRatio(changed);
    changed();
  };
  query.addEventListener("change", onchange);
  return () => stop();
}
