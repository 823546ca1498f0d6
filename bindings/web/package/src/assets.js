// The files of this package that are fetched, and what this browser can do with them.
// Each URL is written out, as bundlers look for exactly this form.

import { PidinetError } from "./errors.js";

/** Models that come with the package; an edges file is the other end of the knob. */
export const MODELS = {
  tiny: {
    url: () => new URL("./models/tiny.safetensors", import.meta.url),
    edges: () => new URL("./models/tiny-edges.safetensors", import.meta.url),
  },
  "tiny-edges": {
    url: () => new URL("./models/tiny-edges.safetensors", import.meta.url),
  },
};

// Modules of one function with one instruction: a splat, and a fused multiply-add.
const begin = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0];
const SIMD128 = [...begin, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11];
const zero = [65, 0, 253, 17];
const RELAXED = [...begin, 10, 19, 1, 17, 0, ...zero, ...zero, ...zero, 253, 133, 2, 11];

const runs = (bytes) => WebAssembly.validate(new Uint8Array(bytes));

/** The WebAssembly file with an instruction set, the best that runs here by default. */
export function moduleFor(isa) {
  const best = bestModule();
  if (isa === undefined || isa === best || isa === "simd128") return isa ?? best;
  if (isa === "relaxed") throw new PidinetError("unsupported", "relaxed SIMD is missing here");
  throw new PidinetError("options", `isa is ${String(isa)}: expected "simd128" or "relaxed"`);
}

function bestModule() {
  if (typeof WebAssembly !== "object" || !runs(SIMD128)) {
    const needed = "Chrome and Edge 91, Firefox 89, Safari 16.4, or later";
    throw new PidinetError("unsupported", `WebAssembly SIMD is missing here; it takes ${needed}`);
  }
  return runs(RELAXED) ? "relaxed" : "simd128";
}

/** @param {"simd128" | "relaxed"} name */
export const moduleUrl = (name) =>
  name === "relaxed"
    ? new URL("./pidinet-relaxed.wasm", import.meta.url)
    : new URL("./pidinet-simd128.wasm", import.meta.url);

/** Fetches a file, or says which and why not. */
export async function fetched(url, signal) {
  let response;
  try {
    response = await fetch(url, { signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new PidinetError("load", `cannot fetch ${url}: ${error.message}`, error);
  }
  if (!response.ok) throw new PidinetError("load", `cannot fetch ${url}: ${response.status}`);
  return response;
}

/** Compiles the module at a URL, while it arrives where the server says that it is WebAssembly. */
export async function compiled(url, signal) {
  const response = await fetched(url, signal);
  const type = response.headers.get("content-type") ?? "";
  try {
    if (type.startsWith("application/wasm") && WebAssembly.compileStreaming) {
      return await WebAssembly.compileStreaming(response);
    }
    return await WebAssembly.compile(await response.arrayBuffer());
  } catch (error) {
    if (signal?.aborted) throw error;
    const hint = /unsafe-eval|Content Security Policy|\bCSP\b/i.test(error.message)
      ? "; its Content-Security-Policy has to allow 'wasm-unsafe-eval'"
      : "";
    throw new PidinetError("load", `cannot compile ${url}: ${error.message}${hint}`, error);
  }
}
