import type { Detector } from "./sync.js";

export * from "./sync.js";

/** A detector with a model of this package, read from its files. */
export declare function load(model?: "tiny" | "tiny-edges"): Detector;
