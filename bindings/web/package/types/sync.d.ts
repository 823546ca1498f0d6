import type { FinishOptions, LineOptions } from "./common.js";

export { PidinetError } from "./common.js";
export type { ErrorCode, FinishOptions, LineOptions } from "./common.js";

/** A map: bytes, or probabilities, `[height, width]` row by row. */
export interface RawMap<Data extends Uint8Array | Float32Array = Uint8Array | Float32Array> {
  readonly data: Data;
  readonly width: number;
  readonly height: number;
}

export interface SyncOptions extends FinishOptions {
  /** From the boundaries of objects, 0, to every edge, 1 [0]; above 0 it takes `edges`. */
  detail?: number;
  /** Longest side in pixels that is looked at, and the map's [the image's]. */
  maxSide?: number;
}

/** Makes the WebAssembly module ready, from its bytes or compiled; once in a thread. */
export declare function init(module: WebAssembly.Module | BufferSource): void;

/** Finds edges in the thread that calls it. */
export declare class Detector {
  /** With the bytes of a model file, and those of the model of every edge for `detail`. */
  constructor(
    model: ArrayBuffer | Uint8Array,
    options?: { edges?: ArrayBuffer | Uint8Array },
  );
  readonly isa: string;
  readonly model: string;
  /** The edges of pixels as `ImageData` has them: `[height, width, 4]`, red, green, blue, alpha. */
  detectRgba(
    data: Uint8Array | Uint8ClampedArray,
    width: number,
    height: number,
    options: SyncOptions & { format: "f32" },
  ): RawMap<Float32Array>;
  detectRgba(
    data: Uint8Array | Uint8ClampedArray,
    width: number,
    height: number,
    options?: SyncOptions & { format?: "u8" },
  ): RawMap<Uint8Array>;
  /** Gives its memory back. */
  free(): void;
}

/** A map thinner, binary or in a style. */
export declare function refine(map: RawMap, options?: FinishOptions & { format?: "u8" | "f32" }): RawMap;

/** The lines of a map, as an SVG document. */
export declare function lines(map: RawMap, options?: LineOptions): string;

/** Bytes of memory that the module has taken. */
export declare function memoryBytes(): number;
