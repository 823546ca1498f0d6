// The low level in node, which reads the package's own files.

import { readFileSync } from "node:fs";
import { Detector, init } from "./sync.js";

export * from "./sync.js";

const file = (path) => readFileSync(new URL(path, import.meta.url));

/** A detector with a model of this package, with all that it needs. */
export function load(model = "tiny") {
  if (!["tiny", "tiny-edges"].includes(model)) throw new RangeError(`there is no model ${model}: expected tiny or tiny-edges`);
  init(file("./pidinet-simd128.wasm"));
  const edges = model === "tiny" ? file("./models/tiny-edges.safetensors") : undefined;
  return new Detector(file(`./models/${model}.safetensors`), { edges });
}
