// Shows at the ends of a list that it goes on there.

/** Less than a pixel is rounding. */
const SLACK = 1;

/**
 * Marks a list that scrolls with `sgw-more-above` and `sgw-more-below`, which the style sheet fades.
 *
 * @param {HTMLElement} list
 * @returns {{update(): void, destroy(): void}} `update` after its content has changed
 */
export function fadeEnds(list) {
  const update = () => {
    const { scrollTop, clientHeight, scrollHeight } = list;
    list.classList.toggle("sgw-more-above", scrollTop > SLACK);
    list.classList.toggle("sgw-more-below", scrollTop + clientHeight < scrollHeight - SLACK);
  };
  list.addEventListener("scroll", update, { passive: true });
  const sizes = new ResizeObserver(update);
  sizes.observe(list);
  return { update, destroy: () => sizes.disconnect() };
}
