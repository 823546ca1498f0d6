import type { FinishOptions, LineOptions } from "./common.js";

export { PidinetError } from "./common.js";
export type { ErrorCode, FinishOptions, LineOptions } from "./common.js";

/** Whatever has pixels in a page. Transparent pixels are on white. */
export type Source =
  | HTMLImageElement
  | SVGImageElement
  | HTMLVideoElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | ImageBitmap
  | ImageData
  | VideoFrame
  | Blob;

/** A model by name, the URL of a safetensors file, or its bytes. */
export type ModelSource = "tiny" | "tiny-edges" | URL | (string & {}) | ArrayBuffer | Uint8Array;

export interface CreateOptions {
  /** The model [`"tiny"`]. */
  model?: ModelSource;
  /** The other end of the knob for a model of one's own: the model of every edge. */
  edges?: ModelSource;
  /** Workers, each with an instance of its own: images at a time [cores less one, 2 to 4]. */
  workers?: number;
  /** What computes. */
  device?: "wasm";
  /** The WebAssembly file, if it does not lie beside the script, or the module [the best that runs here]. */
  wasm?: string | URL | WebAssembly.Module;
  /** Instruction set; with `"simd128"`, maps equal those of other machines to the last bit [the best there is]. */
  isa?: "simd128" | "relaxed";
  /** Most pixels of an image before it is made smaller [64 million]. */
  maxPixels?: number;
  /** Gives up. */
  signal?: AbortSignal;
}

export interface DetectOptions extends FinishOptions {
  /** From the boundaries of objects, 0, to every edge, 1 [0]. The first call above 0 fetches the second model. */
  detail?: number;
  /** Longest side in pixels that is looked at, and the map's; larger images are made smaller [1024]. */
  maxSide?: number;
  /** Bytes, 255 for a probability of 1, or the probabilities as floats [`"u8"`]. */
  format?: "u8" | "f32";
  /** Gives up; a map that is being computed is thrown away. */
  signal?: AbortSignal;
}

export interface WatchOptions extends FinishOptions {
  /** As in `DetectOptions`. */
  detail?: number;
  /** Longest side in pixels, or as many as 15 frames a second allow [`"auto"`]. */
  maxSide?: number | "auto";
  /** As in `DetectOptions`. */
  format?: "u8" | "f32";
  /** Stops. */
  signal?: AbortSignal;
}

export interface PictureOptions {
  /** Colour of edges, `"#rrggbb"` or numbers 0 to 255 [white]. */
  colour?: string | [number, number, number];
  /** Colour of what is none [black]. */
  background?: string | [number, number, number];
  /** Edges on nothing: probability is opacity [false]. */
  alpha?: boolean;
}

/** How much every pixel looks like an edge. */
export declare class EdgeMap {
  private constructor();
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** `[height, width]` row by row: bytes, or probabilities. */
  readonly data: Uint8Array | Float32Array;
  /** Columns of what it is a map of. */
  readonly sourceWidth: number;
  /** Rows of what it is a map of. */
  readonly sourceHeight: number;
  /** The detail it was found with. */
  readonly detail: number;
  /** Milliseconds that a worker took, without waiting. */
  readonly ms: number;
  /** The map as a picture, for `putImageData`. */
  toImageData(options?: PictureOptions): ImageData;
  /** The map as a file. */
  toBlob(options?: PictureOptions & { type?: string }): Promise<Blob>;
}

export interface WatchStats {
  /** Maps a second, over two seconds. */
  fps: number;
  /** Milliseconds that a worker takes for a frame. */
  ms: number;
  /** Frames that were left out as all workers were busy. */
  dropped: number;
  /** Longest side of this map. */
  maxSide: number;
}

/** A video that is being watched. */
export interface Watch {
  /** Stops; the video, and the camera behind it, go on. */
  stop(): void;
  readonly stopped: boolean;
  /** Looks at later frames in another way. */
  change(options: Omit<WatchOptions, "signal">): void;
  /** Fulfilled once it has stopped; rejected if frames cannot be read. */
  readonly done: Promise<void>;
}

/** Finds edges, in workers of its own. */
export declare class EdgeDetector {
  private constructor();
  /** Fetches module and model, and starts the workers. */
  static create(options?: CreateOptions): Promise<EdgeDetector>;
  /** The name of the model. */
  readonly model: string;
  /** The instruction set in use. */
  readonly isa: "simd128" | "relaxed";
  readonly device: "wasm";
  readonly workers: number;
  readonly closed: boolean;
  /** The edges of an image. Several calls at once are shared out among the workers. */
  detect(source: Source, options?: DetectOptions): Promise<EdgeMap>;
  /** A map of `detect` thinner, binary or in a style, without looking at the image again. */
  refine(map: EdgeMap, options?: FinishOptions & { format?: "u8" | "f32"; signal?: AbortSignal }): Promise<EdgeMap>;
  /** The lines of an image, or of a map, as an SVG document. */
  lines(
    source: Source | EdgeMap,
    options?: { lines?: LineOptions; detail?: number; maxSide?: number; signal?: AbortSignal },
  ): Promise<string>;
  /** Calls back with the edges of frames, in order; frames that come while all workers are busy are left out. */
  watch(video: HTMLVideoElement, callback: (map: EdgeMap, stats: WatchStats) => void, options?: WatchOptions): Watch;
  /** Bytes of memory that the workers have taken for WebAssembly. */
  memory(): Promise<number>;
  /** Stops the workers; calls that are open are rejected with the code `"closed"`. */
  close(): void;
}
