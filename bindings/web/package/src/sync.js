// The low level: a detector in the thread that calls it, for workers of one's own and for node.

import { Engine, memoryBytes, ready, refined, svgOf } from "./engine.js";
import { drawing, finish, fraction, longestSide } from "./options.js";

export { PidinetError } from "./errors.js";
export { memoryBytes };

/** Makes the WebAssembly module ready, from its bytes or compiled; once in a thread. */
export function init(module) {
  ready(module instanceof WebAssembly.Module ? module : new WebAssembly.Module(module));
}

export class Detector {
  #engine;

  constructor(model, { edges } = {}) {
    this.#engine = new Engine(new Uint8Array(model));
    if (edges) this.#engine.setEdges(new Uint8Array(edges));
  }

  get isa() {
    return this.#engine.isa;
  }

  get model() {
    return this.#engine.model;
  }

  /** The edges of pixels as ImageData has them. */
  detectRgba(data, width, height, options = {}) {
    const { detail = 0, maxSide, format = "u8" } = options;
    this.#engine.setDetail(fraction("detail", detail) ?? 0);
    const side = longestSide(maxSide, Infinity);
    return this.#engine.detect(
      { data, width, height },
      { maxSide: side, finish: finish(options), floats: format === "f32" },
    );
  }

  free() {
    this.#engine.free();
  }
}

/** Another style, thinness or threshold of a map. */
export const refine = (map, options = {}) => {
  const { format = map.data instanceof Float32Array ? "f32" : "u8" } = options;
  return refined(map, finish(options), format === "f32");
};

/** The lines of a map, as SVG. */
export const lines = (map, options) => svgOf(map, drawing(options));
