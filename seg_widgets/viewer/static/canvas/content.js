// One content message, as encode_content in viewer/content.py makes it; viewer/protocol.md has its parts.

/** @import {Header} from "./types.js" */

/**
 * Splits one content message into its header, the encoded image and the compressed mask bits.
 *
 * @param {DataView} message
 * @returns {{header: Header, image: Uint8Array<ArrayBuffer>, packed: Uint8Array<ArrayBuffer>, soft: Uint8Array<ArrayBuffer>}}
 */
export function parseContent(message) {
  const buffer = /** @type {ArrayBuffer} */ (message.buffer);
  const bytes = new Uint8Array(buffer, message.byteOffset, message.byteLength);
  if (bytes.length < 8 || String.fromCharCode(...bytes.subarray(0, 4)) !== "SEGW") {
    throw new Error("the message from the kernel is not one of seg_widgets");
  }
  const headEnd = 8 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, headEnd)));
  const imageEnd = headEnd + header.imageBytes;
  const maskEnd = imageEnd + header.maskBytes;
  // A notebook that was saved by an earlier version has no soft masks.
  header.softSize ??= 0;
  header.softBytes ??= 0;
  if (bytes.length !== maskEnd + header.softBytes)
    throw new Error("the message from the kernel is cut short");
  const [image, packed] = [bytes.subarray(headEnd, imageEnd), bytes.subarray(imageEnd, maskEnd)];
  return { header, image, packed, soft: bytes.subarray(maskEnd) };
}

/**
 * Undoes zlib.compress.
 *
 * @param {Uint8Array<ArrayBuffer>} packed
 */
export async function inflate(packed) {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
