// The messages between the browser and the kernel, as viewer/protocol.md has them. Their words stand
// here and nowhere else in the browser half.

/** @typedef {Record<string, unknown>} Request */

/** What the browser can ask of the kernel, by the name of the action. */
export const REQUESTS = {
  /** @param {string[]} names of the images whose bytes are the message's buffers @returns {Request} */
  open: (names) => ({ action: "open", names }),
  /** @param {string} address of an image @returns {Request} */
  address: (address) => ({ action: "address", address }),
  /** @returns {Request} */
  cancel: () => ({ action: "cancel" }),
  /** @param {string} format one of `exports` @returns {Request} */
  export: (format) => ({ action: "export", format }),
  /** @param {number} number of an image of the filmstrip @returns {Request} */
  show: (number) => ({ action: "show", number }),
  /** @param {number} number of an image of the filmstrip @returns {Request} */
  forget: (number) => ({ action: "forget", number }),
  /** @param {number[]} numbers of images of which something is not here @returns {Request} */
  resend: (numbers) => ({ action: "resend", numbers }),
};

/**
 * A request that the kernel replies to.
 *
 * @param {Request} request
 * @param {string} id comes back with the reply
 */
export function withId(request, id) {
  return { ...request, id };
}

/**
 * What the kernel says of a request.
 *
 * @typedef {object} Reply
 * @property {string | undefined} id of the request
 * @property {boolean} isReply false: the kernel has only received it so far
 * @property {boolean} failed
 * @property {string} file the name of an exported file
 * @property {string} mediaType of an exported file
 */

/**
 * Reads a message of the kernel.
 *
 * @param {any} message
 * @returns {Reply}
 */
export function readReply(message) {
  const { received, reply, failed = false, file = "", mediaType = "" } = message ?? {};
  return { id: received ?? reply, isReply: reply !== undefined, failed, file, mediaType };
}
