// One instance of the WebAssembly module with one detector: synchronous, for a worker or node.

import { Detector, Finish, Map as WasmMap, initSync } from "./bindings.js";
import { PidinetError } from "./errors.js";

let memory;

/** Makes the module ready; once in a thread. */
export function ready(module) {
  memory ??= initSync({ module }).memory;
}

/** Bytes of the module's memory, which grows to what the largest image took. */
export const memoryBytes = () => memory?.buffer.byteLength ?? 0;

/** Calls into the module; what it refuses gets a code. */
function guarded(code, call) {
  try {
    return call();
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError || error instanceof PidinetError) throw error;
    throw new PidinetError(code, error instanceof Error ? error.message : String(error), error);
  }
}

const asFinish = ({ thin, threshold, low, style, invert }) =>
  guarded("options", () => new Finish(thin, threshold, low, style, invert));

export class Engine {
  #detector;

  /** @param {Uint8Array} model */
  constructor(model) {
    this.#detector = guarded("model", () => new Detector(model));
  }

  get isa() {
    return this.#detector.isa;
  }

  get model() {
    return this.#detector.model;
  }

  /** @param {Uint8Array} model */
  setEdges(model) {
    guarded("model", () => this.#detector.setEdges(model));
  }

  setDetail(detail) {
    guarded("options", () => this.#detector.setDetail(detail));
  }

  /** Probabilities, or bytes of them, of pixels as ImageData has them. */
  detect({ data, width, height }, { maxSide, finish, floats }) {
    return guarded("source", () => {
      const whole = !(maxSide < Math.max(width, height));
      const pixels = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      if (!floats && whole) {
        const options = asFinish(finish);
        try {
          return { data: this.#detector.detectBytes(pixels, width, height, options), width, height };
        } finally {
          options.free();
        }
      }
      const map = this.#detector.detect(pixels, width, height, whole ? undefined : maxSide);
      return taken(map, finish, floats);
    });
  }

  free() {
    this.#detector.free();
  }
}

/** What a map is after `finish`, as an object of JavaScript; the map is given up. */
function taken(map, finish, floats) {
  const options = asFinish(finish);
  let result;
  try {
    result = map.finished(options);
    const data = floats ? result.floats() : result.bytes();
    return { data, width: result.width, height: result.height };
  } finally {
    result?.free();
    options.free();
    map.free();
  }
}

const asMap = ({ data, width, height }) =>
  data instanceof Float32Array
    ? new WasmMap(data, width, height)
    : WasmMap.fromBytes(data, width, height);

export const refined = (map, finish, floats) =>
  guarded("source", () => taken(asMap(map), finish, floats));

export function svgOf(map, { low, high, tolerance, stroke }) {
  return guarded("source", () => {
    const wasm = asMap(map);
    try {
      return wasm.svg(low, high, tolerance, stroke);
    } finally {
      wasm.free();
    }
  });
}
