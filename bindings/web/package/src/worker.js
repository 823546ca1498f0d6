// A worker: one instance of the module, which does one job after another.

import { Engine, memoryBytes, ready, refined, svgOf } from "./engine.js";
import { PidinetError, packed } from "./errors.js";
import { fitted } from "./options.js";

let engine;
let canvas;

/** The pixels of a bitmap on white, no longer than `maxSide`. */
function pixelsOf(bitmap, maxSide) {
  const [width, height] = fitted(bitmap.width, bitmap.height, maxSide);
  canvas ??= new OffscreenCanvas(width, height);
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext("2d", { willReadFrequently: true, alpha: false });
  if (!context) throw new PidinetError("size", `a canvas of ${width}×${height} cannot be had here`);
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = width < bitmap.width ? "high" : "low";
  context.drawImage(bitmap, 0, 0, width, height);
  try {
    return context.getImageData(0, 0, width, height);
  } catch (error) {
    throw new PidinetError("size", `the pixels of ${width}×${height} cannot be read: ${error.message}`);
  }
}

const jobs = {
  start({ module, model }) {
    ready(module);
    engine = new Engine(new Uint8Array(model));
    // Functions become fast once they have run: here, and not in front of whoever waits.
    engine.detect(
      { data: new Uint8Array(4 * 48 * 48).fill(255), width: 48, height: 48 },
      { finish: { thin: "none", style: "soft", invert: false } },
    );
    return { value: { isa: engine.isa, model: engine.model } };
  },
  edges({ model }) {
    engine.setEdges(new Uint8Array(model));
    return {};
  },
  detect({ source, detail, maxSide, finish, floats }) {
    const start = performance.now();
    engine.setDetail(detail);
    const { bitmap } = source;
    let pixels = source;
    if (bitmap) {
      try {
        pixels = pixelsOf(bitmap, maxSide);
      } finally {
        bitmap.close();
      }
    }
    const map = engine.detect(pixels, { maxSide, finish, floats });
    return { value: { ...map, ms: performance.now() - start }, transfer: [map.data.buffer] };
  },
  refine({ map, finish, floats }) {
    const start = performance.now();
    const result = refined(map, finish, floats);
    return { value: { ...result, ms: performance.now() - start }, transfer: [result.data.buffer] };
  },
  lines: ({ map, drawing }) => ({ value: svgOf(map, drawing) }),
  memory: () => ({ value: memoryBytes() }),
};

self.onmessage = ({ data: { id, kind, ...job } }) => {
  try {
    const { value, transfer = [] } = jobs[kind](job);
    self.postMessage({ id, value }, transfer);
  } catch (error) {
    self.postMessage({ id, error: packed(error) });
  }
};
