// Whatever has pixels in a page, as something that can be given to a worker.

import { PidinetError } from "./errors.js";

const is = (value, name) => typeof globalThis[name] === "function" && value instanceof globalThis[name];

/** Columns and rows of a source before it is looked at; of a file they are not known. */
function sizeOf(source) {
  if (is(source, "HTMLVideoElement")) return [source.videoWidth, source.videoHeight];
  if (is(source, "HTMLImageElement")) return [source.naturalWidth, source.naturalHeight];
  if (is(source, "VideoFrame")) return [source.displayWidth, source.displayHeight];
  if (is(source, "Blob")) return undefined;
  if (is(source, "SVGImageElement")) return undefined;
  return [source.width, source.height];
}

const KINDS = [
  "HTMLImageElement", "SVGImageElement", "HTMLVideoElement", "HTMLCanvasElement", "OffscreenCanvas",
  "ImageBitmap", "ImageData", "VideoFrame", "Blob",
];

function check([width, height], maxPixels) {
  if (!(width > 0 && height > 0)) {
    const hint = "wait until it is loaded (img.decode(), or the event loadeddata of a video)";
    throw new PidinetError("source", `the source has no pixels (${width}×${height}): ${hint}`);
  }
  if (width * height > maxPixels) {
    const [found, most] = [width * height, maxPixels].map((pixels) => (pixels / 1e6).toFixed(0));
    const message = `the source is ${width}×${height}, ${found} megapixels, and the limit is ${most}`;
    throw new PidinetError("size", `${message}; raise maxPixels if it is meant to be that large`);
  }
}

/**
 * The pixels of a source: `{ job, transfer, width, height }`, the job a bitmap or ImageData's bytes.
 * The source stays the caller's and as it is.
 */
export async function pixels(source, maxPixels) {
  if (!KINDS.some((name) => is(source, name))) {
    const found = source === null || typeof source !== "object" ? String(source) : source.constructor?.name;
    throw new PidinetError("source", `cannot find edges in ${found}: expected one of ${KINDS.join(", ")}`);
  }
  const size = sizeOf(source);
  if (size) check(size, maxPixels);
  if (is(source, "ImageData")) {
    const { width, height, data } = source;
    if (!(data instanceof Uint8ClampedArray)) {
      throw new PidinetError("source", "ImageData of floats is not read: take rgba-unorm8");
    }
    if (data.length !== 4 * width * height) {
      throw new PidinetError("source", "the pixels of the ImageData were handed over to somebody else");
    }
    const copy = data.slice();
    return { job: { data: copy, width, height }, transfer: [copy.buffer], width, height };
  }
  let bitmap;
  try {
    bitmap = await createImageBitmap(source);
  } catch (error) {
    const what = is(source, "Blob") ? `the file (${source.type || "of no type"}) is no image that this browser reads` : "the pixels cannot be read";
    throw new PidinetError("source", `${what}: ${error.message}`, error);
  }
  try {
    check([bitmap.width, bitmap.height], maxPixels);
  } catch (error) {
    bitmap.close();
    throw error;
  }
  const { width, height } = bitmap;
  return { job: { bitmap }, transfer: [bitmap], width, height };
}

/** Says why a worker may not have a bitmap: its pixels are of another site, which did not allow that they are read. */
export function readable(error) {
  if (!(error instanceof DOMException && ["DataCloneError", "SecurityError"].includes(error.name))) return error;
  const hint = 'serve them with Access-Control-Allow-Origin, and load them with crossOrigin = "anonymous"';
  return new PidinetError("source", `the pixels are of another site and may not be read: ${hint}`, error);
}
