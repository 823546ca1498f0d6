/** How an edge map is finished, in this order: thinner, binary, in a style, inverted. */
export interface FinishOptions {
  /**
   * How thin edges are: as they are (`"none"`, or `false`), only their crests (`"crest"`), or lines one pixel wide
   * (`"pixel"`, or `true`).
   */
  thin?: boolean | "none" | "crest" | "pixel";
  /** Probability, 0 to 1, from which a pixel is an edge; then there is nothing between edge and none. */
  threshold?: number;
  /** With `threshold`: also pixels of at least this probability that are connected to one of `threshold`. */
  low?: number;
  /** As ControlNet knows them: three grey levels (`"safe"`), or broad white lines (`"scribble"`). */
  style?: "soft" | "safe" | "scribble";
  /** Dark edges on white. */
  invert?: boolean;
}

/** How lines are drawn. */
export interface LineOptions {
  /** Least probability of a line's pixels [0.15]. */
  low?: number;
  /** Least probability of the strongest pixel of lines that meet [0.35]. */
  high?: number;
  /** How far a curve may be from the crest of an edge, in pixels [0.5]. */
  tolerance?: number;
  /** Width of strokes in pixels, or by strength of the edge [1]. */
  stroke?: number | "strength";
}

/** What went wrong. */
export type ErrorCode =
  /** This browser lacks something. */
  | "unsupported"
  /** The detector was closed, perhaps meanwhile. */
  | "closed"
  /** There are no pixels, or they may not be read. */
  | "source"
  /** There are too many pixels. */
  | "size"
  /** An option is none of those there are. */
  | "options"
  /** A file is no model of edges. */
  | "model"
  /** A file cannot be fetched or compiled. */
  | "load"
  /** A worker failed; the next call has a new one. */
  | "worker";

/** Why there is no map. Aborted calls are rejected with the reason of their signal instead. */
export declare class PidinetError extends Error {
  private constructor();
  readonly name: "PidinetError";
  readonly code: ErrorCode;
}
